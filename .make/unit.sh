#!/usr/bin/env bash
# Runs the Rust tests of the workspace, those of the store and of the service once more on PostgreSQL; arguments go to the test
# runner. Also leaves `portal` and `bln` built.
. "$(dirname "$0")/common.sh"
cd "$ROOT"

# That test gives a server a disk of its own.
left_out=()
if ! unshare --map-root-user --mount mount -t tmpfs failover /tmp 2>/dev/null; then
  echo "CANNOT RUN HERE: the full-disk test; this user may not mount a disk of its own (unshare --map-root-user --mount)." >&2
  left_out=(--skip full_disk)
fi

"$ROOT/.make/tools.sh" postgres >/dev/null

if cargo nextest --version >/dev/null 2>&1; then
  profile=default
  if [ -n "${CI:-}" ]; then profile=ci; fi
  cargo nextest run "${LOCKED[@]}" --workspace --features app/ssr --profile "$profile" "$@" -- "${left_out[@]}"
  say "the store and the service on PostgreSQL"
  "$ROOT/.make/postgres.sh" with cargo nextest run "${LOCKED[@]}" --workspace --features app/ssr --profile "$profile" \
    -E 'package(app) and kind(lib) and test(/^server::(service|store)::/)' "$@"
else
  cargo test "${LOCKED[@]}" --workspace --features app/ssr "$@" -- "${left_out[@]}"
  say "the store and the service on PostgreSQL"
  "$ROOT/.make/postgres.sh" with cargo test "${LOCKED[@]}" --workspace --features app/ssr --lib "$@" -- \
    server::service:: server::store::
fi
