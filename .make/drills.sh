#!/usr/bin/env bash
# Plays the cases of docs/failover.md on real programs and prints what came of each; DRILL_DEVICES=1000 for a large site.
. "$(dirname "$0")/common.sh"

for drill in shared_file copies vm_image replication quorum; do
  say "drill: $drill"
  "$ROOT/.make/drills/$drill.sh"
done
