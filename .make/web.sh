#!/usr/bin/env bash
# Builds what the browser loads into target/web/pkg: portal.js, portal_bg.wasm, portal.css.
# usage: web.sh [--release]
. "$(dirname "$0")/common.sh"

profile=dev folder=debug
if [ "${1:-}" = --release ]; then profile=wasm-release folder=wasm-release; fi

tools="$ROOT/.make/tools.sh"
"$tools" compiler
"$tools" wasm-target

say "building the browser's half ($profile)"
cd "$ROOT"
cargo build "${LOCKED[@]}" -p app --lib --features hydrate --target wasm32-unknown-unknown --profile "$profile"

# Of the version that the lock file names, which is the library's.
cargo build "${LOCKED[@]}" -p bindgen --profile tools

mkdir -p "$WEB/pkg"
wasm="$TARGET/wasm32-unknown-unknown/$folder/app.wasm"
# What the files were made from; a change of profile counts as a change.
stamp="$WEB/.made-from"
made_from="$(cksum <"$wasm") $profile"
if [ "$(cat "$stamp" 2>/dev/null || true)" != "$made_from" ] || [ ! -f "$WEB/pkg/portal_bg.wasm" ]; then
  "$TARGET/tools/bindgen" "$wasm" "$WEB/pkg"
  if [ "$profile" = wasm-release ]; then
    opt="$("$tools" wasm-opt)"
    say "shrinking the WebAssembly file"
    "$opt" -Oz --enable-bulk-memory --enable-nontrapping-float-to-int --enable-sign-ext --enable-mutable-globals \
      --enable-reference-types --enable-multivalue -o "$WEB/pkg/portal_bg.opt" "$WEB/pkg/portal_bg.wasm"
    mv "$WEB/pkg/portal_bg.opt" "$WEB/pkg/portal_bg.wasm"
  fi
  echo "$made_from" >"$stamp"
fi

"$ROOT/.make/css.sh" "$ROOT/style/main.css" >"$WEB/pkg/.portal.css"
if cmp -s "$WEB/pkg/.portal.css" "$WEB/pkg/portal.css"; then
  rm "$WEB/pkg/.portal.css"
else
  mv "$WEB/pkg/.portal.css" "$WEB/pkg/portal.css"
fi
