#!/usr/bin/env bash
# Case 1 when links fail in part: one way between the servers, one way to the devices, a link that flaps. Automatic promotion is off,
# so that nobody takes over without an operator. Needs root.
. "$(dirname "$0")/common.sh"
. "$(dirname "$0")/pair.sh"
trap end_networked_drill EXIT

# one_way FROM TO WHAT: nothing that one server sends reaches the other, the devices reach both.
one_way() {
  local began
  log_events 1
  mute "$1" "192.168.1.1$2"
  until_true 60 "server #$STANDBY hears nobody" hears_nobody "$S" >/dev/null
  changes_things "$A"
  is_standby "$S" || die "server #$STANDBY is more than standby, and no operator made it so"
  speak "$1" "192.168.1.1$2"
  began="$(now_ms)"
  settled
  report "no packet from server #$1 reaches #$2: nobody takes over; all is even again after" "$(seconds $(($(now_ms) - began)))"
}

make_network
start_server 1
until_true 60 "server #1 is active" is_active "$A" >/dev/null
join_pair

one_way "$ACTIVE" "$STANDBY"
one_way "$STANDBY" "$ACTIVE"

log_events 1
flap "$ACTIVE"
settled
report "the link of server #$ACTIVE flaps for 20 s" "it stays active"

# The servers reach each other all the time, so that the role can go where the devices are.
log_events 1
lost="$(now_ms)"
mute "$ACTIVE" "$DEVICE_NET"
on_standby "no packet from server #$ACTIVE reaches the devices" "$lost"
changes_things "$A"
events_complete "$A"
report "  meanwhile events go by way of the standby to server #$ACTIVE, each once" "yes"
role_follows
speak "$STANDBY" "$DEVICE_NET"
settled
never_both "$MOVES"
report "edits answered so far, never by both servers at one time" "$(answered)"

# A machine that hears nothing goes on in its own epoch; an operator makes the other one active meanwhile.
log_events 1
lost="$(now_ms)"
deafen "$ACTIVE"
log_events 1
on_standby "no packet reaches server #$ACTIVE, all hear what it sends" "$lost"
promoted "it hears nothing"
hear "$STANDBY"
gives_way
settled
report "  it hears again, is read-only, and joins as standby" "yes"
report "  edits that only it had, listed and kept" "$LONE"
summed_up
