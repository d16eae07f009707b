# Sourced by the drills: real programs, real kills, and a report of what came of it.
. "$(dirname "${BASH_SOURCE[0]}")/../common.sh"
. "$(dirname "${BASH_SOURCE[0]}")/proof.sh"

# DRILL_BUILD=release takes the optimised programs.
PORTAL="$TARGET/${DRILL_BUILD:-debug}/portal" BLN="$TARGET/${DRILL_BUILD:-debug}/bln"
DRILL="$(mktemp -d "${TMPDIR:-/tmp}/drill-XXXXXX")"
DEVICES="${DRILL_DEVICES:-24}"
# What all devices do takes longer with thousands of them.
MORE=$((DEVICES / 20))
# Before the devices' program: where it runs.
DEVICES_ON=()
export PORTAL_ADMIN_PASSWORD="drill drill drill"

# Only what this drill started is ended.
drill_pids=()
remember() { drill_pids+=("$1"); }

now_ms() { date +%s%3N; }

# until_true SECONDS WHAT COMMAND...: the milliseconds it took.
until_true() {
  local limit="$1" what="$2" began
  shift 2
  began="$(now_ms)"
  until "$@" >/dev/null 2>&1; do
    [ $(($(now_ms) - began)) -lt $((limit * 1000)) ] || die "not within $limit s: $what"
    sleep 0.1
  done
  echo $(($(now_ms) - began))
}

report() { printf '%-72s %s\n' "$1" "$2"; }
seconds() { printf '%d.%d s' $(($1 / 1000)) $(($1 % 1000 / 100)); }

roles_at() { "$PORTAL" servers --data "$1" 2>/dev/null; }
is_active() { roles_at "$1" | grep -q "Active.*this server"; }
is_standby() { roles_at "$1" | grep -q "Standby.*this server"; }

# connected DATA SERVER COUNT: so many devices are shown on that server.
connected() { [ "$("$PORTAL" devices --data "$1" 2>/dev/null | grep -c "connected	$2\$")" -ge "$3" ]; }

confirm_join() { # ACTIVE_DATA LOG
  local fingerprint
  fingerprint="$(sed -n 's/^fingerprint: //p' "$2" | tail -n 1)"
  [ -n "$fingerprint" ] && "$PORTAL" confirm --data "$1" $fingerprint
}

# The devices of the fleet, as soon as they ask.
accept_all() { "$PORTAL" accept --data "$1" --wait $((90 + MORE)) $(seq 547846001 $((547846000 + DEVICES))); }

# What SQLite says of a database that nobody has open.
database_is_whole() {
  if ! have sqlite3; then
    report "left out: SQLite's own check of the file (sqlite3 is not installed)" "-"
    return
  fi
  [ "$(sqlite3 "$1" 'pragma integrity_check')" = ok ] || die "the database is damaged"
  report "SQLite's own check of the file" "ok"
}

stop_gently() { # PID
  kill -TERM "$1"
  until_true 10 "process $1 ends" sh -c "! kill -0 $1" >/dev/null
}

# A power cut: when this returns, its ports and locks are free.
cut_power() { # PID
  kill -KILL "$1"
  until_true 10 "process $1 is gone" sh -c "! kill -0 $1" >/dev/null
}

# For whoever has to find out why: the folder, and what every program said last.
keep_failed() {
  cp -a "$DRILL" "$DRILL-failed"
  echo "kept: $DRILL-failed" >&2
  tail -n 5 "$DRILL"/*.log >&2 || true
}

# small_disk FOLDER SIZE: the folder is a disk of its own; fill_disk takes what is free of it, empty_disk gives that back. Needs root.
small_disks=()
small_disk() {
  [ "$(id -u)" = 0 ] || die "this drill needs root, for small disks"
  mkdir -p "$1"
  mount -t tmpfs -o "size=$2,mode=755" small "$1"
  small_disks+=("$1")
}
fill_disk() {
  dd if=/dev/zero of="$1/filler" bs=4k 2>/dev/null || true
  [ "$(df --output=avail "$1" | tail -n 1)" -lt 4 ] || die "the disk could not be filled"
}
empty_disk() { rm "$1/filler"; }
unmount_disks() {
  local folder
  for folder in "${small_disks[@]}"; do umount --lazy "$folder" || true; done
}

# What a drill leaves behind, unless it failed; one that made more than processes and files calls this from a trap of its own.
end_drill() {
  local outcome=$? pid
  if [ $outcome != 0 ]; then keep_failed; fi
  for pid in "${drill_pids[@]}"; do kill -KILL "$pid" 2>/dev/null || true; done
  unmount_disks
  rm -rf "$DRILL"
}

is_read_only() { roles_at "$1" | grep -q "Read-only.*this server"; }
# all_on N M: server N shows all devices on server M.
all_on() { connected "$DRILL/server$1" "BioStar Server #$2" "$DEVICES"; }
# Without --yes a promotion only shows its evidence, and fails.
promote_without() { # DATA HOW: the other server was stopped like this.
  "$PORTAL" promote --data "$1" --stopped "$2" --yes >/dev/null
  is_active "$1" || die "${1##*/} did not become active"
}
answers_not() {
  local evidence
  evidence="$("$PORTAL" promote --data "$1" 2>/dev/null || true)"
  grep -q "does not answer" <<<"$evidence"
}
rejoined() { "$PORTAL" rejoin --data "$1" >"$DRILL/rejoined" 2>/dev/null; }

# A process may have so many descriptors only, and a device takes two: a crowd is several fleets. Of each: its first device and its last.
FLEET=4000
fleets() {
  local last=$((547846000 + DEVICES))
  seq 547846001 "$FLEET" "$last" | awk -v many="$FLEET" -v last="$last" '{ end = $1 + many - 1; print $1, end < last ? end : last }'
}
device_socket() { echo "$DRILL/devices-$1.sock"; } # FIRST

# start_devices STRING: all devices.
start_devices() {
  local first last each
  # A machine makes so many keys and certificates a second, for however many fleets.
  each=$((50 / $(fleets | wc -l)))
  while read -r first last; do
    "${DEVICES_ON[@]}" "$BLN" fleet --starts-per-second "$each" -n $((last - first + 1)) --first-id "$first" --state "$DRILL/devices-$first" --provision "$1" \
      --control "$(device_socket "$first")" >>"$DRILL/devices.log" 2>&1 &
    remember $!
    disown $!
  done < <(fleets)
}

# time_answers DATA FILE: asks for a page of devices all the time; a line with the seconds of each answer.
time_answers() {
  while :; do
    curl --silent --output /dev/null --write-out '%{time_total}\n' --unix-socket "$1/control.sock" \
      "http://console/api/v1/devices?limit=50" >>"$2" || true
    sleep 0.05
  done
}
# p99 FILE
p99() { sort -n "$1" | awk '{ all[NR] = $1 } END { printf "%d ms, of %d answers", all[int(NR * 0.99 + 0.5)] * 1000, NR }'; }
