# Sourced by the mishaps of Case 3, after pair.sh: a PostgreSQL server on each machine, which follow one another over the network. They have
# addresses of their own, so that they can lose each other while the portals do not: .21 and .22.

PG="$ROOT/.make/postgres.sh"
PG_BIN="$("$ROOT/.make/tools.sh" postgres)"
export PG_BIN
declare -A DATABASE_PID
chmod 711 "$DRILL"

database_at() { echo "192.168.1.2$1"; }
options_of() { printf '%s\n' --database "postgres://biostar@localhost/biostar?host=$DRILL/pg$1"; }

# serve N: the PostgreSQL server of site N.
serve() {
  ip netns exec "$NET-$1" "$PG" serve "$DRILL/pg$1" "$(database_at "$1")" >>"$DRILL/pg$1.log" 2>&1 &
  DATABASE_PID[$1]=$!
  remember $!
  disown $!
  until_true 60 "PostgreSQL #$1 answers" "$PG_BIN/pg_isready" --quiet --host="$DRILL/pg$1" >/dev/null
}

# asks N SQL [DATABASE]
asks() { "$PG_BIN/psql" --host="$DRILL/pg$1" --username=portal --dbname="${3:-biostar}" --tuples-only --no-align --quiet --command="$2"; }

# The first site with its database, and a replica of it on the second.
make_databases() {
  local n
  for n in 1 2; do in_net "$n" ip address add "$(database_at "$n")/24" dev eth0; done
  serve 1
  asks 1 "create role biostar login" postgres
  asks 1 "create database biostar owner biostar" postgres
  asks 1 "grant pg_monitor to biostar; grant execute on function pg_promote to biostar"
  start_server 1
  until_true 60 "server #1 is active" is_active "$A" >/dev/null
  in_net 2 "$PG" replicate "$(database_at 1)" "$DRILL/pg2" site2
  serve 2
}

# attach N SOURCE: what the handbook says to do with site N, whose database the other one has overtaken.
attach() {
  stop_database "$1" INT
  in_net "$1" "$PG" rewind "$DRILL/pg$1" "$(database_at "$2")" "site$1" >>"$DRILL/pg$1.log" 2>&1
  serve "$1"
  until_true 30 "server #$1 is standby" is_standby "$DRILL/server$1" >/dev/null
  until_true $((30 + MORE)) "server #$1 has everything" follows "$1" >/dev/null
}

is_gone() { ! kill -0 "${DATABASE_PID[$1]}"; }
stop_database() { # N SIGNAL
  kill "-$2" "${DATABASE_PID[$1]}" 2>/dev/null || true
  until_true 30 "PostgreSQL #$1 has stopped" is_gone "$1" >/dev/null
}
# The whole of it: its programs are children of the first.
whole_database() { echo "${DATABASE_PID[$1]}"; pgrep -P "${DATABASE_PID[$1]}"; }

follows() { roles_at "$DRILL/server$1" | grep "this server" | grep -q "Replica, nothing would be lost now"; }

# shown: what the standby shows of its lag, in changes and in words.
shown() {
  local id
  LAG="$(roles_at "$S" | grep "this server" | sed 's/.*; //')"
  id="$(console "$S" /servers | grep -o '"id":"[^"]*","name":"BioStar Server #'"$STANDBY"'"' | cut -d '"' -f 4)"
  SHOWN="$(console "$S" "/servers/$id/promotion" | grep -o '"changes_missing":[0-9]*' | cut -d : -f 2)"
}
shows_lag() { shown && [ "${SHOWN:-0}" -ge "$1" ]; }
lost_edits() { missing_at "$S" | wc -l; }
