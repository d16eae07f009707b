#!/usr/bin/env bash
# A PostgreSQL server for tests, which nobody reaches but over its socket in FOLDER unless it is told so.
# usage: postgres.sh serve FOLDER [ADDRESSES]   in the foreground, until it or whoever started it ends; FOLDER is made if need be
#                                      with ADDRESSES, comma-separated, it answers there, too, and notices soon if nobody is there
#        postgres.sh replicate FROM TO NAME   makes TO a replica of the server in the folder or at the address FROM, with a slot of its own
#        postgres.sh rewind FOLDER SOURCE NAME   makes the stopped primary in FOLDER a replica of the one that took over
#        postgres.sh with COMMAND...   runs a command that finds one in PORTAL_TEST_POSTGRES, then removes it
. "$(dirname "$0")/common.sh"

PG_BIN="${PG_BIN:-$("$ROOT/.make/tools.sh" postgres)}"
export PG_BIN

# PostgreSQL does not run as root.
as_server() {
  local who=()
  if [ "$(id -u)" = 0 ]; then who=(--reuid=postgres --regid=postgres --clear-groups); fi
  setpriv "${who[@]}" "$@"
}

make_cluster() {
  local folder="$1"
  mkdir -p "$folder/cluster"
  chmod 755 "$folder"
  if [ "$(id -u)" = 0 ]; then chown postgres "$folder" "$folder/cluster"; fi
  (cd / && as_server "$PG_BIN/initdb" --pgdata="$folder/cluster" --username=portal --auth=trust --encoding=UTF8 \
    --locale=C.UTF-8 --data-checksums --no-sync >/dev/null)
  # Not among the options of `serve`: pg_rewind starts the server by itself, and that must not tidy away what it reads next.
  as_server tee -a "$folder/cluster/postgresql.conf" >/dev/null <<<"wal_keep_size = 64MB"
}

serve() {
  local folder="$1" addresses="${2:-}" who=() more=()
  [ -e "$folder/cluster/PG_VERSION" ] || make_cluster "$folder"
  if [ -n "$addresses" ]; then
    more=(-c wal_sender_timeout=5s -c wal_receiver_timeout=5s)
    grep -q "^host.*samenet" "$folder/cluster/pg_hba.conf" \
      || printf 'host %s all samenet trust\n' all replication >>"$folder/cluster/pg_hba.conf"
  fi
  if [ "$(id -u)" = 0 ]; then who=(--reuid=postgres --regid=postgres --clear-groups); fi
  cd /
  # Whoever started this may be killed: then the server is, too.
  exec setpriv "${who[@]}" --pdeathsig=KILL "$PG_BIN/postgres" -D "$folder/cluster" -k "$folder" \
    -c listen_addresses="$addresses" -c shared_buffers=16MB -c max_connections=200 -c max_wal_size=128MB -c logging_collector=off "${more[@]}"
}

# As the handbook says.
replicate() {
  local from="$1" to="$2" name="$3"
  mkdir -p "$to/cluster"
  chmod 755 "$to"
  chmod 700 "$to/cluster"
  if [ "$(id -u)" = 0 ]; then chown postgres "$to" "$to/cluster"; fi
  (cd / && as_server "$PG_BIN/pg_basebackup" --pgdata="$to/cluster" --no-sync --checkpoint=fast --write-recovery-conf \
    --dbname="host=$from user=portal application_name=$name" --create-slot --slot="$name")
}

# As the handbook says.
rewind() {
  local folder="$1" source="$2" name="$3"
  # pg_rewind asks the source's control file where hiscenarios part, which tells of a promotion only after a checkpoint.
  "$PG_BIN/psql" --host="$source" --username=portal --dbname=postgres --quiet --command=checkpoint
  (cd / && as_server "$PG_BIN/pg_rewind" --target-pgdata="$folder/cluster" --no-sync --write-recovery-conf \
    --source-server="host=$source user=portal dbname=postgres application_name=$name")
  "$PG_BIN/psql" --host="$source" --username=portal --dbname=postgres --quiet --output=/dev/null --command="
    select pg_create_physical_replication_slot('$name')
    where not exists (select 1 from pg_replication_slots where slot_name = '$name')"
  (cd / && as_server tee -a "$folder/cluster/postgresql.auto.conf" >/dev/null <<<"primary_slot_name = '$name'")
}

await() {
  for _ in $(seq 600); do
    if "$PG_BIN/pg_isready" --quiet --host="$1" --username=portal --dbname=postgres; then return; fi
    sleep 0.1
  done
  die "PostgreSQL did not start in $1"
}

with() {
  local folder server status=0
  folder="$(mktemp -d "${TMPDIR:-/tmp}/portal-postgres.XXXXXX")"
  make_cluster "$folder"
  "$0" serve "$folder" >"$folder/log" 2>&1 &
  server=$!
  trap 'kill -QUIT '"$server"' 2>/dev/null || true; wait '"$server"' 2>/dev/null || true; rm -rf '"$folder" EXIT
  await "$folder"
  PORTAL_TEST_POSTGRES="$folder" "$@" || status=$?
  exit "$status"
}

case "${1:-}" in
  serve) [ $# = 2 ] || [ $# = 3 ] || die "usage: postgres.sh serve FOLDER [ADDRESSES]" && serve "$2" "${3:-}" ;;
  replicate) [ $# = 4 ] || die "usage: postgres.sh replicate FROM TO NAME" && replicate "$2" "$3" "$4" ;;
  rewind) [ $# = 4 ] || die "usage: postgres.sh rewind FOLDER SOURCE NAME" && rewind "$2" "$3" "$4" ;;
  with) shift && with "$@" ;;
  *) die "usage: postgres.sh serve FOLDER [ADDRESSES] | replicate FROM TO NAME | rewind FOLDER SOURCE NAME | with COMMAND..." ;;
esac
