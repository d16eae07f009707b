#!/usr/bin/env bash
# Builds, then runs two servers and 25 devices on this machine until Ctrl-C. The data stays: the next run finds it again.
# A server that ends is not started again, and nothing else ends with it: that is the point of the exercise.
. "$(dirname "$0")/common.sh"
. "$ROOT/.make/data.sh"

ACCEPTED=24 FIRST_DEVICE=547846001
DEVICES=$((ACCEPTED + 1))

PORTAL="$TARGET/debug/portal" BLN="$TARGET/debug/bln"
server1=("$PORTAL" run --data "$DATA/server1" --name "BioStar Server #1" --web-root "$WEB"
  --http 127.0.0.1:3000 --gateway 127.0.0.1:51213 --peers 127.0.0.1:51215 --metrics 127.0.0.1:9464)
server2=("$PORTAL" run --data "$DATA/server2" --name "BioStar Server #2" --web-root "$WEB"
  --http 127.0.0.1:3100 --gateway 127.0.0.1:51313 --peers 127.0.0.1:51315 --metrics 127.0.0.1:9564)
fleet=("$BLN" fleet -n "$DEVICES" --first-id "$FIRST_DEVICE" --state "$DATA/devices" --control "$DATA/fleet.sock")

declare -A pid_of command_of
order=()

# launch NAME LOG COMMAND...
launch() {
  local name="$1" log="$2"
  shift 2
  "$@" >>"$log" 2>&1 &
  pid_of[$name]=$!
  # Or the shell would remark on a server that is killed, in the middle of its own words.
  disown $!
  order+=("$name")
}

alive() { kill -0 "${pid_of[$1]}" 2>/dev/null; }

answers() {
  (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null
}

# Asks a server whether it is ready; says the status line's number.
health() {
  (
    exec 3<>"/dev/tcp/127.0.0.1/$1"
    printf 'GET /health/ready HTTP/1.0\r\nHost: 127.0.0.1\r\n\r\n' >&3
    read -r -t 5 _ status _ <&3
    printf '%s' "$status"
  ) 2>/dev/null || true
}

# wait_ready NAME PORT LOG
wait_ready() {
  local end=$((SECONDS + 60))
  until [ "$(health "$2")" = 200 ]; do
    alive "$1" || die "$1 has ended; the end of $3: $(printf '\n'; tail -n 15 "$3")"
    [ $SECONDS -lt $end ] || die "$1 is not ready after 60 s; the end of $3: $(printf '\n'; tail -n 15 "$3")"
    sleep 0.2
  done
}

stop_all() {
  trap '' INT TERM
  trap - EXIT
  local name end
  for name in "${order[@]}"; do kill -TERM "${pid_of[$name]}" 2>/dev/null || true; done
  end=$((SECONDS + 15))
  for name in "${order[@]}"; do
    while alive "$name" && [ $SECONDS -lt $end ]; do sleep 0.1; done
    if alive "$name"; then
      echo "$name does not stop; killing it." >&2
      kill -KILL "${pid_of[$name]}" 2>/dev/null || true
    fi
  done
}

on_signal() {
  printf '\n' >&2
  say "stopping"
  stop_all
  local left
  left="$(users_of_data)"
  if [ -n "$left" ]; then echo "Started by hand and still running: $left"; fi
  echo "Stopped. The data stays in $DATA; make run finds it again, make clean-data removes it."
  exit 0
}

# What one would type to start a server again.
command_line() {
  local words
  printf -v words '%q ' "$@"
  echo "${words% }"
}

# On this machine nobody needs to compare fingerprints: the one that server #2 printed is confirmed.
confirm_newcomer() {
  local end=$((SECONDS + 60)) fingerprint=
  until [ -n "$fingerprint" ]; do
    alive "server #2" || die "server #2 has ended; the end of $1: $(printf '\n'; tail -n 15 "$1")"
    [ $SECONDS -lt $end ] || die "server #2 does not ask to join; the end of $1: $(printf '\n'; tail -n 15 "$1")"
    sleep 0.2
    fingerprint="$(sed -n 's/^fingerprint: //p' "$1" | tail -n 1)"
  done
  "$PORTAL" confirm --data "$DATA/server1" "$fingerprint" >>"$1"
}

start_servers() {
  local log="$DATA/logs/server1.log" from=0
  if [ -f "$log" ]; then from="$(wc -c <"$log")"; fi
  say "starting server #1"
  launch "server #1" "$log" "${server1[@]}"
  wait_ready "server #1" 3000 "$log"
  PASSWORD="$(tail -c "+$((from + 1))" "$log" | sed -n 's/^password: //p' | head -n 1 || true)"

  local join=() string
  log="$DATA/logs/server2.log"
  if [ ! -f "$DATA/server2/server.json" ]; then
    say "starting server #2, which joins server #1"
    string="$("$PORTAL" join-string --data "$DATA/server1")"
    join=(--join "$string")
  else
    say "starting server #2"
  fi
  launch "server #2" "$log" "${server2[@]}" "${join[@]}"
  if [ ${#join[@]} -gt 0 ]; then confirm_newcomer "$log"; fi
  wait_ready "server #2" 3100 "$log"
}

start_devices() {
  local string="$DATA/provisioning.txt" ids
  # The string is good for 30 days; devices that were accepted no longer need it.
  if [ -z "$(find "$string" -size +0 -mtime -28 2>/dev/null)" ]; then
    "$PORTAL" provision --data "$DATA/server1" --uses "$DEVICES" --expires-in-seconds 2592000 >"$string"
  fi
  say "starting $DEVICES devices"
  BLN_PROVISIONING="$(cat "$string")" launch "the devices" "$DATA/logs/devices.log" "${fleet[@]}"
  if [ ! -f "$DATA/accepted" ]; then
    say "accepting $ACCEPTED of them"
    mapfile -t ids < <(seq "$FIRST_DEVICE" $((FIRST_DEVICE + ACCEPTED - 1)))
    "$PORTAL" accept --data "$DATA/server1" --wait 60 "${ids[@]}" >>"$DATA/logs/devices.log"
    touch "$DATA/accepted"
  fi
}

introduce() {
  local sign_in="admin, with the password you chose (lost? $PORTAL user reset admin --data $(printf '%q' "$DATA/server1"))"
  if [ -n "${PORTAL_ADMIN_PASSWORD:-}" ]; then sign_in="admin, with the password in PORTAL_ADMIN_PASSWORD"; fi
  if [ -n "$PASSWORD" ]; then sign_in="admin, password $PASSWORD (to be changed at the first sign-in)"; fi
  cat <<TEXT

  Server #1   http://127.0.0.1:3000   active,  devices on port 51213, pid ${pid_of["server #1"]}
  Server #2   http://127.0.0.1:3100   standby, devices on port 51313, pid ${pid_of["server #2"]}
  Sign in     $sign_in
  Devices     $ACCEPTED accepted, with the one server 127.0.0.1:51213; one more waits under Waiting Device
  Logs        $DATA/logs

  What to try first
  1. On server #1 open a device. In Network > Server add 127.0.0.1 port 51313, and press Apply.
  2. Kill server #1:           kill -9 ${pid_of["server #1"]}
  3. Look at server #2:        the device is there, the others have no server.
  4. Start server #1 again, in another terminal:
     $(command_line "${server1[@]}")
  5. Let a device fail:        $BLN ctl --control $(printf '%q' "$DATA/fleet.sock") down $FIRST_DEVICE   (up, restart, cut-power, event, list)

  Ctrl-C stops all of it.
TEXT
}

# Says once of each program that it has ended, and how to start it again.
watch_over() {
  local name left
  local -A told
  while :; do
    left=0
    for name in "${order[@]}"; do
      if alive "$name"; then
        left=$((left + 1))
      elif [ -z "${told[$name]:-}" ]; then
        told[$name]=yes
        echo "$name (pid ${pid_of[$name]}) has ended. To start it again, in another terminal: ${command_of[$name]}"
      fi
    done
    if [ "$left" = 0 ]; then
      echo "Everything has ended."
      return
    fi
    # In the background, so that a signal is acted on at once.
    sleep 1 9>&- &
    wait $! || true
  done
}

hold_data
"$ROOT/.make/build.sh" 9>&-
for port in 3000 3100 51213 51313 51215 51315 9464 9564; do
  if answers "$port"; then die "port $port of 127.0.0.1 is taken; end what uses it"; fi
done
PASSWORD=
trap on_signal INT TERM
trap stop_all EXIT
command_of["server #1"]="$(command_line "${server1[@]}")"
command_of["server #2"]="$(command_line "${server2[@]}")"
command_of["the devices"]="$(command_line "${fleet[@]}")"
start_servers
start_devices
introduce
watch_over
