#!/usr/bin/env bash
# Case 1: two sites, each with its own address and database; the active one sends copies. On this machine's loopback.
. "$(dirname "$0")/common.sh"

declare -A PID
FIRST_GATEWAY=127.0.0.1:51413 SECOND_GATEWAY=127.0.0.1:51513

trap end_drill EXIT

# start_server N [MORE...]
start_server() {
  local n="$1"
  shift
  "$PORTAL" run --data "$DRILL/server$n" --name "BioStar Server #$n" --site-root "$SITE" \
    --http "127.0.0.1:3${n}90" --gateway "127.0.0.1:51$((n + 3))13" --sites "127.0.0.1:51$((n + 3))15" "$@" \
    >>"$DRILL/server$n.log" 2>&1 &
  PID[$n]=$!
  remember $!
  disown $!
}

start_server 1
until_true 60 "server #1 is active" is_active "$DRILL/server1" >/dev/null
start_server 2 --join "$("$PORTAL" join-string --data "$DRILL/server1")"
until_true 60 "server #2 asks to join" confirm_join "$DRILL/server1" "$DRILL/server2.log" >/dev/null
until_true 60 "server #2 is standby" is_standby "$DRILL/server2" >/dev/null
string="$("$PORTAL" provision --data "$DRILL/server1" --uses "$DEVICES" \
  --address "$FIRST_GATEWAY" --address "$SECOND_GATEWAY")"
start_doors "$string"
accept_all "$DRILL/server1" >/dev/null
until_true $((60 + MORE)) "all devices are connected" all_on 1 1 >/dev/null
until_true $((30 + MORE)) "the copy has all devices" all_on 2 1 >/dev/null
report "devices, all on server #1, both servers on their lists" "$DEVICES"

# Edits without a pause, and a kill in the middle of them.
edit_until_refused "$DRILL/server1" "$DRILL/answered" &
writer=$!
remember $writer
sleep 5
time_answers "$DRILL/server2" "$DRILL/answers" &
pages=$!
remember $pages
disown $pages
kill -KILL "${PID[1]}"
lost="$(now_ms)"
wait $writer 2>/dev/null || true
until_true $((90 + MORE)) "all devices are on server #2" all_on 2 2 >/dev/null
report "SIGKILL of server #1 in mid-edit: the last device is registered on #2 after" "$(seconds $(($(now_ms) - lost)))"
kill -KILL "$pages"
report "  meanwhile server #2 listed devices within (99 of 100 times)" "$(p99 "$DRILL/answers")"
until_true 30 "server #2 misses server #1" answers_not "$DRILL/server2" >/dev/null
"$PORTAL" promote --data "$DRILL/server2" --stopped "killed by the drill" --yes >/dev/null
is_active "$DRILL/server2" || die "server #2 did not become active"
report "  edits that were answered before" "$(wc -l <"$DRILL/answered")"

start_server 1
until_true 60 "server #1 is read-only" is_read_only "$DRILL/server1" >/dev/null
report "server #1 comes back read-only" "yes"
until_true 30 "server #1 joins again" rejoined "$DRILL/server1" >/dev/null
report "  edits that only it had, listed and kept" "$(grep -c '^only here' "$DRILL/rejoined" || true)"
until_true 30 "server #2 answers server #1" is_standby "$DRILL/server1" >/dev/null

began="$(now_ms)"
until_true 30 "server #1 takes the role" "$PORTAL" promote --data "$DRILL/server1" --yes >/dev/null
until_true 30 "server #2 follows" is_standby "$DRILL/server2" >/dev/null
report "the role is handed back without a loss within" "$(seconds $(($(now_ms) - began)))"
until_true $((120 + MORE)) "all devices follow the role" all_on 1 1 >/dev/null
report "  the last device has followed it after" "$(seconds $(($(now_ms) - began)))"
"$PORTAL" servers --history --data "$DRILL/server1" | grep '^epoch' | sed 's/^/  /'
