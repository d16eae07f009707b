#!/usr/bin/env bash
# Case 3, asynchronous, when links and disks fail: the databases lose each other one way and the other, a site dies meanwhile, its
# link flaps, the primary's disk fills up. Two machines with a portal and a PostgreSQL server each. Needs root.
. "$(dirname "$0")/common.sh"
. "$(dirname "$0")/pair.sh"
. "$(dirname "$0")/databases.sh"
trap end_networked_drill EXIT

# A new file of the log has no place, and what is answered goes into the log.
refuses_when_full() {
  asks "$ACTIVE" "select pg_switch_wal()" >/dev/null || true
  refuses "$A"
}

make_network
for n in 1 2; do small_disk "$DRILL/pg$n" $((448 + MORE))m; done
make_databases
join_pair

# What PostgreSQL #1 sends is lost: its replica falls behind, and that is shown. Then the site dies.
log_events 1
in_net 1 ip rule add from "$(database_at 1)" blackhole
until_true 60 "the standby shows that it lacks changes" shows_lag 20 >/dev/null
log_events 1
events_complete "$A"
stop_writers
sought="$(lost_edits)"
until_true 60 "the standby shows all that it lacks" shows_lag "$sought" >/dev/null
report "no packet of PostgreSQL #1 reaches #2: what #2 shows ($LAG)" "$SHOWN changes"
log_events 1
lost="$(now_ms)"
kill -KILL "${DATABASE_PID[1]}" "${PID[1]}"
log_events 1
on_standby "SIGKILL of #1 and its database meanwhile" "$lost"
until_true 30 "server #2 misses server #1" answers_not "$S" >/dev/null
promote_without "$S" "killed by the drill"
gone="$(missing_at "$S" | wc -l)"
[ "$gone" -le "$SHOWN" ] || die "$gone edits are lost, and $SHOWN changes were shown to be lacking"
report "  answered edits that are not at server #2, of the changes shown" "$gone of $SHOWN"
turn_names
start_writers "$A" "$S"
changes_things "$A"
events_complete "$A"
report "  events that the replica lacked, brought again by the devices, each once" "yes"
in_net 1 ip rule del from "$(database_at 1)" blackhole
serve 1
start_server 1
gives_way
settled
report "  edits that only #1 had, listed and kept" "$LONE"
[ "$LONE" = "$gone" ] || die "$LONE edits are listed, and $gone were lost"

# The other way round: what the replica sends is lost.
log_events 1
mute "$STANDBY" "$(database_at "$ACTIVE")"
until_true 60 "the standby shows that it lacks changes" shows_lag 10 >/dev/null
changes_things "$A"
speak "$STANDBY" "$(database_at "$ACTIVE")"
began="$(now_ms)"
until_true 60 "the replica has caught up" follows "$STANDBY" >/dev/null
settled
report "no packet of PostgreSQL #$STANDBY reaches #$ACTIVE; all is even again after" "$(seconds $(($(now_ms) - began)))"

log_events 1
flap "$STANDBY"
settled
report "the link of server #$STANDBY and its database flaps for 20 s" "it follows again"

fill_disk "$DRILL/pg$ACTIVE"
log_events 1
until_true 60 "edits are refused" refuses_when_full >/dev/null
is_standby "$S" || die "server #$STANDBY is more than standby, and no operator made it so"
empty_disk "$DRILL/pg$ACTIVE"
if is_gone "$ACTIVE" 2>/dev/null; then
  serve "$ACTIVE"
  report "the primary's disk is full: PostgreSQL gives up, edits are refused, events wait" "started again, it goes on"
else
  report "the primary's disk is full: edits are refused, events wait" "it goes on"
fi
settled
summed_up
never_both "$MOVES"
