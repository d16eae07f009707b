#!/usr/bin/env bash
# Every check, to the end, then one line for each and the slowest tests. Fails if one failed or could not run; what such a one said last
# comes again at the end.
. "$(dirname "$0")/common.sh"
. "$(dirname "$0")/steps.sh"
. "$(dirname "$0")/drills/all.sh"
cd "$ROOT"
tools="$ROOT/.make/tools.sh"

# What runs side by side has no network to install anything from.
fetch() {
  local tool
  for tool in postgres keepalived chromium playwright; do "$tools" "$tool" >/dev/null; done
}

"$tools" compiler
# Clippy compiles the crates of the workspace: nothing is checked first and compiled then, and what they depend on is compiled once.
RUSTC_WORKSPACE_WRAPPER="$("$tools" clippy)"
export RUSTC_WORKSPACE_WRAPPER
rm -f "$TARGET"/nextest/junit*.xml

step "formatting" "$ROOT/.make/lint.sh" format scripts
step "tools" fetch
step "clippy and compilation" "$ROOT/.make/lint.sh" compiled
step "clippy, the browser's half" "$ROOT/.make/lint.sh" browser-compiled
step "unit and integration" "$ROOT/.make/unit.sh"
step "the package" "$ROOT/.make/package_test.sh" --built
# The longest step by far: both of its halves at once.
for half in script no-script; do
  queue "browser tests, $half" env PLAYWRIGHT_HTML_OUTPUT_DIR="$TARGET/browser/$half/report" \
    "$ROOT/.make/e2e.sh" --project="$half" --output="$TARGET/browser/$half/results"
done
queue_drills
# It computes all the time, and drills watch the clock.
queue "documentation" nice -n 19 "$ROOT/.make/lint.sh" docs
side_by_side "$(drills_at_once)"

summed_up
printf '\n'
"$ROOT/.make/slowest.sh"
[ "$failed" = 0 ]
