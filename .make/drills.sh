#!/usr/bin/env bash
# Plays the cases of docs/drills.md on real programs, some side by side, and prints what came of each; DRILL_DEVICES=1000 for a large fleet.
# DRILLS_AT_ONCE=1 gives each the machine for itself, as figures for the handbook need it.
. "$(dirname "$0")/common.sh"
. "$(dirname "$0")/steps.sh"
. "$(dirname "$0")/drills/all.sh"

queue_drills
side_by_side "$(drills_at_once)"
# What they print is also in target/drills.txt.
mkdir -p "$TARGET"
for said in $(seq 0 $((${#results[@]} - 1))); do cat "$SAID/$said"; done >"$TARGET/drills.txt"
summed_up
[ "$failed" = 0 ]
