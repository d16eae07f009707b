# Sourced by the mishaps: two machines with a server each and the devices, as network namespaces on one bridge. ACTIVE is the
# number of the server that changes things and A its data folder, STANDBY and S are the other one's.
. "$(dirname "${BASH_SOURCE[0]}")/network.sh"

ACTIVE=1 STANDBY=2 MOVES=0
A="$DRILL/server1" S="$DRILL/server2"
DEVICE_NET=192.168.1.101
declare -A PID

# What a drill adds for server N, an option a line.
options_of() { :; }
# start_server N [MORE...]
start_server() {
  local n="$1" options
  shift
  mapfile -t options < <(options_of "$n")
  ip netns exec "$NET-$n" "$PORTAL" run --data "$DRILL/server$n" --name "BioStar Server #$n" --web-root "$WEB" \
    --http 127.0.0.1:3000 --gateway 0.0.0.0:51213 --peers 0.0.0.0:51215 --advertise "192.168.1.1$n" "${options[@]}" "$@" \
    >>"$DRILL/server$n.log" 2>&1 &
  PID[$n]=$!
  remember $!
  disown $!
}

turn_names() {
  local number="$ACTIVE" folder="$A"
  ACTIVE="$STANDBY" A="$S" STANDBY="$number" S="$folder" MOVES=$((MOVES + 1))
}

# join_pair: server #2 joins, the devices come, and somebody edits on both servers all the time.
join_pair() {
  start_server 2 --join "$("$PORTAL" join-string --data "$A")" "$@"
  until_true 60 "server #2 asks to join" confirm_join "$A" "$S.log" >/dev/null
  until_true 60 "server #2 is standby" is_standby "$S" >/dev/null
  start_devices_in_net "$("$PORTAL" provision --data "$A" --uses "$DEVICES" --address 192.168.1.11:51213 --address 192.168.1.12:51213)"
  accept_all "$A" >/dev/null
  until_true $((60 + MORE)) "all devices are connected" all_on 1 1 >/dev/null
  log_events 2
  start_writers "$A" "$S"
  settled
  report "devices, all on server #1, both servers on their lists" "$DEVICES"
}

hears_nobody() { roles_at "$1" | grep -q ", unreachable,"; }
epochs() { "$PORTAL" servers --history --data "$A" | grep -c '^epoch'; }

# on_standby WHAT SINCE: the devices have left the active server, for whatever reason.
on_standby() {
  until_true $((120 + MORE)) "all devices are on server #$STANDBY" all_on "$STANDBY" "$STANDBY" >/dev/null
  report "$1: the last device is registered on #$STANDBY after" "$(seconds $(($(now_ms) - $2)))"
  is_standby "$S" || die "server #$STANDBY is more than standby, and no operator made it so"
}

# promoted HOW: the active server does not answer, and an operator believes that it was stopped like this.
promoted() {
  until_true 60 "server #$STANDBY misses server #$ACTIVE" answers_not "$S" >/dev/null
  promote_without "$S" "$1"
  turn_names
  changes_things "$A"
}

# What a drill has to do so that a server that joins again has a database.
attach() { :; }
# The server that was overtaken learns of it by itself, and changes nothing from then on.
gives_way() {
  until_true $((60 + MORE)) "server #$STANDBY is read-only" is_read_only "$S" >/dev/null
  if edit "$S"; then die "a server that was overtaken answers edits"; fi
  until_true 60 "server #$STANDBY joins again" rejoined "$S" >/dev/null
  attach "$STANDBY" "$ACTIVE"
  until_true 30 "server #$STANDBY is standby" is_standby "$S" >/dev/null
}

# The role goes where the devices are.
role_follows() {
  local began
  began="$(now_ms)"
  until_true 60 "server #$STANDBY takes the role" "$PORTAL" promote --data "$S" --yes >/dev/null
  turn_names
  attach "$STANDBY" "$ACTIVE"
  until_true 60 "server #$STANDBY follows" is_standby "$S" >/dev/null
  report "  the role is handed to server #$ACTIVE within" "$(seconds $(($(now_ms) - began)))"
}

# settled: one server is active and works, the other one has all it has, no answered edit is out of sight, and no event is missing or twice.
settled() {
  log_events 1
  until_true $((150 + 2 * MORE)) "all devices are on server #$ACTIVE" all_on "$ACTIVE" "$ACTIVE" >/dev/null
  is_active "$A" || die "server #$ACTIVE is not active"
  is_standby "$S" || die "server #$STANDBY is not standby"
  [ "$(epochs)" = $((MOVES + 1)) ] || die "the role moved $(($(epochs) - 1)) times instead of $MOVES"
  changes_things "$A"
  catches_up "$S" "$A"
  events_complete "$A"
  events_complete "$S"
  one_writer_an_epoch
  LONE="$(all_accounted "$A" "$S")"
}

# What is true of the whole drill.
summed_up() {
  stop_writers
  one_writer_an_epoch
  report "edits answered in all, never by two servers in one epoch" "$(answered)"
  report "  of them made by a server that was alone, listed and kept" "$(all_accounted "$A" "$S")"
  report "events of all devices, each of them once on either server" "$((LOGGED * DEVICES)) of $((LOGGED * DEVICES))"
}
