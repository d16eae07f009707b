#!/usr/bin/env bash
# Runs the Rust tests of the workspace; arguments go to the test runner. Also leaves `portal` and `bln` built.
. "$(dirname "$0")/common.sh"
cd "$ROOT"
if cargo nextest --version >/dev/null 2>&1; then
  profile=default
  if [ -n "${CI:-}" ]; then profile=ci; fi
  cargo nextest run "${LOCKED[@]}" --workspace --features app/ssr --profile "$profile" "$@"
else
  cargo test "${LOCKED[@]}" --workspace --features app/ssr "$@"
fi
