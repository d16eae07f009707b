#!/usr/bin/env bash
# Runs the browser tests against the programs that were built last; arguments go to Playwright.
. "$(dirname "$0")/common.sh"

tools="$ROOT/.make/tools.sh"
"$tools" playwright
CHROMIUM="$("$tools" chromium)"
export CHROMIUM CARGO_TARGET_DIR="$TARGET" PORTAL_WEB_ROOT="$WEB"

cd "$ROOT/end2end"
npm run --silent check
npx playwright test "$@"
