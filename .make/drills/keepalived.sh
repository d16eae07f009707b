# Sourced by the drill with a floating address: a real keepalived on each machine, set up as the handbook says.

KEEPALIVED="$("$ROOT/.make/tools.sh" keepalived)"
FLOATING=192.168.1.10

# The address belongs where the portal says that it is active, on a machine that is reached: the devices' machine is the router here.
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
  # Refused at once is an answer, too.
  cat >"$folder/reaches-router" <<'CHECK'
#!/bin/bash
timeout 1 bash -c ': <>/dev/tcp/192.168.1.101/9' 2>/dev/null
[ $? != 124 ]
CHECK
  chmod 755 "$folder/is-active" "$folder/reaches-router"
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
vrrp_script router {
  script "$folder/reaches-router"
  interval 2
  timeout 2
  fall 2
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
    router
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
