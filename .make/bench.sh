#!/usr/bin/env bash
# Measures the gateway's server beside a bare TLS server, both in one sitting, and prints ratios with their aims; then the whole portal
# after the loss of a server with all its devices.
# BENCH_DEVICES sets the size: 2000 by default, 1000 is quick, 10000 is what a large site has.
. "$(dirname "$0")/common.sh"

"$ROOT/.make/tools.sh" compiler
cd "$ROOT"
# Both ends of a session are here; each process needs a descriptor for every device.
ulimit -n "$(ulimit -Hn)" 2>/dev/null || true
have taskset || say "taskset is missing (package util-linux): server and devices will share their cores"
cargo bench "${LOCKED[@]}" -p gateway --bench sessions
cargo bench "${LOCKED[@]}" -p server --bench events
say "a crowd of devices after the loss of their server, on whole portals"
cargo build "${LOCKED[@]}" --profile bench "${ALL[@]}" --bins
"$ROOT/.make/drills/crowd.sh"
