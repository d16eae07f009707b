# Sourced by common.sh: what every drill proves. Nothing that was answered is lost from sight, no two servers write in one epoch,
# and the events of all devices are complete, each of them once. A server is named by its data folder.

writers=() logging="" LOGGED=0

# console DATA PATH [MORE...]: what that server answers over its control socket; MORE are options of curl.
console() { curl --silent --fail --max-time 20 --unix-socket "$1/control.sock" "${@:3}" "http://console/api/v1$2"; }
post() { console "$1" "$2" --header "content-type: application/json" --data "$3"; }

# The epoch that a server has on its disk.
epoch_of() { grep -o '"number": *[0-9]*' "$1/role.json" 2>/dev/null | grep -o '[0-9]*'; }

# edit DATA: an operator's edit. If it is answered: a line with begin, end, server, epoch (- if it changed meanwhile) and what was made.
edit() {
  local began epoch made
  began="$(now_ms)" epoch="$(epoch_of "$1")"
  made="$(post "$1" /provisioning '{"uses":3}' 2>/dev/null | grep -o '"id":"[0-9a-f]*"' | cut -d '"' -f 4)" || return 1
  [ "$(epoch_of "$1")" = "$epoch" ] || epoch=-
  echo "$began $(now_ms) ${1##*/} $epoch $made" >>"$DRILL/answered"
}
edit_until_refused() { while edit "$1"; do :; done; }
edit_for_ever() {
  while :; do
    edit "$1" || true
    sleep 0.1
  done
}

# start_writers DATA...: somebody tries to edit all the time, on each of these servers.
start_writers() {
  local data
  touch "$DRILL/answered"
  for data in "$@"; do
    edit_for_ever "$data" &
    writers+=("$!")
    remember $!
    disown $!
  done
}
stop_writers() {
  kill -KILL "${writers[@]}"
  writers=()
  sleep 0.5
}

# Whether that server answers no edit now.
refuses() { ! edit "$1"; }
# Whether that server has answered an edit that was begun after SINCE.
has_changed() {
  awk -v who="${1##*/}" -v since="$2" '$3 == who && $1 > since { found = 1 } END { exit !found }' "$DRILL/answered"
}
# changes_things DATA: the writers get their answers there, from now on.
changes_things() { until_true $((60 + MORE)) "${1##*/} answers edits" has_changed "$1" "$(now_ms)" >/dev/null; }

answered() { wc -l <"$DRILL/answered"; }
has_answered() { [ "$(answered)" -ge "$1" ]; }
edits_at() { console "$1" /provisioning | grep -o '"id":"[0-9a-f]*"' | cut -d '"' -f 4 | sort; }
lone_at() { console "$1" /servers/divergent-changes | grep -o 'provisioning string [0-9a-f]*' | cut -d ' ' -f 3 | sort -u || true; }
# missing_at DATA: the edits that were answered and are not in that server's database.
missing_at() { comm -23 <(cut -d ' ' -f 5 "$DRILL/answered" | sort) <(edits_at "$1"); }
has_all_edits() { [ -z "$(missing_at "$1")" ]; }
has_those() { [ -z "$(comm -13 <(edits_at "$1") "$DRILL/those")" ]; }
# catches_up DATA OTHER: that server comes to have whatever the other one has now.
catches_up() {
  edits_at "$2" >"$DRILL/those"
  until_true $((60 + MORE)) "${1##*/} has caught up" has_those "$1" >/dev/null
}

# all_accounted ACTIVE OTHER: prints how many answered edits are listed as made alone; all others are in the active server's database.
all_accounted() {
  local missing lost
  missing="$(missing_at "$1")"
  lost="$(comm -23 <(echo "$missing") <({ lone_at "$1"; lone_at "$2"; echo; } | sort -u))"
  [ -z "$lost" ] || die "answered edits are in no database and on no list: $(grep -F "$lost" "$DRILL/answered" | tr '\n' ';')"
  grep -c . <<<"$missing" || true
}

one_writer_an_epoch() {
  local both
  both="$(awk '$4 != "-" { print $4, $3 }' "$DRILL/answered" | sort -u | cut -d ' ' -f 1 | uniq -d)"
  [ -z "$both" ] || die "two servers answered edits in one epoch: $both"
}

# never_both MOVES: as often as the role moved, so often did the answers come from another server, and never in between.
never_both() {
  local turns
  one_writer_an_epoch
  turns="$(sort -n "$DRILL/answered" | awk '$3 != last { turns++; last = $3 } END { print turns + 0 }')"
  [ "$turns" = $(($1 + 1)) ] || die "both servers answered edits at one time: $turns turns with $1 moves"
}

use_all_devices() {
  local first last
  while read -r first last; do
    seq "$first" "$last" | xargs -P 2 -I '{}' "$BLN" ctl --control "$(device_socket "$first")" event '{}' "$1" || return 1
  done < <(fleets)
}

# log_events N: somebody uses each device N times, from now on; events_complete waits for it.
log_events() {
  [ -z "$logging" ] || wait "$logging" || die "a device did not log its events"
  LOGGED=$((LOGGED + $1))
  use_all_devices "$1" >>"$DRILL/devices.log" 2>&1 &
  logging=$!
}

# events_at DATA: a line with device, ring and number for each.
events_at() {
  local page cursor=
  while :; do
    page="$(console "$1" "/events?code=4864&limit=200&cursor=$cursor")" || return 1
    grep -o '"device_id":[0-9]*,"device_name":"[^"]*","ring":"[0-9a-f]*","id":[0-9]*' <<<"$page" | sed 's/"device_name":"[^"]*",//'
    cursor="$(sed -n 's/.*"next_cursor":"\([^"]*\)".*/\1/p' <<<"$page")"
    [ -n "$cursor" ] || return 0
  done
}
count_events() { console "$1" "/events?code=4864&limit=1" | grep -o '"total":[0-9]*' | cut -d : -f 2; }
has_count() { [ "$(count_events "$1")" = "$2" ]; }

# events_complete DATA: that server has every event that was logged, each once.
events_complete() {
  local expected=$((LOGGED * DEVICES)) odd
  [ -z "$logging" ] || wait "$logging" || die "a device did not log its events"
  logging=""
  (until_true $((90 + 2 * MORE)) "${1##*/} has all events" has_count "$1" "$expected" >/dev/null) \
    || die "${1##*/} has $(count_events "$1") of $expected events"
  events_at "$1" | sort >"$DRILL/events" || die "the events cannot be listed"
  [ "$(wc -l <"$DRILL/events")" = "$expected" ] || die "$(wc -l <"$DRILL/events") of $expected events are listed"
  [ -z "$(uniq -d "$DRILL/events")" ] || die "listed twice: $(uniq -d "$DRILL/events" | head -n 3)"
  odd="$(cut -d , -f 1 "$DRILL/events" | uniq -c | awk -v each="$LOGGED" '$1 != each' | head -n 3)"
  [ -z "$odd" ] || die "not $LOGGED events of each device: $odd"
}
