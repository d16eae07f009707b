#!/usr/bin/env bash
# Removes what make run left behind: both servers' data, the devices' data, the logs. Refuses while any of it is in use.
. "$(dirname "$0")/common.sh"
. "$ROOT/.make/data.sh"

if [ ! -d "$DATA" ]; then
  echo "There is no data in $DATA."
  exit 0
fi
users="$(users_of_data)"
[ -z "$users" ] || die "$DATA is in use by $users; stop make run (Ctrl-C) or end them first"
hold_data

# Only what run.sh makes: the folder may be anybody's.
cd "$DATA"
rm -rf server1 server2 devices logs provisioning.txt accepted fleet.sock run.lock
if rmdir "$DATA" 2>/dev/null; then
  echo "Removed $DATA."
else
  echo "Removed the data in $DATA; it holds other files, which stay."
fi
