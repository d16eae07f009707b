#!/usr/bin/env bash
# Automatic promotion: the devices decide, while servers are killed, stopped and cut off. Two machines and the devices are network
# namespaces on one bridge; on both servers somebody tries to edit all the time. Needs root.
. "$(dirname "$0")/common.sh"
. "$(dirname "$0")/network.sh"

# An answer counts for so long, and a standby waits three times as long; 30 by default.
HOLD=4
ACTIVE=1 STANDBY=2
ONE="$DRILL/server1" TWO="$DRILL/server2"
declare -A PID
trap end_networked_drill EXIT

# start_server N [MORE...]
start_server() {
  local n="$1"
  shift
  ip netns exec "$NET-$n" "$PORTAL" run --data "$DRILL/server$n" --name "BioStar Server #$n" --web-root "$WEB" \
    --http 127.0.0.1:3000 --gateway 0.0.0.0:51213 --peers 0.0.0.0:51215 --advertise "192.168.1.1$n" \
    --promotion-hold "$HOLD" "$@" >>"$DRILL/server$n.log" 2>&1 &
  PID[$n]=$!
  remember $!
  disown $!
}

in_force() {
  local now
  now="$("$PORTAL" automatic-promotion --data "$1" 2>/dev/null)"
  grep -q "^automatic promotion: on\$" <<<"$now" && grep -q "^$DEVICES of $DEVICES devices count" <<<"$now"
}
both_in_force() { in_force "$DRILL/server1" && in_force "$DRILL/server2"; }
epochs() { "$PORTAL" servers --history --data "$DRILL/server$ACTIVE" | grep -c '^epoch'; }
follows() { is_standby "$DRILL/server$STANDBY" || { "$PORTAL" rejoin --data "$DRILL/server$STANDBY"; is_standby "$DRILL/server$STANDBY"; }; }

# taken_over WHAT SINCE: the standby is active by itself; from here on the names are the other way round.
taken_over() {
  log_events 2
  until_true $((150 + MORE)) "server #$STANDBY takes over" is_active "$DRILL/server$STANDBY" >/dev/null
  report "$1: server #$STANDBY is active after" "$(seconds $(($(now_ms) - $2)))"
  local before="$ACTIVE"
  ACTIVE="$STANDBY" STANDBY="$before"
}

# The other server is the standby again, and everything is as in the beginning.
settled() {
  log_events 1
  until_true $((60 + MORE)) "server #$STANDBY follows" follows >/dev/null
  until_true $((150 + MORE)) "all devices are on server #$ACTIVE" all_on "$ACTIVE" "$ACTIVE" >/dev/null
  until_true $((60 + MORE)) "automatic promotion is in force again" both_in_force >/dev/null
  catches_up "$DRILL/server$STANDBY" "$DRILL/server$ACTIVE"
  events_complete "$DRILL/server$ACTIVE"
  events_complete "$DRILL/server$STANDBY"
}

make_network
start_server 1
until_true 60 "server #1 is active" is_active "$DRILL/server1" >/dev/null
start_server 2 --join "$("$PORTAL" join-string --data "$DRILL/server1")"
until_true 60 "server #2 asks to join" confirm_join "$DRILL/server1" "$DRILL/server2.log" >/dev/null
until_true 60 "server #2 is standby" is_standby "$DRILL/server2" >/dev/null
start_devices_in_net "$("$PORTAL" provision --data "$DRILL/server1" --uses "$DEVICES" \
  --address 192.168.1.11:51213 --address 192.168.1.12:51213)"
accept_all "$DRILL/server1" >/dev/null
until_true $((60 + MORE)) "all devices are connected" all_on 1 1 >/dev/null
# A device counts once it was seen to reach both servers.
"$PORTAL" drill --data "$DRILL/server1" --to "BioStar Server #2" --limit $((60 + MORE)) >/dev/null
"$PORTAL" automatic-promotion --data "$DRILL/server1" on >/dev/null
settled
report "devices, all on server #1, all of them count" "$DEVICES"
start_writers "$ONE" "$TWO"
changes_things "$ONE"

lost="$(now_ms)"
kill -KILL "${PID[$ACTIVE]}"
taken_over "SIGKILL of server #1" "$lost"
start_server "$STANDBY"
settled

lost="$(now_ms)"
stopped="${PID[$ACTIVE]}"
kill -STOP "$stopped"
taken_over "server #2 stopped in its tracks (SIGSTOP)" "$lost"
kill -CONT "$stopped"
settled

before="$(epochs)"
mute "$ACTIVE" "192.168.1.1$STANDBY"
log_events 1
sleep $((HOLD * 6))
speak "$ACTIVE" "192.168.1.1$STANDBY"
is_active "$DRILL/server$ACTIVE" || die "server #$ACTIVE stepped down although its devices were there"
[ "$(epochs)" = "$before" ] || die "server #$STANDBY took over without devices"
report "no packet from server #$ACTIVE reaches #$STANDBY for $((HOLD * 6)) s, the devices are on #$ACTIVE" "it stays active"
settled

lost="$(now_ms)"
cut_off "$ACTIVE"
until_true 30 "server #$ACTIVE steps down" is_read_only "$DRILL/server$ACTIVE" >/dev/null
report "server #$ACTIVE cut off from the network: it is read-only after" "$(seconds $(($(now_ms) - lost)))"
taken_over "  the network is still down" "$lost"
reconnect "$STANDBY"
settled

log_events 1
flap "$ACTIVE"
settled
report "the link of server #$ACTIVE flaps for 20 s" "it stays active"

stop_writers
moves="$(($(epochs) - 1))"
never_both "$moves"
report "promotions, none of them by an operator" "$moves"
report "edits answered while all this went on, never by both servers at one time" "$(answered)"
report "  of them made by a server that was alone, listed and kept" "$(all_accounted "$DRILL/server$ACTIVE" "$DRILL/server$STANDBY")"
report "events of all devices, each of them once on either server" "$((LOGGED * DEVICES)) of $((LOGGED * DEVICES))"
