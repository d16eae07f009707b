# Sourced: where `make run` keeps its data, and the hold on it that run.sh and all its children share.

DATA="${BIOSTAR_DATA:-$ROOT/data}"
case "$DATA" in /*) ;; *) DATA="$ROOT/$DATA" ;; esac

# The lock is the open file itself: children inherit it, so it lasts as long as the last of them.
hold_data() {
  umask 077
  mkdir -p "$DATA/logs"
  have flock || return 0
  exec 9>"$DATA/run.lock"
  flock --nonblock 9 || die "$DATA is in use by make run: $(users_of_data || true)"
}

# The programs that were started on this data, also by hand: "portal (pid 123), bln (pid 124)".
users_of_data() {
  ps -eo pid=,args= | awk -v data="$DATA/" '
    index($0, data) && match($2, /(^|\/)(portal|bln)$/) {
      name = $2; sub(/.*\//, "", name)
      printf "%s%s (pid %s)", comma, name, $1; comma = ", "
    }'
}
