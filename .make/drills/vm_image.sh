#!/usr/bin/env bash
# Case 2: one server, whose machine is copied: images of its disk, a pause, an image that takes over, and the old one that comes back. The
# hypervisor's part is played by copies of the data folder: of a process that stands still, as a crash-consistent image, and between `portal
# quiesce` and `portal resume`. On this machine's loopback.
. "$(dirname "$0")/common.sh"

GATEWAY=127.0.0.1:51813
SERVER=

trap end_drill EXIT

# start_server DATA: the machine that has this disk; one at a time, always at the same address.
start_server() {
  "$PORTAL" run --data "$1" --name "BioStar Server #1" --site-root "$SITE" --metrics 127.0.0.1:3186 \
    --http 127.0.0.1:3185 --gateway "$GATEWAY" --sites 127.0.0.1:51815 >>"$1.log" 2>&1 &
  SERVER=$!
  remember $!
  disown $!
}

# An image of a machine that stands still, taken of the running server's disk.
image() {
  kill -STOP "$SERVER"
  cp -a "$1" "$2"
  kill -CONT "$SERVER"
}

all_on() { connected "$1" "BioStar Server #1" "$DEVICES"; }
says() { roles_at "$1" | grep -q "$2"; }
uses() { "$BLN" ctl --control "$DRILL/doors.sock" event "$1" "$2" >/dev/null; }
console() { curl --silent --fail --unix-socket "$1/control.sock" "http://console/api/v1$2"; }
events_at() { console "$1" "/events?code=4864&limit=1" | grep -o '"total":[0-9]*' | cut -d: -f2; }
has_events() { [ "$(events_at "$1")" = "$2" ]; }
edits_at() { console "$1" /provisioning | grep -o '"uses":3' | wc -l; }
edit() { "$PORTAL" provision --data "$1" --uses 3 >/dev/null; }

start_server "$DRILL/disk"
until_true 60 "the server is active" is_active "$DRILL/disk" >/dev/null
string="$("$PORTAL" provision --data "$DRILL/disk" --uses "$DEVICES" --address "$GATEWAY")"
start_doors "$string"
accept_all "$DRILL/disk" >/dev/null
until_true 60 "all devices are connected" all_on "$DRILL/disk" >/dev/null
report "devices, all on one server" "$DEVICES"
uses 547846001 40
until_true 30 "the events are taken in" has_events "$DRILL/disk" 40 >/dev/null

began="$(now_ms)"
"$PORTAL" quiesce --data "$DRILL/disk" --limit 30 >/dev/null
cp -a "$DRILL/disk" "$DRILL/snapshot"
"$PORTAL" resume --data "$DRILL/disk" >/dev/null
report "quiesce, a copy of the disk, resume" "$(seconds $(($(now_ms) - began)))"

for _ in $(seq 20); do edit "$DRILL/disk"; done
kill -STOP "$SERVER"
sleep 12
kill -CONT "$SERVER"
began="$(now_ms)"
until_true 60 "all devices are back after the pause" all_on "$DRILL/disk" >/dev/null
is_active "$DRILL/disk" || die "a pause ended the role"
report "the machine stands still for 12 s: all devices are back after" "$(seconds $(($(now_ms) - began)))"

image "$DRILL/disk" "$DRILL/replica"
uses 547846002 30
until_true 30 "the events are taken in" has_events "$DRILL/disk" 70 >/dev/null
edit "$DRILL/disk"
lost="$(now_ms)"
cut_power "$SERVER"
start_server "$DRILL/replica"
until_true 60 "the image is active" is_active "$DRILL/replica" >/dev/null
until_true 90 "all devices are on the image" all_on "$DRILL/replica" >/dev/null
report "SIGKILL, an image takes over: the last device is registered after" "$(seconds $(($(now_ms) - lost)))"
[ "$(edits_at "$DRILL/replica")" = 20 ] || die "the image lacks edits that were answered before it was taken"
report "  edits answered before the image was taken, all there" "20"
until_true 30 "the events come again" has_events "$DRILL/replica" 70 >/dev/null
report "  events, those after the image brought again by the devices" "70 of 70"

# The old machine comes back with its disk, at the same address.
stop_gently "$SERVER"
start_server "$DRILL/disk"
until_true 60 "the old machine knows that it is old" is_read_only "$DRILL/disk" >/dev/null
says "$DRILL/disk" "old image" || die "it does not say why"
report "the old machine comes back: read-only, as the devices show it a later start" "yes"
cut_power "$SERVER"

# The snapshot of long ago is started by mistake.
start_server "$DRILL/snapshot"
until_true 60 "the snapshot knows that it is old" is_read_only "$DRILL/snapshot" >/dev/null
report "a snapshot of long ago is started: read-only" "yes"
cut_power "$SERVER"

start_server "$DRILL/disk"
until_true 60 "the old machine knows that it is old" is_read_only "$DRILL/disk" >/dev/null
"$PORTAL" promote --data "$DRILL/disk" --stopped "the image was switched off" --yes >/dev/null
is_active "$DRILL/disk" || die "the operator's word does not count"
until_true 60 "all devices are on it" all_on "$DRILL/disk" >/dev/null
until_true 30 "the events are there" has_events "$DRILL/disk" 70 >/dev/null
edit "$DRILL/disk"
report "an operator decides for the old machine: active, in epoch" "$(console "$DRILL/disk" /servers | grep -o '"epoch":[0-9]*' | head -n 1 | cut -d: -f2)"
stop_gently "$SERVER"
database_is_whole "$DRILL/disk/biostar2.db"
