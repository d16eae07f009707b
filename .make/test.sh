#!/usr/bin/env bash
# Every check, to the end, then one line for each. Fails if one failed or could not run; what such a one said last comes again at the end.
. "$(dirname "$0")/common.sh"

SAID="$(mktemp)"
trap 'rm -f "$SAID"' EXIT

results=() reasons=() failed=0
step() {
  local name="$1" began=$SECONDS word=passed
  shift
  say "$name"
  if ! "$@" 2>&1 | tee "$SAID"; then
    word=FAILED failed=$((failed + 1))
    reasons+=("$(printf '\n--- %s, the end of what it said\n' "$name"; tail -n 25 "$SAID" | cut -c 1-300)")
  fi
  results+=("$(printf '%-8s %-22s %4d s' "$word" "$name" $((SECONDS - began)))")
}

"$ROOT/.make/tools.sh" compiler
step "formatting" "$ROOT/.make/lint.sh" format scripts
step "clippy, server" "$ROOT/.make/lint.sh" server
step "clippy, browser" "$ROOT/.make/lint.sh" browser
step "documentation" "$ROOT/.make/lint.sh" docs
step "unit and integration" "$ROOT/.make/unit.sh"
step "the browser's half" "$ROOT/.make/site.sh"
step "the package" "$ROOT/.make/package_test.sh" --built
step "stories in a browser" "$ROOT/.make/e2e.sh"
step "drill: shared file" "$ROOT/.make/drills/shared_file.sh"
step "drill: copies" "$ROOT/.make/drills/copies.sh"
step "drill: links" "$ROOT/.make/drills/mishaps_links.sh"
step "drill: silent server" "$ROOT/.make/drills/mishaps_split.sh"
step "drill: disks" "$ROOT/.make/drills/mishaps_disk.sh"
step "drill: machine image" "$ROOT/.make/drills/vm_image.sh"
step "drill: machine memory" "$ROOT/.make/drills/vm_memory.sh"
step "drill: replication" "$ROOT/.make/drills/replication.sh"
step "drill: database links" "$ROOT/.make/drills/mishaps_replication.sh"
step "drill: silent site" "$ROOT/.make/drills/mishaps_replication_split.sh"
step "drill: quorum" "$ROOT/.make/drills/quorum.sh"

if [ "$failed" != 0 ]; then printf '%s\n' "${reasons[@]}"; fi
printf '\n'
printf '%s\n' "${results[@]}"
printf '\nchecks: %d passed, %d failed\n' $((${#results[@]} - failed)) "$failed"
[ "$failed" = 0 ]
