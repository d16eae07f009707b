# Sourced by every script here: where things are, how to speak, how to give up.
set -euo pipefail

ROOT="$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)"
TARGET="${CARGO_TARGET_DIR:-$ROOT/target}"
case "$TARGET" in /*) ;; *) TARGET="$ROOT/$TARGET" ;; esac
SITE="$TARGET/site"
TOOLS="${XDG_CACHE_HOME:-$HOME/.cache}/biostar-failover/tools"

# Continuous integration builds what the lock file says, nothing newer.
LOCKED=()
if [ -n "${CI:-}" ]; then LOCKED=(--locked); fi

say() { printf '\033[1m==> %s\033[0m\n' "$*" >&2; }
die() {
  printf 'error: %s\n' "$*" >&2
  exit 1
}
have() { command -v "$1" >/dev/null 2>&1; }

# The version of a package in Cargo.lock.
locked_version() {
  awk -v name="$1" '$0 == "name = \"" name "\"" { getline; gsub(/version = |"/, ""); print; exit }' "$ROOT/Cargo.lock"
}
