# Sourced by the drills of Case 2: one server, always at the same address, whatever disk its machine has.
GATEWAY=127.0.0.1:51813
SERVER=

# start_server DATA: the machine that has this disk; one at a time.
start_server() {
  "${DEVICES_ON[@]}" "$PORTAL" run --data "$1" --name "BioStar Server #1" --web-root "$WEB" --metrics 127.0.0.1:3186 \
    --http 127.0.0.1:3185 --gateway "$GATEWAY" --peers 127.0.0.1:51815 >>"$1.log" 2>&1 &
  SERVER=$!
  remember $!
  disown $!
}

all_on() { connected "$1" "BioStar Server #1" "$DEVICES"; }
says() { roles_at "$1" | grep -q "$2"; }

# starts_old DATA WHAT: it is an old image, which the first device shows it; it answers no edit before or after.
starts_old() {
  local before
  before="$(answered)"
  start_server "$1"
  until_true $((60 + MORE)) "$2 and knows that it is old" says "$1" "This is an old image" >/dev/null
  if edit "$1"; then die "an old image answers edits"; fi
  [ "$(answered)" = "$before" ] || die "an old image answered edits before a device showed it a later start"
  report "$2: read-only, as the devices show it a later start" "yes"
}

# make_site DATA: the server, and all devices on it.
make_site() {
  local string
  start_server "$1"
  until_true 60 "the server is active" is_active "$1" >/dev/null
  string="$("$PORTAL" provision --data "$1" --uses "$DEVICES" --address "$GATEWAY")"
  start_devices "$string"
  accept_all "$1" >/dev/null
  until_true $((60 + MORE)) "all devices are connected" all_on "$1" >/dev/null
  report "devices, all on one server" "$DEVICES"
}
