#!/usr/bin/env bash
# Case 1 when disks fill up and copies arrive torn: the standby's disk, the active server's, a standby that dies in the middle of a transfer, and
# a byte that changed in what it has of it. Needs root.
. "$(dirname "$0")/common.sh"
. "$(dirname "$0")/pair.sh"
trap end_networked_drill EXIT

small_disk "$DRILL/server1" $((96 + MORE))m
small_disk "$DRILL/server2" $((96 + MORE))m
chmod 700 "$DRILL/server1" "$DRILL/server2"

logged() { grep -c "$2" "$1.log" || true; }
has_logged() { [ "$(logged "$1" "$2")" -gt "$3" ]; }

part_size() { stat -c %s "$S/copies/incoming.part" 2>/dev/null || echo 0; }
whole_size() { stat -c %s "$(ls -t "$S"/copies/*.db | head -n 1)"; }

# caught: an edit sends a copy on its way, and the standby is stopped in its tracks when a part of it is there.
caught() {
  local began
  edit "$A" || return 1
  began="$(now_ms)"
  until [ -s "$S/copies/incoming.part" ]; do [ $(($(now_ms) - began)) -lt 5000 ] || return 1; done
  kill -STOP "${PID[$STANDBY]}"
  PART="$(part_size)"
  if [ "$PART" -gt 0 ] && [ "$PART" -lt $(($(whole_size) - 16384)) ]; then return; fi
  # It was quicker.
  kill -CONT "${PID[$STANDBY]}"
  until_true 30 "the copy has caught up" has_all_edits "$S" >/dev/null
  return 1
}

make_network
start_server 1
until_true 60 "server #1 is active" is_active "$A" >/dev/null
join_pair

failed="$(logged "$S" "was not put to use")"
fill_disk "$S"
log_events 1
until_true 60 "the standby says that it cannot keep a copy" has_logged "$S" "was not put to use" "$failed" >/dev/null
changes_things "$A"
events_complete "$A"
empty_disk "$S"
settled
report "the disk of the standby is full: server #1 and its devices go on; afterwards the copy" "catches up"

# What the log of the database still has room for is answered, and must be there after a power cut; the rest is refused.
failed="$(logged "$A" "no snapshot of the database can be taken")" full="$(now_ms)"
fill_disk "$A"
log_events 1
until_true 60 "the active server says that its disk is full" has_logged "$A" "no snapshot of the database can be taken" "$failed" >/dev/null
is_standby "$S" || die "server #$STANDBY is more than standby, and no operator made it so"
lost="$(now_ms)"
cut_power "${PID[$ACTIVE]}"
kept="$(awk -v at="$full" '$2 > at' "$DRILL/answered" | wc -l)"
empty_disk "$A"
log_events 1
on_standby "the disk of the active server is full, and then its power fails" "$lost"
start_server "$ACTIVE"
until_true 60 "server #$ACTIVE is active again" is_active "$A" >/dev/null
catches_up "$S" "$A"
role_follows
settled
[ "$LONE" = 0 ] || die "$LONE edits that were answered on a full disk are lost"
report "  edits answered on the full disk, all there" "$kept"

transfer_ended() { has_logged "$S" "was not put to use" "$failed" || has_logged "$S" "newer copy in use" "$used"; }

# The line goes in the middle of a transfer. What was on its way by then may have been all of it: then it is tried again.
breaks_off() {
  caught || return 1
  failed="$(logged "$S" "was not put to use")" used="$(logged "$S" "newer copy in use")"
  cut_off "$STANDBY"
  kill -CONT "${PID[$STANDBY]}"
  until_true 60 "the transfer ends" transfer_ended
  if has_logged "$S" "was not put to use" "$failed"; then return; fi
  reconnect "$STANDBY"
  return 1
}

# A copy that is torn: only what is whole is put to use.
stop_writers
until_true 30 "the copy has caught up" has_all_edits "$S" >/dev/null
until_true 120 "the standby is caught in the middle of a transfer" caught >/dev/null
report "the standby dies (SIGKILL) in the middle of a transfer, with" "$PART of about $(whole_size) bytes"
cut_power "${PID[$STANDBY]}"
start_server "$STANDBY"
until_true 60 "server #$STANDBY is standby" is_standby "$S" >/dev/null
until_true 60 "the copy is fetched" has_all_edits "$S" >/dev/null
report "  it starts with the copy before, and fetches the new one" "yes"

# The line breaks in the middle, and what is kept of the copy changes on the disk.
refused="$(logged "$S" "is not what was announced")"
until_true 180 "a transfer breaks off" breaks_off >/dev/null
PART="$(part_size)"
[ "$PART" -gt 0 ] || die "nothing is kept of a copy that broke off"
printf 'X' | dd of="$S/copies/incoming.part" bs=1 seek=$((PART / 2)) conv=notrunc 2>/dev/null
reconnect "$STANDBY"
until_true 60 "the altered copy is refused" has_logged "$S" "is not what was announced" "$refused" >/dev/null
until_true 60 "the copy is fetched anew" has_all_edits "$S" >/dev/null
report "the line breaks after $PART bytes, one of them changes: refused by its hash, fetched anew" "yes"
start_writers "$A" "$S"
settled

# And what has come through all that serves.
log_events 1
lost="$(now_ms)"
cut_power "${PID[$ACTIVE]}"
log_events 1
on_standby "SIGKILL of server #$ACTIVE" "$lost"
promoted "killed by the drill"
start_server "$STANDBY"
gives_way
settled
report "  edits that only it had, listed and kept" "$LONE"
summed_up
never_both "$MOVES"
stop_gently "${PID[$STANDBY]}"
stop_gently "${PID[$ACTIVE]}"
database_is_whole "$A/biostar2.db"
