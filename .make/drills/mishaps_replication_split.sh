#!/usr/bin/env bash
# Case 3 when the active site falls silent and is not dead: its portal and its PostgreSQL server stand still (asynchronous), or it is cut off from
# everybody (synchronous). An operator makes the other site active. Two machines with a portal and a PostgreSQL server each. Needs root.
. "$(dirname "$0")/common.sh"
. "$(dirname "$0")/pair.sh"
. "$(dirname "$0")/databases.sh"
trap end_networked_drill EXIT

is_synchronous() { roles_at "$A" | grep -q "site$STANDBY (synchronous)"; }

make_network
make_databases
join_pair

log_events 1
stopped="${PID[$ACTIVE]} $(whole_database "$ACTIVE" | tr '\n' ' ')"
lost="$(now_ms)"
kill -STOP $stopped
log_events 1
on_standby "asynchronous: server #$ACTIVE and its database stopped in their tracks (SIGSTOP)" "$lost"
promoted "taken for dead by the drill"
log_events 1
kill -CONT $stopped
gives_way
settled
report "  they go on: the portal is read-only, its database is made to follow (pg_rewind)" "yes"
report "  edits that only it had, listed and kept" "$LONE"

# What is answered is on both sites: cut off from the other one, the active server answers nothing.
asks "$ACTIVE" "alter system set synchronous_standby_names = 'site$STANDBY'" postgres
asks "$ACTIVE" "select pg_reload_conf()" postgres >/dev/null
until_true 30 "the replica is synchronous" is_synchronous >/dev/null
changes_things "$A"
before="$(all_accounted "$A" "$S")"
log_events 1
lost="$(now_ms)"
cut_off "$ACTIVE"
log_events 1
on_standby "synchronous: server #$ACTIVE and its database cut off from everybody" "$lost"
until_true 30 "server #$STANDBY misses server #$ACTIVE" answers_not "$S" >/dev/null
promote_without "$S" "the cable was pulled"
gone="$(missing_at "$S" | wc -l)"
[ "$gone" = "$before" ] || die "$((gone - before)) answered edits are not at server #$STANDBY"
report "  answered edits that are not at server #$STANDBY" "$((gone - before))"
if has_changed "$A" "$((lost + 1000))"; then die "server #$ACTIVE answered edits that its replica cannot have"; fi
report "  meanwhile server #$ACTIVE answers no edit" "yes"
turn_names
changes_things "$A"
reconnect "$STANDBY"
gives_way
settled
[ "$LONE" = "$before" ] || die "$((LONE - before)) answered edits were lost"
report "  reached again, it is read-only, and its database is made to follow" "yes"
summed_up
