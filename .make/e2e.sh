#!/usr/bin/env bash
# Runs the browser's stories against the programs that were built last; arguments go to Playwright.
. "$(dirname "$0")/common.sh"

tools="$ROOT/.make/tools.sh"
"$tools" node
CHROMIUM="$("$tools" chromium)"
export CHROMIUM CARGO_TARGET_DIR="$TARGET" PORTAL_SITE_ROOT="$SITE"

cd "$ROOT/end2end"
if ! cmp -s package-lock.json node_modules/.installed-lock.json; then
  say "installing the packages of end2end"
  npm ci --silent --no-audit --no-fund
  cp package-lock.json node_modules/.installed-lock.json
fi
npm run --silent check
npx playwright test "$@"
