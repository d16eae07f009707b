#!/usr/bin/env bash
# Case 3: two sites, each with a PostgreSQL server; one is written, the other follows it. On this machine's loopback.
. "$(dirname "$0")/common.sh"

PG="$ROOT/.make/postgres.sh"
PG_BIN="$("$ROOT/.make/tools.sh" postgres)"
export PG_BIN
declare -A PID DATABASE_PID
FIRST_GATEWAY=127.0.0.1:51613 SECOND_GATEWAY=127.0.0.1:51713
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
  "$PORTAL" run --data "$DRILL/server$n" --name "BioStar Server #$n" --site-root "$SITE" \
    --database "postgres://biostar@localhost/biostar?host=$DRILL/pg$n" --metrics "127.0.0.1:3${n}96" \
    --http "127.0.0.1:3${n}95" --gateway "127.0.0.1:51$((n + 5))13" --sites "127.0.0.1:51$((n + 5))15" "$@" \
    >>"$DRILL/server$n.log" 2>&1 &
  PID[$n]=$!
  remember $!
  disown $!
}

follows() { roles_at "$DRILL/server$1" | grep "this server" | grep -q "Replica, nothing would be lost now"; }
is_synchronous() { roles_at "$DRILL/server1" | grep -q "two (synchronous)"; }
edits_at() { asks "$1" "select count(*) from provisioning_strings where uses = 3"; }

# Edits without a pause, and the end of server #1 with its database in the middle of them; $1 says under which name.
kill_site_1() {
  edit_until_refused "$DRILL/server1" "$DRILL/answered" &
  local writer=$! lost
  remember $writer
  sleep 5
  kill -KILL "${DATABASE_PID[1]}" "${PID[1]}"
  lost="$(now_ms)"
  wait $writer 2>/dev/null || true
  until_true 90 "all devices are on server #2" all_on 2 2 >/dev/null
  report "$1: SIGKILL of #1 and its database in mid-edit: the last device on #2 after" "$(seconds $(($(now_ms) - lost)))"
  until_true 30 "server #2 misses server #1" answers_not "$DRILL/server2" >/dev/null
  "$PORTAL" promote --data "$DRILL/server2" --stopped "killed by the drill" --yes >/dev/null
  is_active "$DRILL/server2" || die "server #2 did not become active"
}

# What the handbook says to do with site N, whose database the other one has overtaken.
attach_again() {
  kill -INT "${DATABASE_PID[$1]}"
  until_true 30 "PostgreSQL #$1 has stopped" sh -c "! kill -0 ${DATABASE_PID[$1]}" >/dev/null
  "$PG" rewind "$DRILL/pg$1" "$DRILL/pg$2" "$3" >>"$DRILL/pg$1.log" 2>&1
  serve "$1"
  until_true 30 "server #$1 is standby" is_standby "$DRILL/server$1" >/dev/null
  until_true 30 "server #$1 has everything" follows "$1" >/dev/null
}

# The role goes back to server #1, and server #2's database follows.
hand_back() {
  local began
  began="$(now_ms)"
  "$PORTAL" promote --data "$DRILL/server1" --yes >/dev/null
  report "the role is handed back without a loss within" "$(seconds $(($(now_ms) - began)))"
  until_true 120 "all devices follow the role" all_on 1 1 >/dev/null
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
start_server 2 --join "$("$PORTAL" join-string --data "$DRILL/server1")"
until_true 60 "server #2 asks to join" confirm_join "$DRILL/server1" "$DRILL/server2.log" >/dev/null
until_true 60 "server #2 is standby" is_standby "$DRILL/server2" >/dev/null
string="$("$PORTAL" provision --data "$DRILL/server1" --uses "$DEVICES" \
  --address "$FIRST_GATEWAY" --address "$SECOND_GATEWAY")"
start_doors "$string"
accept_all "$DRILL/server1" >/dev/null
until_true 60 "all devices are connected" all_on 1 1 >/dev/null
until_true 30 "the replica has everything" follows 2 >/dev/null
report "devices, all on server #1, both servers on their lists" "$DEVICES"

kill_site_1 "asynchronous"
report "  edits that were answered before" "$(wc -l <"$DRILL/answered")"
report "  of them not at server #2" "$(($(wc -l <"$DRILL/answered") > $(edits_at 2) ? $(wc -l <"$DRILL/answered") - $(edits_at 2) : 0))"
serve 1
start_server 1
until_true 60 "server #1 is read-only" is_read_only "$DRILL/server1" >/dev/null
until_true 30 "server #1 joins again" rejoined "$DRILL/server1" >/dev/null
report "  edits that only #1 had, listed and kept" "$(grep -c '^only here' "$DRILL/rejoined" || true)"
attach_again 1 2 one
report "server #1 follows with its old database after pg_rewind" "yes"
hand_back
attach_again 2 1 two

asks 1 "alter system set synchronous_standby_names = 'two'" postgres
asks 1 "select pg_reload_conf()" postgres >/dev/null
until_true 30 "the replica is synchronous" is_synchronous >/dev/null
before="$(edits_at 1)"
: >"$DRILL/answered"
kill_site_1 "synchronous"
answered="$(wc -l <"$DRILL/answered")" arrived=$(($(edits_at 2) - before))
report "  edits that were answered before" "$answered"
[ "$answered" -gt 0 ] || die "no edit was answered in synchronous mode"
[ "$arrived" -ge "$answered" ] || die "$((answered - arrived)) answered edits are not at server #2"
report "  of them not at server #2" "0"
"$PORTAL" servers --history --data "$DRILL/server2" | grep '^epoch' | sed 's/^/  /'
