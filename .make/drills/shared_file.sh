#!/usr/bin/env bash
# Case 0: one database file for two servers, and one floating address that keepalived moves. Two machines and the devices
# are network namespaces on one bridge; the shared disk is a folder. Needs root.
. "$(dirname "$0")/common.sh"
. "$(dirname "$0")/network.sh"

KEEPALIVED="$("$ROOT/.make/tools.sh" keepalived)"
FLOATING=192.168.1.10
DISK="$DRILL/disk"
mkdir -p "$DISK"
# keepalived ends its own child, if it is asked to.
trap end_networked_drill EXIT

# start_server N [MORE...]
start_server() {
  local n="$1"
  shift
  ip netns exec "$NET-$n" "$PORTAL" run --data "$DRILL/server$n" --name "BioStar Server #$n" --site-root "$SITE" \
    --http 127.0.0.1:3000 --gateway 0.0.0.0:51213 --sites 0.0.0.0:51215 --advertise "192.168.1.1$n" \
    --shared "$DISK/biostar2.db" --floating-ip "$FLOATING" "$@" >>"$DRILL/server$n.log" 2>&1 &
  PID[$n]=$!
  remember $!
  disown $!
}

# The address belongs where the portal says that it is active.
start_keepalived() {
  local n="$1" folder="$DRILL/keepalived$1"
  mkdir -p "$folder"
  cat >"$folder/is-active" <<CHECK
#!/bin/bash
exec 3<>/dev/tcp/127.0.0.1/3000 || exit 1
printf 'GET /health/active HTTP/1.0\r\nHost: 127.0.0.1\r\n\r\n' >&3
read -r -t 2 _ status _ <&3
[ "\$status" = 200 ]
CHECK
  chmod 755 "$folder/is-active"
  cat >"$folder/keepalived.conf" <<CONF
global_defs {
  enable_script_security
  script_user root
  vrrp_garp_master_refresh 5
}
vrrp_script active {
  script "$folder/is-active"
  interval 1
  timeout 2
  fall 1
  rise 1
}
vrrp_instance biostar {
  interface eth0
  virtual_router_id 10
  state BACKUP
  priority 100
  advert_int 1
  track_script {
    active
  }
  virtual_ipaddress {
    $FLOATING/24 dev eth0
  }
}
CONF
  chmod 600 "$folder/keepalived.conf"
  ip netns exec "$NET-$n" "$KEEPALIVED" --dont-fork --log-console --vrrp -f "$folder/keepalived.conf" -p "$folder/pid" \
    -r "$folder/vrrp.pid" >"$folder/log" 2>&1 &
  remember $!
  disown $!
}

has_address() { in_net "$1" ip -4 address show dev eth0 | grep -q "inet $FLOATING/"; }
all_on() { connected "$DRILL/server$1" "BioStar Server #$1" "$DEVICES"; }
epochs() { "$PORTAL" servers --history --data "$DRILL/server$1" | grep -c '^epoch'; }

declare -A PID
make_network
start_server 1
until_true 60 "server #1 is active" is_active "$DRILL/server1" >/dev/null
start_keepalived 1
start_keepalived 2
until_true 30 "server #1 has the floating address" has_address 1 >/dev/null
start_server 2 --join "$("$PORTAL" join-string --data "$DRILL/server1")"
until_true 60 "server #2 asks to join" confirm_join "$DRILL/server1" "$DRILL/server2.log" >/dev/null
until_true 60 "server #2 is standby" is_standby "$DRILL/server2" >/dev/null

string="$("$PORTAL" provision --data "$DRILL/server1" --uses "$DEVICES" --address "$FLOATING:51213")"
start_doors_in_net "$string"
accept_all "$DRILL/server1" >/dev/null
until_true 60 "all devices are connected" all_on 1 >/dev/null
report "devices, all on $FLOATING of server #1" "$DEVICES"

# Power cut of server #1, right after an answer.
"$PORTAL" provision --data "$DRILL/server1" --uses 7 >/dev/null
kill -KILL "${PID[1]}"
lost="$(now_ms)"
until_true 60 "server #2 is active" is_active "$DRILL/server2" >/dev/null
report "SIGKILL of server #1: server #2 holds the lease and is active after" "$(seconds $(($(now_ms) - lost)))"
until_true 60 "the address moved" has_address 2 >/dev/null
report "  the floating address is on server #2 after" "$(seconds $(($(now_ms) - lost)))"
until_true 90 "all devices are back" all_on 2 >/dev/null
report "  the last device is registered on server #2 after" "$(seconds $(($(now_ms) - lost)))"
if has_address 1; then die "both machines have the floating address"; fi

start_server 1
until_true 60 "server #1 is standby" is_standby "$DRILL/server1" >/dev/null
report "server #1 comes back as standby, its file untouched" "yes"

# A machine cut off from the network, its disk still there: it must give way by itself.
in_net lan ip link set to-2 down
lost="$(now_ms)"
until_true 60 "server #1 is active" is_active "$DRILL/server1" >/dev/null
report "server #2 cut off from the network: server #1 is active after" "$(seconds $(($(now_ms) - lost)))"
is_standby "$DRILL/server2" || die "the machine that was cut off did not give way"
until_true 90 "all devices are back" all_on 1 >/dev/null
report "  the last device is registered on server #1 after" "$(seconds $(($(now_ms) - lost)))"
in_net lan ip link set to-2 up

# A process that hangs keeps its lease: nobody else may open the file.
kill -STOP "${PID[1]}"
sleep 8
if is_active "$DRILL/server2"; then die "the lease of a hanging server was broken"; fi
report "server #1 stopped in its tracks (SIGSTOP) for 8 s: server #2 stays standby" "yes"
kill -CONT "${PID[1]}"
until_true 30 "server #1 goes on" is_active "$DRILL/server1" >/dev/null
until_true 90 "all devices are back" all_on 1 >/dev/null
report "promotions on record, none of them by an operator" "$(($(epochs 1) - 1))"
stop_gently "${PID[2]}"
stop_gently "${PID[1]}"
database_is_whole "$DISK/biostar2.db"
