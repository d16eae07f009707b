#!/usr/bin/env bash
# Runs the simulations, of a device, of the network, of names and of takeovers, and the stories of two servers with ever more seeds, until one
# fails or Ctrl-C. `SIMULATION_FROM` and `STORY_FROM` say where to begin.
. "$(dirname "$0")/common.sh"
cd "$ROOT"

device=device::tests::simulation::nothing_strands_a_device
network=simulation::stories::nothing_that_a_network_does_strands_a_device
names=simulation::names::stories::the_best_server_that_names_lead_to_is_found_in_time
takeover=simulation::takeover::stories::two_servers_never_write_at_once_and_one_does_in_the_end
sites=site_story::whatever_happens_to_two_servers_is_decided_once_and_nothing_that_was_answered_is_lost
from="${SIMULATION_FROM:-2000}" count=10000
story="${STORY_FROM:-1000}" stories=30
while :; do
  say "seeds $from to $((from + count - 1))"
  SIMULATION_FROM="$from" SIMULATION_SEEDS="$count" cargo test "${LOCKED[@]}" --quiet --release -p gateway --lib -- --exact "$device" "$network" "$names" "$takeover"
  from=$((from + count))
  say "two servers: seeds $story to $((story + stories - 1))"
  STORY_FROM="$story" STORY_SEEDS="$stories" cargo test "${LOCKED[@]}" --quiet -p app --features ssr --test it -- --exact "$sites"
  story=$((story + stories))
done
