# Sourced: steps with a name, one after the other or side by side, each to its end, and what came of all of them.

SAID="$(mktemp -d "${TMPDIR:-/tmp}/steps-XXXXXX")"
results=() reasons=() failed=0
queue_names=() queue_commands=()
# What runs side by side: the number of each process, which leads a group of its own, and its place in the queue.
declare -A running=()

# came_of NAME STATUS SECONDS FILE: the line of a step, and the end of what it said if it failed.
came_of() {
  local word=passed
  if [ "$2" != 0 ]; then
    word=FAILED failed=$((failed + 1))
    reasons+=("$(printf '\n--- %s, the end of what it said\n' "$1"; tail -n 25 "$4" | cut -c 1-300)")
  fi
  results+=("$(printf '%-8s %-26s %4d s' "$word" "$1" "$3")")
}

# step NAME COMMAND...: now, in front of everybody.
step() {
  local name="$1" began=$SECONDS status=0
  shift
  say "$name"
  "$@" 2>&1 | tee "$SAID/step" || status=$?
  came_of "$name" "$status" $((SECONDS - began)) "$SAID/step"
}

# queue NAME COMMAND...: for side_by_side.
queue() {
  queue_names+=("$1")
  shift
  queue_commands+=("$(printf '%q ' "$@")")
}

# A network of one's own has nothing but a loopback, so that ports clash with nobody's. Whoever is not root needs a user namespace for it,
# and is himself again in a second one: PostgreSQL, for one, does not run as root.
LOOPBACK='ip link set lo up && exec "$@"'
AS_BEFORE='ip link set lo up && exec unshare --user --map-user="$0" "$@"'
find_network() {
  if [ "$(id -u)" = 0 ]; then
    NETWORK=(unshare --net bash -c "$LOOPBACK" root)
  else
    NETWORK=(unshare --map-root-user --net bash -c "$AS_BEFORE" "$(id -u)")
  fi
  "${NETWORK[@]}" true 2>/dev/null
}

# side_by_side N: works off the queue, N at a time. What each says is shown whole when it ends.
side_by_side() {
  local many="$1" next=0 process status place
  local -A began=()
  if ! find_network; then
    say "CANNOT RUN HERE: several at a time; this user cannot make networks (unshare --net). One after the other: $(printf '%s; ' "${queue_names[@]}")"
    many=1 NETWORK=()
  fi
  while [ "$next" -lt ${#queue_names[@]} ] || [ ${#running[@]} -gt 0 ]; do
    while [ "$next" -lt ${#queue_names[@]} ] && [ ${#running[@]} -lt "$many" ]; do
      say "begins: ${queue_names[$next]}"
      set -m
      eval "exec \"\${NETWORK[@]}\" ${queue_commands[$next]}" </dev/null >"$SAID/$next" 2>&1 &
      set +m
      running[$!]=$next began[$!]=$SECONDS
      next=$((next + 1))
    done
    status=0
    wait -n -p process "${!running[@]}" || status=$?
    place="${running[$process]}"
    unset "running[$process]"
    say "${queue_names[$place]}"
    cat "$SAID/$place"
    came_of "${queue_names[$place]}" "$status" $((SECONDS - began[$process])) "$SAID/$place"
  done
  queue_names=() queue_commands=()
}

# Why steps failed, then one line for each.
summed_up() {
  if [ "$failed" != 0 ]; then printf '%s\n' "${reasons[@]}"; fi
  printf '\n'
  printf '%s\n' "${results[@]}"
  printf '\nchecks: %d passed, %d failed\n' $((${#results[@]} - failed)) "$failed"
}

# Ctrl-C does not reach what runs side by side: each is asked to end, with all it started, and tidies up.
end_steps() {
  local process
  for process in "${!running[@]}"; do kill -TERM -- "-$process" 2>/dev/null || true; done
  wait
  rm -rf "$SAID"
}
trap end_steps EXIT
trap 'exit 130' INT TERM
