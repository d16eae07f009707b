#!/usr/bin/env bash
# The checks that run no code, one per argument: format, server, browser, docs, scripts. Without arguments: all of them.
. "$(dirname "$0")/common.sh"
cd "$ROOT"

check() {
  case "$1" in
    format) cargo fmt --all -- --check ;;
    server) cargo clippy "${LOCKED[@]}" --workspace --all-targets --features app/ssr -- -D warnings ;;
    browser)
      "$ROOT/.make/tools.sh" wasm-target
      cargo clippy "${LOCKED[@]}" -p app --lib --features hydrate --target wasm32-unknown-unknown -- -D warnings
      ;;
    docs) RUSTDOCFLAGS="-D warnings" cargo doc "${LOCKED[@]}" --workspace --no-deps --lib --features app/ssr ;;
    scripts)
      local script
      for script in .make/*.sh .make/drills/*.sh .make/package/inside.sh .ci/run; do bash -n "$script"; done
      for script in .make/package/{postinst,prerm,postrm}; do sh -n "$script"; done
      .make/dockerfile.sh
      ;;
    *) die "no such check: $1 (format, server, browser, docs, scripts)" ;;
  esac
}

if [ $# = 0 ]; then set -- format scripts server browser docs; fi
for name in "$@"; do
  say "checking: $name"
  check "$name"
done
