#!/usr/bin/env bash
# Case 1: two sites, each with its own address and database; the active one sends copies. On this machine's loopback.
. "$(dirname "$0")/common.sh"

declare -A PID
FIRST_GATEWAY=127.0.0.1:51413 SECOND_GATEWAY=127.0.0.1:51513
ONE="$DRILL/server1" TWO="$DRILL/server2"
# A copy is begun within a second of a change; an edit this much older than the kill must not be lost.
INTERVAL_MS=$((5000 + 20 * DEVICES))

trap end_drill EXIT

# start_server N [MORE...]
start_server() {
  local n="$1"
  shift
  "$PORTAL" run --data "$DRILL/server$n" --name "BioStar Server #$n" --web-root "$WEB" \
    --http "127.0.0.1:3${n}90" --gateway "127.0.0.1:51$((n + 3))13" --peers "127.0.0.1:51$((n + 3))15" "$@" \
    >>"$DRILL/server$n.log" 2>&1 &
  PID[$n]=$!
  remember $!
  disown $!
}

# How much older than the kill the oldest of the edits is that server #2 lacks.
age_of_loss() {
  local oldest
  oldest="$(missing_at "$TWO" | grep -F -f - "$DRILL/answered" | cut -d ' ' -f 2 | sort -n | head -n 1 || true)"
  echo $((oldest == 0 || oldest > $1 ? 0 : $1 - oldest))
}

start_server 1
until_true 60 "server #1 is active" is_active "$ONE" >/dev/null
start_server 2 --join "$("$PORTAL" join-string --data "$ONE")"
until_true 60 "server #2 asks to join" confirm_join "$ONE" "$TWO.log" >/dev/null
until_true 60 "server #2 is standby" is_standby "$TWO" >/dev/null
string="$("$PORTAL" provision --data "$ONE" --uses "$DEVICES" --address "$FIRST_GATEWAY" --address "$SECOND_GATEWAY")"
start_devices "$string"
accept_all "$ONE" >/dev/null
until_true $((60 + MORE)) "all devices are connected" all_on 1 1 >/dev/null
until_true $((30 + MORE)) "the copy has all devices" all_on 2 1 >/dev/null
report "devices, all on server #1, both servers on their lists" "$DEVICES"

# Edits all the time on both servers, events on all devices, and a kill in the middle of them.
log_events 3
events_complete "$ONE"
start_writers "$ONE" "$TWO"
until_true 60 "edits are answered" has_answered 30 >/dev/null
time_answers "$TWO" "$DRILL/answers" &
pages=$!
remember $pages
disown $pages
log_events 2
lost="$(now_ms)"
cut_power "${PID[1]}"
log_events 2
until_true $((90 + MORE)) "all devices are on server #2" all_on 2 2 >/dev/null
report "SIGKILL of server #1 in mid-edit: the last device is registered on #2 after" "$(seconds $(($(now_ms) - lost)))"
kill -KILL "$pages"
report "  meanwhile server #2 listed devices within (99 of 100 times)" "$(p99 "$DRILL/answers")"
until_true 30 "server #2 misses server #1" answers_not "$TWO" >/dev/null
report "  edits that were answered before" "$(answered)"
report "  of them not at server #2" "$(missing_at "$TWO" | wc -l)"
age="$(age_of_loss "$lost")"
[ "$age" -le "$INTERVAL_MS" ] || die "an edit was lost that was answered $age ms before the kill"
report "  the oldest of these was answered before the kill by" "$(seconds "$age")"
promote_without "$TWO" "killed by the drill"
changes_things "$TWO"
log_events 2
events_complete "$TWO"

start_server 1
until_true 60 "server #1 is read-only" is_read_only "$ONE" >/dev/null
report "server #1 comes back read-only" "yes"
until_true 30 "server #1 joins again" rejoined "$ONE" >/dev/null
report "  edits that only it had, listed and kept" "$(all_accounted "$TWO" "$ONE")"
until_true 30 "server #2 answers server #1" is_standby "$ONE" >/dev/null

began="$(now_ms)"
until_true $((30 + MORE)) "server #1 takes the role" "$PORTAL" promote --data "$ONE" --yes >/dev/null
until_true 30 "server #2 follows" is_standby "$TWO" >/dev/null
report "the role is handed back without a loss within" "$(seconds $(($(now_ms) - began)))"
log_events 2
changes_things "$ONE"
until_true $((120 + 2 * MORE)) "all devices follow the role" all_on 1 1 >/dev/null
report "  the last device has followed it after" "$(seconds $(($(now_ms) - began)))"
stop_writers
never_both 2
report "edits answered in all, never by both servers at one time" "$(answered)"
all_accounted "$ONE" "$TWO" >/dev/null
events_complete "$ONE"
events_complete "$TWO"
report "events of all devices, each of them once on either server" "$((LOGGED * DEVICES)) of $((LOGGED * DEVICES))"
"$PORTAL" servers --history --data "$ONE" | grep '^epoch' | sed 's/^/  /'
