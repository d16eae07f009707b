#!/usr/bin/env bash
# The package's test, once it is alone: PACKAGE is the package, WORK a folder of the test's, OVERLAY where things go.
set -euo pipefail

fail() {
  printf 'error: the package test: %s\n' "$*" >&2
  [ ! -f "$WORK/portal.log" ] || tail -n 20 "$WORK/portal.log" >&2
  exit 1
}

mount --make-rprivate /
mount -t overlay overlay -o "$OVERLAY" "$WORK/root"
root="$WORK/root"
mount -t proc proc "$root/proc"
mount -t tmpfs tmpfs "$root/run"
mount -t tmpfs tmpfs "$root/tmp"
mount --rbind /dev "$root/dev"
ip link set lo up
cp "$PACKAGE" "$root/tmp/package.deb"
# Without a network nobody else tells the address that devices are told.
environment=(-i PATH=/usr/sbin:/usr/bin:/sbin:/bin LC_ALL=C PORTAL_ADVERTISE=127.0.0.1)
inside() { chroot "$root" /usr/bin/env "${environment[@]}" "$@"; }

rm -rf "$root/etc/biostar" "$root/var/lib/biostar"
inside dpkg --install /tmp/package.deb >"$WORK/dpkg.log" 2>&1 || fail "$(cat "$WORK/dpkg.log")"
[ "$(inside stat -c '%U:%G %a' /var/lib/biostar)" = "biostar:biostar 700" ] || fail "/var/lib/biostar is not the user's alone"
[ "$(inside stat -c '%U:%G %a' /etc/biostar/portal.toml)" = "root:biostar 640" ] || fail "the configuration can be read by others"
if [ -x "$root/usr/bin/systemd-analyze" ]; then
  inside systemd-analyze verify --man=no /lib/systemd/system/portal.service || fail "systemd does not like the unit"
fi

# As the service does it: its user, its configuration.
# One process, so that a signal reaches the program itself.
chroot "$root" /usr/bin/env "${environment[@]}" setpriv --reuid biostar --regid biostar --clear-groups --no-new-privs \
  --inh-caps=-all /usr/bin/portal run >"$WORK/portal.log" 2>&1 &
server=$!
status() { inside bash -c 'exec 3<>/dev/tcp/127.0.0.1/9464 && printf "GET /metrics HTTP/1.0\r\n\r\n" >&3 && read -r _ code _ <&3 && echo "$code"' 2>/dev/null; }
ready() { inside curl --silent --insecure --output /dev/null --write-out '%{http_code}' "https://127.0.0.1:3000$1" || true; }
for _ in $(seq 300); do
  kill -0 "$server" 2>/dev/null || fail "the installed program ended"
  [ "$(ready /health/ready)" != 200 ] || break
  sleep 0.2
done
[ "$(ready /health/ready)" = 200 ] || fail "/health/ready is not answered with 200"
[ "$(ready /pkg/portal_bg.wasm)" = 200 ] || fail "the browser's half is not served"
[ "$(status)" = 200 ] || fail "/metrics is not answered with 200"
inside portal check >"$WORK/check.log" || fail "portal check: $(cat "$WORK/check.log")"
inside portal provision --uses 1 | grep -q '^BLN1-' || fail "portal provision"

# Another installation of the same version is an upgrade: data and configuration stay.
echo '# kept' >>"$root/etc/biostar/portal.toml"
inside dpkg --install /tmp/package.deb >"$WORK/dpkg.log" 2>&1 || fail "$(cat "$WORK/dpkg.log")"
grep -q '^# kept' "$root/etc/biostar/portal.toml" || fail "the upgrade lost the configuration"

began=$SECONDS
kill -TERM "$server"
wait "$server" || fail "the installed program did not stop well"
[ $((SECONDS - began)) -le 5 ] || fail "stopping took $((SECONDS - began)) s"

inside dpkg --remove biostar-failover >"$WORK/dpkg.log" 2>&1 || fail "$(cat "$WORK/dpkg.log")"
[ ! -e "$root/usr/bin/portal" ] || fail "the program is still there after its removal"
[ -e "$root/etc/biostar/portal.toml" ] || fail "removal took the configuration"
inside dpkg --purge biostar-failover >"$WORK/dpkg.log" 2>&1 || fail "$(cat "$WORK/dpkg.log")"
[ ! -e "$root/etc/biostar" ] || fail "the configuration is still there after the purge"
[ -e "$root/var/lib/biostar/keys" ] || fail "the purge took the keys"
echo "the package installs, serves, upgrades, stops, is removed and purged" >&2
