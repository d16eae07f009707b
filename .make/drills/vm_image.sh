#!/usr/bin/env bash
# Case 2: one server, whose machine is copied: images of its disk, a pause, an image that takes over, and the old one that comes back. The
# hypervisor's part is played by copies of the data folder: of a process that stands still, as a crash-consistent image, and between `portal
# quiesce` and `portal resume`. On this machine's loopback.
. "$(dirname "$0")/common.sh"
. "$(dirname "$0")/one_server.sh"

trap end_drill EXIT

# An image of a machine that stands still, taken of the running server's disk.
image() {
  kill -STOP "$SERVER"
  cp -a "$1" "$2"
  kill -CONT "$SERVER"
}

make_site "$DRILL/disk"
log_events 4
events_complete "$DRILL/disk"

began="$(now_ms)"
"$PORTAL" quiesce --data "$DRILL/disk" --limit 30 >/dev/null
cp -a "$DRILL/disk" "$DRILL/snapshot"
"$PORTAL" resume --data "$DRILL/disk" >/dev/null
report "quiesce, a copy of the disk, resume" "$(seconds $(($(now_ms) - began)))"

start_writers "$DRILL/disk" "$DRILL/replica" "$DRILL/snapshot"
until_true 60 "edits are answered" has_answered 20 >/dev/null
kill -STOP "$SERVER"
log_events 1
sleep 12
kill -CONT "$SERVER"
began="$(now_ms)"
until_true $((60 + MORE)) "all devices are back after the pause" all_on "$DRILL/disk" >/dev/null
is_active "$DRILL/disk" || die "a pause ended the role"
report "the machine stands still for 12 s: all devices are back after" "$(seconds $(($(now_ms) - began)))"

# Nothing that was answered before the image is lost; of what came after it the devices bring their part.
changes_things "$DRILL/disk"
cp "$DRILL/answered" "$DRILL/before"
image "$DRILL/disk" "$DRILL/replica"
log_events 3
events_complete "$DRILL/disk"
changes_things "$DRILL/disk"
lost="$(now_ms)"
cut_power "$SERVER"
log_events 2
start_server "$DRILL/replica"
until_true 60 "the image is active" is_active "$DRILL/replica" >/dev/null
until_true $((90 + MORE)) "all devices are on the image" all_on "$DRILL/replica" >/dev/null
report "SIGKILL, an image takes over: the last device is registered after" "$(seconds $(($(now_ms) - lost)))"
missing_at "$DRILL/replica" >"$DRILL/missing"
if grep -q -F -f "$DRILL/missing" "$DRILL/before"; then die "the image lacks edits that were answered before it was taken"; fi
report "  edits answered before the image was taken, all there" "$(wc -l <"$DRILL/before")"
report "  edits answered after it, which only the old machine has" "$(wc -l <"$DRILL/missing")"
changes_things "$DRILL/replica"
events_complete "$DRILL/replica"
report "  events, those after the image brought again by the devices, each once" "$((LOGGED * DEVICES)) of $((LOGGED * DEVICES))"

# The old machine comes back with its disk, at the same address.
stop_gently "$SERVER"
starts_old "$DRILL/disk" "the old machine comes back"
cut_power "$SERVER"

# The snapshot of long ago is started by mistake.
starts_old "$DRILL/snapshot" "a snapshot of long ago is started"
cut_power "$SERVER"

starts_old "$DRILL/disk" "the old machine comes back again"
"$PORTAL" promote --data "$DRILL/disk" --stopped "the image was switched off" --yes >/dev/null
is_active "$DRILL/disk" || die "the operator's word does not count"
until_true $((60 + MORE)) "all devices are on it" all_on "$DRILL/disk" >/dev/null
changes_things "$DRILL/disk"
log_events 1
events_complete "$DRILL/disk"
report "an operator decides for the old machine: active, in epoch" "$(epoch_of "$DRILL/disk")"
stop_writers
report "edits answered in all" "$(answered)"
missing_at "$DRILL/disk" | grep -F -f - "$DRILL/answered" | cut -d ' ' -f 3 >"$DRILL/gone" || true
if grep -q disk "$DRILL/gone"; then die "edits of the machine itself are lost"; fi
report "  of them made on the images, and gone with them by that decision" "$(wc -l <"$DRILL/gone")"
report "events of all devices, each of them once" "$((LOGGED * DEVICES)) of $((LOGGED * DEVICES))"
stop_gently "$SERVER"
database_is_whole "$DRILL/disk/biostar2.db"
