#!/usr/bin/env bash
# Runs the simulations, of a device, of the network, of names and of takeovers, and the scenarios of two servers with ever more seeds, until one
# fails or Ctrl-C. `SIMULATION_FROM` and `SCENARIO_FROM` say where to begin.
. "$(dirname "$0")/common.sh"
cd "$ROOT"

device=device::tests::simulation::nothing_strands_a_device
network=simulation::scenarios::nothing_that_a_network_does_strands_a_device
names=simulation::names::scenarios::the_best_server_that_names_lead_to_is_found_in_time
takeover=simulation::takeover::scenarios::two_servers_never_write_at_once_and_one_does_in_the_end
pair=pair_scenario::two_servers_in_any_trouble_decide_once_and_lose_no_answer
from="${SIMULATION_FROM:-2000}" count=10000
scenario="${SCENARIO_FROM:-1000}" scenarios=30
while :; do
  say "seeds $from to $((from + count - 1))"
  SIMULATION_FROM="$from" SIMULATION_SEEDS="$count" cargo test "${LOCKED[@]}" --quiet --release -p gateway --lib -- --exact "$device" "$network" "$names" "$takeover"
  from=$((from + count))
  say "two servers: seeds $scenario to $((scenario + scenarios - 1))"
  SCENARIO_FROM="$scenario" SCENARIO_SEEDS="$scenarios" cargo test "${LOCKED[@]}" --quiet -p server --test it -- --exact "$pair"
  scenario=$((scenario + scenarios))
done
