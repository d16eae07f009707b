#!/usr/bin/env bash
# Builds everything: the programs `portal` and `bln`, and the browser's half.
# usage: build.sh [--release]
. "$(dirname "$0")/common.sh"

"$ROOT/.make/tools.sh" compiler
cd "$ROOT"
say "building portal and bln"
cargo build "${LOCKED[@]}" "${ALL[@]}" --bins "$@"
"$ROOT/.make/web.sh" "$@"
