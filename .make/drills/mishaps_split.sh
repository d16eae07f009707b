#!/usr/bin/env bash
# Case 1 when the active server falls silent and is not dead: it stands still, or it is cut off from everybody. An operator makes the other one
# active and is wrong about what was stopped: both are active for a while, in two epochs. Automatic promotion is off. Needs root.
. "$(dirname "$0")/common.sh"
. "$(dirname "$0")/pair.sh"
trap end_networked_drill EXIT

DEVICE=547846007
# A third server that nobody ever made: it does no harm on a list.
NEW=192.168.1.13
list_at() { console "$1" "/devices/$DEVICE/servers"; }
edit_list() {
  local revision
  revision="$(list_at "$1" | grep -o '^{"revision":[0-9]*' | grep -o '[0-9]*')"
  console "$1" "/devices/$DEVICE/servers" --request PUT --header "if-match: \"$revision\"" --header "content-type: application/json" \
    --data '{"entries":[{"priority":1,"address":"192.168.1.11","port":51213},{"priority":2,"address":"192.168.1.12","port":51213},
      {"priority":3,"address":"'"$NEW"'","port":51213}]}' >/dev/null
}
wants_new() { list_at "$1" | sed 's/"committed":.*//' | grep -q "$NEW"; }
has_taken_new() { list_at "$1" | grep -o '"committed":.*"push"' | grep -q "$NEW"; }

make_network
start_server 1
until_true 60 "server #1 is active" is_active "$A" >/dev/null
join_pair

log_events 1
lost="$(now_ms)"
stopped="${PID[$ACTIVE]}"
kill -STOP "$stopped"
log_events 1
on_standby "server #$ACTIVE stopped in its tracks (SIGSTOP)" "$lost"
promoted "taken for dead by the drill"
log_events 1
kill -CONT "$stopped"
gives_way
settled
report "  it goes on, and is read-only as soon as it hears of server #$ACTIVE" "yes"
report "  edits that only it had, listed and kept" "$LONE"

# No copy leaves the active server any more: what it sets on a device only that device knows when the server is gone.
before="$LONE"
mute "$ACTIVE" "192.168.1.1$STANDBY"
until_true 60 "server #$STANDBY hears nobody" hears_nobody "$S" >/dev/null
edit_list "$A"
until_true 120 "the device keeps its new list" has_taken_new "$A" >/dev/null
if wants_new "$S"; then die "a copy has come through"; fi
log_events 1
lost="$(now_ms)"
cut_off "$ACTIVE"
log_events 1
on_standby "server #$ACTIVE cut off from everybody" "$lost"
promoted "the cable was pulled"
since="$(now_ms)"
until_true 60 "the new server learns the list" wants_new "$A" >/dev/null
report "  a device's list that no copy had: server #$ACTIVE has it from the device after" "$(seconds $(($(now_ms) - since)))"
until_true 30 "the one cut off still edits" has_changed "$S" "$since" >/dev/null
report "  server #$STANDBY, alone on its machine, goes on in its own epoch" "$(epoch_of "$S") and $(epoch_of "$A")"
log_events 1
reconnect "$STANDBY"
speak "$STANDBY" "192.168.1.1$ACTIVE"
gives_way
settled
report "  reached again, it is read-only, and joins as standby" "yes"
report "  edits that only it had, listed and kept" "$((LONE - before))"
has_taken_new "$A" || die "the device's list is not what it was set to"
summed_up
