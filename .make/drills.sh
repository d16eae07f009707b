#!/usr/bin/env bash
# Plays the cases of docs/failover.md on real programs and prints what came of each; DRILL_DEVICES=1000 for a large site.
. "$(dirname "$0")/common.sh"

# What they print is also in target/drills.txt.
mkdir -p "$TARGET"
for drill in shared_file copies mishaps_links mishaps_split mishaps_disk vm_image vm_memory replication mishaps_replication \
  mishaps_replication_split quorum; do
  say "drill: $drill"
  printf '\n%s\n' "$drill"
  "$ROOT/.make/drills/$drill.sh"
done | tee "$TARGET/drills.txt"
