#!/usr/bin/env bash
# Case 3: two sites, each with a PostgreSQL server; one is written, the other follows it. On this machine's loopback.
. "$(dirname "$0")/common.sh"

PG="$ROOT/.make/postgres.sh"
PG_BIN="$("$ROOT/.make/tools.sh" postgres)"
export PG_BIN
declare -A PID DATABASE_PID
FIRST_GATEWAY=127.0.0.1:51613 SECOND_GATEWAY=127.0.0.1:51713
ONE="$DRILL/server1" TWO="$DRILL/server2"
chmod 711 "$DRILL"

trap end_drill EXIT

# serve N: the PostgreSQL server of site N.
serve() {
  "$PG" serve "$DRILL/pg$1" >>"$DRILL/pg$1.log" 2>&1 &
  DATABASE_PID[$1]=$!
  remember $!
  disown $!
  until_true 60 "PostgreSQL #$1 answers" "$PG_BIN/pg_isready" --quiet --host="$DRILL/pg$1" >/dev/null
}

# asks N SQL
asks() { "$PG_BIN/psql" --host="$DRILL/pg$1" --username=portal --dbname="${3:-biostar}" --tuples-only --no-align --quiet --command="$2"; }

# start_server N [MORE...]: the portal of site N, which is no superuser of its database.
start_server() {
  local n="$1"
  shift
  "$PORTAL" run --data "$DRILL/server$n" --name "BioStar Server #$n" --web-root "$WEB" \
    --database "postgres://biostar@localhost/biostar?host=$DRILL/pg$n" --metrics "127.0.0.1:3${n}96" \
    --http "127.0.0.1:3${n}95" --gateway "127.0.0.1:51$((n + 5))13" --peers "127.0.0.1:51$((n + 5))15" "$@" \
    >>"$DRILL/server$n.log" 2>&1 &
  PID[$n]=$!
  remember $!
  disown $!
}

follows() { roles_at "$DRILL/server$1" | grep "this server" | grep -q "Replica, nothing would be lost now"; }
is_synchronous() { roles_at "$DRILL/server1" | grep -q "two (synchronous)"; }

# What server #2 shows of its lag, in bytes and changes.
shown() {
  LAG="$(roles_at "$TWO" | grep "this server" | sed 's/.*; //')"
  SHOWN="$(own_evidence "$TWO" | grep -o '"changes_missing":[0-9]*' | cut -d : -f 2)"
}
own_evidence() {
  local id
  id="$(console "$1" /servers | grep -o '"id":"[^"]*","name":"BioStar Server #2"' | cut -d '"' -f 4)"
  console "$1" "/servers/$id/promotion"
}

# lost_before MS: how many edits are not at server #2 that were answered before that time.
lost_before() { missing_at "$TWO" | grep -F -f - "$DRILL/answered" | awk -v at="$1" '$2 <= at' | wc -l || true; }

# The end of server #1 with its database, while somebody edits; $1 says under which name.
kill_site_1() {
  local lost
  log_events 2
  lost="$(now_ms)"
  kill -KILL "${DATABASE_PID[1]}" "${PID[1]}"
  log_events 2
  until_true $((90 + MORE)) "all devices are on server #2" all_on 2 2 >/dev/null
  report "$1: SIGKILL of #1 and its database in mid-edit: the last device on #2 after" "$(seconds $(($(now_ms) - lost)))"
  until_true 30 "server #2 misses server #1" answers_not "$TWO" >/dev/null
  shown
  promote_without "$TWO" "killed by the drill"
  LOST="$(lost_before "$lost")" LOST_OLD="$(lost_before $((lost - 3000)))"
  report "  edits that were answered before" "$(awk -v at="$lost" '$2 <= at' "$DRILL/answered" | wc -l)"
  report "  of them not at server #2" "$LOST"
  changes_things "$TWO"
  log_events 2
  events_complete "$TWO"
}

# What the handbook says to do with site N, whose database the other one has overtaken.
attach_again() {
  kill -INT "${DATABASE_PID[$1]}"
  until_true 30 "PostgreSQL #$1 has stopped" sh -c "! kill -0 ${DATABASE_PID[$1]}" >/dev/null
  "$PG" rewind "$DRILL/pg$1" "$DRILL/pg$2" "$3" >>"$DRILL/pg$1.log" 2>&1
  serve "$1"
  until_true 30 "server #$1 is standby" is_standby "$DRILL/server$1" >/dev/null
  until_true $((30 + MORE)) "server #$1 has everything" follows "$1" >/dev/null
}

# The role goes back to server #1, and server #2's database follows.
hand_back() {
  local began
  began="$(now_ms)"
  until_true $((30 + MORE)) "server #1 takes the role" "$PORTAL" promote --data "$ONE" --yes >/dev/null
  report "the role is handed back without a loss within" "$(seconds $(($(now_ms) - began)))"
  changes_things "$ONE"
  log_events 2
  until_true $((120 + 2 * MORE)) "all devices follow the role" all_on 1 1 >/dev/null
  report "  the last device has followed it after" "$(seconds $(($(now_ms) - began)))"
}

"$PG" serve "$DRILL/pg1" >>"$DRILL/pg1.log" 2>&1 &
DATABASE_PID[1]=$!
remember $!
disown $!
until_true 60 "PostgreSQL #1 answers" "$PG_BIN/pg_isready" --quiet --host="$DRILL/pg1" >/dev/null
asks 1 "create role biostar login" postgres
asks 1 "create database biostar owner biostar" postgres
asks 1 "grant pg_monitor to biostar; grant execute on function pg_promote to biostar"
start_server 1
until_true 60 "server #1 is active" is_active "$DRILL/server1" >/dev/null
"$PG" replicate "$DRILL/pg1" "$DRILL/pg2" two
serve 2
start_server 2 --join "$("$PORTAL" join-string --data "$ONE")"
until_true 60 "server #2 asks to join" confirm_join "$ONE" "$TWO.log" >/dev/null
until_true 60 "server #2 is standby" is_standby "$TWO" >/dev/null
string="$("$PORTAL" provision --data "$ONE" --uses "$DEVICES" --address "$FIRST_GATEWAY" --address "$SECOND_GATEWAY")"
start_devices "$string"
accept_all "$ONE" >/dev/null
until_true $((60 + MORE)) "all devices are connected" all_on 1 1 >/dev/null
until_true $((30 + MORE)) "the replica has everything" follows 2 >/dev/null
report "devices, all on server #1, both servers on their lists" "$DEVICES"
log_events 3
events_complete "$ONE"

start_writers "$ONE" "$TWO"
until_true 60 "edits are answered" has_answered 30 >/dev/null
kill_site_1 "asynchronous"
# What server #2 shows is a second old.
[ "$LOST_OLD" -le "${SHOWN:-0}" ] || die "$LOST_OLD edits are lost, and $SHOWN were shown to be lacking"
report "  changes that it was shown to lack ($LAG)" "${SHOWN:-0}"
serve 1
start_server 1
until_true 60 "server #1 is read-only" is_read_only "$ONE" >/dev/null
until_true 30 "server #1 joins again" rejoined "$ONE" >/dev/null
report "  edits that only #1 had, listed and kept" "$(all_accounted "$TWO" "$ONE")"
[ -s "$ONE/archive/biostar2-1.dump" ] || die "the database of #1 was not kept before it is overwritten"
attach_again 1 2 one
report "server #1 follows with its old database after pg_rewind" "yes"
hand_back
attach_again 2 1 two
events_complete "$ONE"

asks 1 "alter system set synchronous_standby_names = 'two'" postgres
asks 1 "select pg_reload_conf()" postgres >/dev/null
until_true 30 "the replica is synchronous" is_synchronous >/dev/null
before="$(now_ms)"
until_true 60 "edits are answered" has_changed "$ONE" "$before" >/dev/null
until_true 60 "edits are answered" has_answered $(($(answered) + 20)) >/dev/null
kill_site_1 "synchronous"
[ "$LOST" = 0 ] || die "$LOST answered edits are not at server #2"
stop_writers
never_both 3
report "edits answered in all, never by both servers at one time" "$(answered)"
all_accounted "$TWO" "$ONE" >/dev/null
report "events of all devices, each of them once" "$((LOGGED * DEVICES)) of $((LOGGED * DEVICES))"
"$PORTAL" servers --history --data "$TWO" | grep '^epoch' | sed 's/^/  /'
