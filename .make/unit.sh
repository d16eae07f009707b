#!/usr/bin/env bash
# Runs the Rust tests of the workspace, those of the server without its interfaces once more on PostgreSQL; arguments go to the test
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
  report="$TARGET/nextest/$profile/junit.xml"
  cargo nextest run "${LOCKED[@]}" "${ALL[@]}" --profile "$profile" "$@" -- "${left_out[@]}"
  # The second run writes the same file.
  mv "$report" "$TARGET/nextest/junit.xml"
  say "the server's unit tests on PostgreSQL"
  "$ROOT/.make/postgres.sh" with cargo nextest run "${LOCKED[@]}" "${ALL[@]}" --profile "$profile" -E 'package(server) and kind(lib)' "$@"
  mv "$report" "$TARGET/nextest/junit-postgres.xml"
else
  cargo test "${LOCKED[@]}" "${ALL[@]}" "$@" -- "${left_out[@]}"
  say "the server's unit tests on PostgreSQL"
  "$ROOT/.make/postgres.sh" with cargo test "${LOCKED[@]}" -p server --lib "$@"
fi
