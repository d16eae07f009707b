#!/usr/bin/env bash
# Case 2, an image that holds the machine's memory: the kernel says that the machine goes on from one (a new VM Generation ID), and a second
# machine goes on from the same image. The hypervisor's part is played by an event that the kernel sends to everybody in a network namespace
# of the drill's own. Needs root.
. "$(dirname "$0")/common.sh"
. "$(dirname "$0")/one_server.sh"

[ "$(id -u)" = 0 ] || die "this drill needs root, for a network namespace"
have ip || die "this drill needs iproute2"
have perl || die "this drill needs perl, to speak to the kernel"

NET="drill$$-vm"
DEVICES_ON=(ip netns exec "$NET")

trap 'end_drill; ip netns del "$NET" 2>/dev/null || true' EXIT

ip netns add "$NET"
ip netns exec "$NET" ip link set lo up

# What the kernel's driver tells when the hypervisor has changed the generation.
new_generation() {
  ip netns exec "$NET" perl -e '
    my ($netlink, $raw, $uevent) = (16, 3, 15);
    socket(my $kernel, $netlink, $raw, $uevent) or die "no socket: $!";
    my $event = join "\0", "change\@/devices/LNXSYSTM:00/QEMUVGID:00", "ACTION=change",
      "DEVPATH=/devices/LNXSYSTM:00/QEMUVGID:00", "SUBSYSTEM=acpi", "NEW_VMGENID=1", "";
    my $message = pack("L S S L L", 16 + length $event, 16, 1, 1, 0) . $event;
    send($kernel, $message, 0, pack("S S L L", $netlink, 0, 0, 0)) or die "not sent: $!";'
}

make_site "$DRILL/disk"
log_events 2
start_writers "$DRILL/disk" "$DRILL/second"
until_true 60 "edits are answered" has_answered 20 >/dev/null

# The moment of the image: both machines go on from here.
"$PORTAL" quiesce --data "$DRILL/disk" --limit 30 >/dev/null
cp -a "$DRILL/disk" "$DRILL/second"
"$PORTAL" resume --data "$DRILL/disk" >/dev/null

began="$(now_ms)"
new_generation
until_true 20 "the server heard of it" says "$DRILL/disk" "was started again" >/dev/null
report "a new generation: the server changes nothing after" "$(seconds $(($(now_ms) - began)))"
until_true $((60 + MORE)) "half of the devices said that it still is the one" is_active "$DRILL/disk" >/dev/null
report "  and is active again after" "$(seconds $(($(now_ms) - began)))"
until_true $((60 + MORE)) "all devices are back" all_on "$DRILL/disk" >/dev/null
report "  the last device is back after" "$(seconds $(($(now_ms) - began)))"
changes_things "$DRILL/disk"
log_events 2
events_complete "$DRILL/disk"

# A second machine goes on from the same image, at the same address. Its disk says what the first one's said.
cut_power "$SERVER"
starts_old "$DRILL/second" "a second machine goes on from the same image"
cut_power "$SERVER"

start_server "$DRILL/disk"
until_true $((150 + MORE)) "the first machine is active again" is_active "$DRILL/disk" >/dev/null
until_true $((60 + MORE)) "all devices are on it" all_on "$DRILL/disk" >/dev/null
stop_writers
missing_at "$DRILL/disk" >"$DRILL/missing"
[ ! -s "$DRILL/missing" ] || die "answered edits are missing: $(cat "$DRILL/missing")"
report "edits answered in all, none lost" "$(answered)"
log_events 1
events_complete "$DRILL/disk"
report "events of all devices, each of them once" "$((LOGGED * DEVICES)) of $((LOGGED * DEVICES))"
stop_gently "$SERVER"
database_is_whole "$DRILL/disk/biostar2.db"
