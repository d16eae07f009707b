#!/usr/bin/env bash
# Finds the tools that a clean machine may lack and installs what it can; prints the path of the one asked for.
# usage: tools.sh compiler|clippy|wasm-target|wasm-opt|node|playwright|chromium|keepalived|postgres
. "$(dirname "$0")/common.sh"

# Debian packages, when that is possible; otherwise the reader learns what is missing.
apt_install() {
  if have apt-get && [ "$(id -u)" = 0 ]; then
    say "installing $* with apt-get"
    apt-get update -qq >&2
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$@" >&2
  else
    die "$* is missing: install it with your system's package manager"
  fi
}

need_compiler() {
  have cargo || die "Rust is missing: install it with rustup"
  have cc || apt_install build-essential
}

# Clippy in the place of rustc.
need_clippy() {
  local driver
  driver="$(rustc --print sysroot)/bin/clippy-driver"
  [ -x "$driver" ] || { have rustup && rustup component add clippy >&2; }
  [ -x "$driver" ] || die "clippy is missing: rustup component add clippy"
  echo "$driver"
}

need_wasm_target() {
  local target=wasm32-unknown-unknown
  if [ -d "$(rustc --print target-libdir --target "$target")" ]; then return; fi
  have rustup || die "the Rust target $target is missing, and there is no rustup to add it"
  say "adding the Rust target $target"
  rustup target add "$target" >&2
}

need_keepalived() {
  if ! have keepalived; then apt_install keepalived; fi
  command -v keepalived
}

need_node() {
  if ! have node || ! have npm; then apt_install nodejs npm; fi
  local major
  major="$(node --version | sed 's/^v\([0-9]*\).*/\1/')"
  [ "$major" -ge 20 ] || die "Node $major is too old: 20 or newer is needed"
}

# The packages of end2end, which are kept there.
need_playwright() {
  need_node
  cd "$ROOT/end2end"
  if ! cmp -s package-lock.json node_modules/.installed-lock.json; then
    say "installing the packages of end2end"
    npm ci --silent --no-audit --no-fund >&2
    cp package-lock.json node_modules/.installed-lock.json
  fi
}

need_wasm_opt() {
  local version=132.0.0
  local place="$TOOLS/binaryen-$version"
  if [ ! -x "$place/node_modules/.bin/wasm-opt" ]; then
    need_node
    say "installing binaryen $version (once, into $place)"
    npm install --silent --no-audit --no-fund --prefix "$place" "binaryen@$version" >&2
  fi
  echo "$place/node_modules/.bin/wasm-opt"
}

find_chromium() {
  local candidate
  for candidate in "${CHROMIUM:-}" chromium chromium-browser google-chrome google-chrome-stable \
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome" /Applications/Chromium.app/Contents/MacOS/Chromium; do
    if [ -n "$candidate" ] && have "$candidate"; then
      command -v "$candidate"
      return
    fi
  done
  return 1
}

need_chromium() {
  find_chromium && return
  apt_install chromium
  find_chromium || die "no Chromium was found; set CHROMIUM to the path of one"
}

# The folder of its programs.
find_postgres() {
  local candidate
  for candidate in "${PG_BIN:-}" /usr/lib/postgresql/*/bin /usr/pgsql-*/bin /opt/homebrew/opt/postgresql@*/bin; do
    if [ -n "$candidate" ] && [ -x "$candidate/initdb" ] && [ -x "$candidate/postgres" ]; then
      echo "$candidate"
      return
    fi
  done
  return 1
}

need_postgres() {
  find_postgres && return
  apt_install postgresql
  find_postgres || die "no PostgreSQL server was found; set PG_BIN to the folder of its programs (initdb, postgres)"
}

case "${1:-}" in
  compiler) need_compiler ;;
  clippy) need_clippy ;;
  wasm-target) need_wasm_target ;;
  wasm-opt) need_wasm_opt ;;
  node) need_node ;;
  playwright) need_playwright ;;
  chromium) need_chromium ;;
  keepalived) need_keepalived ;;
  postgres) need_postgres ;;
  *) die "usage: tools.sh compiler|clippy|wasm-target|wasm-opt|node|playwright|chromium|keepalived|postgres" ;;
esac
