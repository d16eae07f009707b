#!/usr/bin/env bash
# Builds what the browser loads into target/site/pkg: portal.js, portal_bg.wasm, portal.css.
# usage: site.sh [--release]
. "$(dirname "$0")/common.sh"

profile=dev folder=debug
if [ "${1:-}" = --release ]; then profile=wasm-release folder=wasm-release; fi

tools="$ROOT/.make/tools.sh"
"$tools" compiler
"$tools" wasm-target
bindgen="$("$tools" wasm-bindgen)"

say "building the browser's half ($profile)"
cd "$ROOT"
cargo build "${LOCKED[@]}" -p app --lib --features hydrate --target wasm32-unknown-unknown --profile "$profile"

mkdir -p "$SITE/pkg"
wasm="$TARGET/wasm32-unknown-unknown/$folder/app.wasm"
# What the files were made from; a change of profile counts as a change.
stamp="$SITE/.made-from"
made_from="$(cksum <"$wasm") $profile"
if [ "$(cat "$stamp" 2>/dev/null || true)" != "$made_from" ] || [ ! -f "$SITE/pkg/portal_bg.wasm" ]; then
  "$bindgen" --target web --no-typescript --remove-name-section --remove-producers-section --out-dir "$SITE/pkg" --out-name portal "$wasm"
  if [ "$profile" = wasm-release ]; then
    opt="$("$tools" wasm-opt)"
    say "shrinking the WebAssembly file"
    "$opt" -Oz --enable-bulk-memory --enable-nontrapping-float-to-int --enable-sign-ext --enable-mutable-globals \
      --enable-reference-types --enable-multivalue -o "$SITE/pkg/portal_bg.opt" "$SITE/pkg/portal_bg.wasm"
    mv "$SITE/pkg/portal_bg.opt" "$SITE/pkg/portal_bg.wasm"
  fi
  echo "$made_from" >"$stamp"
fi

"$ROOT/.make/css.sh" "$ROOT/style/main.css" >"$SITE/pkg/.portal.css"
if cmp -s "$SITE/pkg/.portal.css" "$SITE/pkg/portal.css"; then
  rm "$SITE/pkg/.portal.css"
else
  mv "$SITE/pkg/.portal.css" "$SITE/pkg/portal.css"
fi
