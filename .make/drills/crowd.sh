#!/usr/bin/env bash
# What a large site asks of the whole portal: all devices at once after the active server's SIGKILL, pages read meanwhile, and nothing
# missing afterwards. Part of `make bench`: BENCH_DEVICES sets the size. Servers on one core, devices on another, on this machine's loopback.
DRILL_DEVICES="${BENCH_DEVICES:-2000}" DRILL_BUILD=release
. "$(dirname "$0")/common.sh"

ONE="$DRILL/server1" TWO="$DRILL/server2"
PAGES=http://127.0.0.1:3294
if have taskset && [ "$(nproc)" -gt 1 ]; then
  SERVERS_ON=(taskset -c 0) DEVICES_ON=(taskset -c 1)
else
  say "servers and devices share their cores here"
  SERVERS_ON=()
fi

trap end_drill EXIT

# start_server N [MORE...]: it takes what `make bench` measured that a core can, less a part for pages and the database.
start_server() {
  local n="$1"
  shift
  "${SERVERS_ON[@]}" "$PORTAL" run --data "$DRILL/server$n" --name "BioStar Server #$n" --web-root "$WEB" --capacity 600 \
    --http "127.0.0.1:3${n}94" --gateway "127.0.0.1:5$((n + 1))813" --peers "127.0.0.1:5$((n + 1))815" \
    --metrics "127.0.0.1:5$((n + 1))816" "$@" >>"$DRILL/server$n.log" 2>&1 &
  LAST=$!
  remember $!
  disown $!
}

# How many devices server #2 itself has, asked cheaply: a table of thousands would be a load of its own.
here() { curl --silent http://127.0.0.1:53816/metrics | awk '$1 ~ /^biostar_devices_connected/ { sum += $2 } END { print sum + 0 }'; }
has_devices() { [ "$(here)" -ge "$1" ]; }

# read_pages FILE: an operator who opens the device list, a device and the servers' page in turn; a line with the seconds of each answer.
read_pages() {
  local path
  while :; do
    for path in /devices "/devices/$((547846001 + RANDOM % DEVICES))" /servers; do
      curl --silent --max-time 20 --cookie "$DRILL/cookies" --output "$DRILL/page" \
        --write-out '%{time_total} %{http_code}\n' "$PAGES$path" >>"$1" || true
      sleep 0.02
    done
  done
}

start_server 1
FIRST=$LAST
until_true 60 "server #1 is active" is_active "$ONE" >/dev/null
start_server 2 --join "$("$PORTAL" join-string --data "$ONE")"
until_true 60 "server #2 asks to join" confirm_join "$ONE" "$TWO.log" >/dev/null
until_true 60 "server #2 is standby" is_standby "$TWO" >/dev/null
string="$("$PORTAL" provision --data "$ONE" --uses "$DEVICES" --address 127.0.0.1:52813 --address 127.0.0.1:53813)"
start_devices "$string"
accept_all "$ONE" >/dev/null
until_true $((60 + MORE)) "all devices are connected" all_on 1 1 >/dev/null
until_true $((60 + MORE)) "the copy has all devices" all_on 2 1 >/dev/null
log_events 1
curl --silent --fail --cookie-jar "$DRILL/cookies" --data-urlencode login=admin \
  --data-urlencode "password=$PORTAL_ADMIN_PASSWORD" --output /dev/null "$PAGES/login"

read_pages "$DRILL/answers" &
reader=$!
remember $reader
disown $reader
lost="$(now_ms)"
cut_power "$FIRST"
until_true $((60 + MORE)) "half of the devices are on server #2" has_devices $((DEVICES / 2)) >/dev/null
half=$(($(now_ms) - lost))
until_true $((60 + MORE)) "all devices are on server #2" has_devices "$DEVICES" >/dev/null
all=$(($(now_ms) - lost))
kill -KILL "$reader"
[ "$(awk '$2 != 200' "$DRILL/answers" | wc -l)" = 0 ] || die "a page was refused meanwhile"

report "SIGKILL of the active server with devices" "$DEVICES"
report "  half of them are registered on the other after" "$(seconds "$half")"
report "  the last of them after" "$(seconds "$all")"
report "  pages meanwhile, 99 of 100 within (aim: 500 ms)" "$(p99 <(cut -d ' ' -f 1 "$DRILL/answers"))"
all_on 2 2 || die "a session is missing in the store"
report "  sessions missing in the store" 0
log_events 1
promote_without "$TWO" "killed by the bench"
events_complete "$TWO"
report "  events missing, of $((LOGGED * DEVICES))" 0
