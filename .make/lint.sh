#!/usr/bin/env bash
# The checks that run no code, one per argument: format, server, browser, docs, scripts. Without arguments: all of them.
# What `make test` asks for instead of server and browser, compiled and browser-compiled, leaves programs and tests behind.
. "$(dirname "$0")/common.sh"
cd "$ROOT"

# To the end, even if there are warnings; cargo tells again what it said of a crate that is fresh.
without_warnings() {
  local said
  said="$(mktemp)"
  "$@" 2>&1 | tee "$said" || { rm "$said"; return 1; }
  if grep -q '^warning: `.*` (.*) generated [0-9]* warning' "$said"; then
    rm "$said"
    die "there are warnings"
  fi
  rm "$said"
}

check() {
  case "$1" in
    format) cargo fmt --all -- --check ;;
    server) cargo clippy "${LOCKED[@]}" "${ALL[@]}" --all-targets -- -D warnings ;;
    browser)
      "$ROOT/.make/tools.sh" wasm-target
      cargo clippy "${LOCKED[@]}" -p app --lib --features hydrate --target wasm32-unknown-unknown -- -D warnings
      ;;
    compiled) without_warnings cargo test "${LOCKED[@]}" "${ALL[@]}" --all-targets --no-run ;;
    browser-compiled) without_warnings "$ROOT/.make/web.sh" ;;
    docs) RUSTDOCFLAGS="-D warnings" cargo doc "${LOCKED[@]}" "${ALL[@]}" --no-deps --lib ;;
    scripts)
      local script
      for script in .make/*.sh .make/drills/*.sh .make/package/inside.sh .ci/run; do bash -n "$script"; done
      for script in .make/package/{postinst,prerm,postrm}; do sh -n "$script"; done
      .make/dockerfile.sh
      ;;
    *) die "no such check: $1 (format, server, browser, compiled, browser-compiled, docs, scripts)" ;;
  esac
}

if [ $# = 0 ]; then set -- format scripts server browser docs; fi
for name in "$@"; do
  say "checking: $name"
  check "$name"
done
