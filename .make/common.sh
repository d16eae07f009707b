# Sourced by every script here: where things are, how to speak, how to give up.
set -euo pipefail

ROOT="$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)"
TARGET="${CARGO_TARGET_DIR:-$ROOT/target}"
case "$TARGET" in /*) ;; *) TARGET="$ROOT/$TARGET" ;; esac
WEB="$TARGET/web"
TOOLS="${XDG_CACHE_HOME:-$HOME/.cache}/biostar-failover/tools"

# Continuous integration builds what the lock file says, nothing newer, and builds it once: what a second build would need is not kept.
LOCKED=()
if [ -n "${CI:-}" ]; then
  LOCKED=(--locked)
  export CARGO_INCREMENTAL=0
fi
# Everything but what only builds need.
ALL=(--workspace --exclude bindgen)

say() { printf '\033[1m==> %s\033[0m\n' "$*" >&2; }
die() {
  printf 'error: %s\n' "$*" >&2
  exit 1
}
have() { command -v "$1" >/dev/null 2>&1; }
