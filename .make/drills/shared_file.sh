#!/usr/bin/env bash
# Case 0: one database file for two servers, and one floating address that keepalived moves. Two machines and the devices
# are network namespaces on one bridge; the shared disk is a small one that both see. Needs root.
. "$(dirname "$0")/common.sh"
. "$(dirname "$0")/network.sh"
. "$(dirname "$0")/keepalived.sh"

DISK="$DRILL/disk"
ONE="$DRILL/server1" TWO="$DRILL/server2"
# keepalived ends its own child, if it is asked to.
trap end_networked_drill EXIT
small_disk "$DISK" $((64 + MORE))m

# start_server N [MORE...]
start_server() {
  local n="$1"
  shift
  ip netns exec "$NET-$n" "$PORTAL" run --data "$DRILL/server$n" --name "BioStar Server #$n" --web-root "$WEB" \
    --http 127.0.0.1:3000 --gateway 0.0.0.0:51213 --peers 0.0.0.0:51215 --advertise "192.168.1.1$n" \
    --shared "$DISK/biostar2.db" --floating-ip "$FLOATING" "$@" >>"$DRILL/server$n.log" 2>&1 &
  PID[$n]=$!
  remember $!
  disown $!
}

all_on() { connected "$DRILL/server$1" "BioStar Server #$1" "$DEVICES"; }
epochs() { "$PORTAL" servers --history --data "$DRILL/server$1" | grep -c '^epoch'; }
# The active server is A from now on, the other one S.
chosen() {
  if is_active "$ONE"; then A=1 S=2; else A=2 S=1; fi
  is_active "$DRILL/server$A" && is_standby "$DRILL/server$S" && has_address "$A"
}
hears_nothing() { roles_at "$1" | grep -q unreachable; }

# stays_active N WHAT: it still is, and answers; nothing of what was answered is lost, and the events are complete.
stays_active() {
  until_true $((90 + MORE)) "all devices are on server #$1" all_on "$1" >/dev/null
  is_active "$DRILL/server$1" || die "server #$1 gave its role up"
  nothing_lost "$1"
  report "$2" "it stays active"
}
# nothing_lost N: what was answered is in the file, and the events are complete.
nothing_lost() {
  changes_things "$DRILL/server$1"
  until_true 30 "answered edits are in the file" has_all_edits "$DRILL/server$1" >/dev/null
  events_complete "$DRILL/server$1"
}
# taken_over N WHAT SINCE: that server is active, has the address and the devices.
taken_over() {
  until_true 60 "server #$1 is active" is_active "$DRILL/server$1" >/dev/null
  report "$2: server #$1 is active after" "$(seconds $(($(now_ms) - $3)))"
  until_true 60 "the address moved" has_address "$1" >/dev/null
  report "  the floating address is on server #$1 after" "$(seconds $(($(now_ms) - $3)))"
  until_true $((90 + MORE)) "all devices are back" all_on "$1" >/dev/null
  report "  the last device is registered on server #$1 after" "$(seconds $(($(now_ms) - $3)))"
  nothing_lost "$1"
}

declare -A PID
make_network
start_server 1
until_true 60 "server #1 is active" is_active "$DRILL/server1" >/dev/null
start_keepalived 1
start_keepalived 2
until_true 30 "server #1 has the floating address" has_address 1 >/dev/null
start_server 2 --join "$("$PORTAL" join-string --data "$DRILL/server1")"
until_true 60 "server #2 asks to join" confirm_join "$ONE" "$TWO.log" >/dev/null
until_true 60 "server #2 is standby" is_standby "$TWO" >/dev/null

string="$("$PORTAL" provision --data "$ONE" --uses "$DEVICES" --address "$FLOATING:51213")"
start_devices_in_net "$string"
accept_all "$ONE" >/dev/null
until_true $((60 + MORE)) "all devices are connected" all_on 1 >/dev/null
report "devices, all on $FLOATING of server #1" "$DEVICES"
log_events 3
events_complete "$ONE"
start_writers "$ONE" "$TWO"
until_true 60 "edits are answered" has_answered 20 >/dev/null

log_events 1
lost="$(now_ms)"
cut_power "${PID[1]}"
log_events 1
taken_over 2 "SIGKILL of server #1" "$lost"
if has_address 1; then die "both machines have the floating address"; fi

start_server 1
until_true 60 "server #1 is standby" is_standby "$ONE" >/dev/null
report "server #1 comes back as standby, its file untouched" "yes"

# A machine cut off from the network, its disk still there: it must step down by itself.
lost="$(now_ms)"
cut_off 2
log_events 1
taken_over 1 "server #2 cut off from the network" "$lost"
is_standby "$TWO" || die "the machine that was cut off did not step down"
reconnect 2

# One way only, for one machine and for the other.
deafen 2
log_events 1
until_true 60 "server #2 hears nothing" hears_nothing "$TWO" >/dev/null
stays_active 1 "no packet reaches server #2"
hear 2
lost="$(now_ms)"
deafen 1
log_events 1
taken_over 2 "no packet reaches server #1, all hear what it sends" "$lost"
is_standby "$ONE" || die "the machine that heard nothing did not step down"
hear 1

# The address comes back later than the link, so that the role may move; whoever has it keeps it from then on.
lost="$(now_ms)"
log_events 1
flap 2
until_true 60 "one of both is active and has the address" chosen >/dev/null
taken_over "$A" "the link of server #2 flaps for 20 s" "$lost"

# The disk takes nothing any more: what is answered is still there afterwards.
until_true 60 "server #$S is standby" is_standby "$DRILL/server$S" >/dev/null
fill_disk "$DISK"
log_events 1
until_true 60 "edits are refused" refuses "$DRILL/server$A" >/dev/null
if is_active "$DRILL/server$S"; then die "server #$S has taken the lease because the disk is full"; fi
empty_disk "$DISK"
stays_active "$A" "the shared disk is full: edits are refused, events wait on the devices"

# A process that hangs keeps its lease: nobody else may open the file.
kill -STOP "${PID[$A]}"
log_events 1
sleep 8
if is_active "$DRILL/server$S"; then die "the lease of a hanging server was broken"; fi
kill -CONT "${PID[$A]}"
until_true 30 "server #$A goes on" is_active "$DRILL/server$A" >/dev/null
stays_active "$A" "server #$A stopped in its tracks (SIGSTOP) for 8 s: server #$S stays standby"
stop_writers
never_both "$(($(epochs "$A") - 1))"
report "promotions on record, none of them by an operator" "$(($(epochs "$A") - 1))"
report "edits answered in all, never by both servers at one time" "$(answered)"
report "  of them lost" "$(missing_at "$DRILL/server$A" | wc -l)"
report "events of all devices, each of them once" "$((LOGGED * DEVICES)) of $((LOGGED * DEVICES))"
stop_gently "${PID[1]}"
stop_gently "${PID[2]}"
database_is_whole "$DISK/biostar2.db"
