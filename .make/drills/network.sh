# Sourced by the drills with machines of their own: network namespaces on one bridge. Needs root.

[ "$(id -u)" = 0 ] || die "this drill needs root, for network namespaces"
have ip || die "this drill needs iproute2"

NET="drill$$"

# Not for what runs in the background: the number of that process would be a shell's.
in_net() { local where="$1"; shift; ip netns exec "$NET-$where" "$@"; }

# One bridge in a namespace of its own, so that nothing of this machine is touched: server #1 is .11, #2 is .12, the devices are .101.
make_network() {
  local where address
  ip netns add "$NET-lan"
  in_net lan ip link add lan type bridge
  in_net lan ip link set lan up
  for where in 1:192.168.1.11 2:192.168.1.12 devices:192.168.1.101; do
    address="${where#*:}" where="${where%%:*}"
    ip netns add "$NET-$where"
    ip link add "to-$where" netns "$NET-lan" type veth peer name eth0 netns "$NET-$where"
    in_net lan ip link set "to-$where" master lan up
    in_net "$where" ip link set lo up
    in_net "$where" ip link set eth0 up
    in_net "$where" ip address add "$address/24" dev eth0
  done
}

# cut_off N: no packet from or to that machine; reconnect N ends it.
cut_off() { in_net lan ip link set "to-$1" down; }
reconnect() { in_net lan ip link set "to-$1" up; }
# deafen N: no packet reaches that machine, but all see what it sends; hear N ends it.
deafen() { in_net lan ip link set dev "to-$1" type bridge_slave learning off flood off mcast_flood off bcast_flood off fdb_flush; }
hear() { in_net lan ip link set dev "to-$1" type bridge_slave learning on flood on mcast_flood on bcast_flood on; }
# mute N ADDRESS: no packet from that machine reaches ADDRESS, all others do; speak N ADDRESS ends it.
mute() { in_net "$1" ip route add blackhole "$2/32"; }
speak() { in_net "$1" ip route del blackhole "$2/32"; }
# flap N: its link comes and goes for 20 seconds.
flap() {
  for _ in $(seq 5); do
    cut_off "$1"
    sleep 2
    reconnect "$1"
    sleep 2
  done
}

# As end_drill, but first what has children of its own is asked to end them.
end_networked_drill() {
  local outcome=$? pid where
  if [ $outcome != 0 ]; then keep_failed; fi
  for pid in "${drill_pids[@]}"; do kill -TERM "$pid" 2>/dev/null || true; done
  sleep 1
  for pid in "${drill_pids[@]}"; do kill -KILL "$pid" 2>/dev/null || true; done
  unmount_disks
  for where in 1 2 devices lan; do ip netns del "$NET-$where" 2>/dev/null || true; done
  rm -rf "$DRILL"
}

# start_devices_in_net STRING: the fleet of devices, on its own machine.
start_devices_in_net() {
  ip netns exec "$NET-devices" "$BLN" fleet -n "$DEVICES" --state "$DRILL/devices" --provision "$1" --control "$(device_socket 547846001)" \
    >"$DRILL/devices.log" 2>&1 &
  remember $!
  disown $!
}
