#!/usr/bin/env bash
# Builds a Debian package of both programs, the browser's half, the service and its configuration; prints its path.
# usage: package.sh [--debug] [--built]
#   --debug   the dev profile: quick, for the package's test
#   --built   what was built last, without looking whether it is current
. "$(dirname "$0")/common.sh"
cd "$ROOT"

profile=release flags=(--release) compression=(-Zxz) build=yes
for word in "$@"; do
  case "$word" in
    --debug) profile=debug flags=() compression=(-Zgzip -z1) ;;
    --built) build= ;;
    *) die "usage: package.sh [--debug] [--built]" ;;
  esac
done
have dpkg-deb || die "CANNOT RUN HERE: there is no dpkg-deb; Debian and its like have it, and it is needed for a Debian package"
[ -z "$build" ] || "$ROOT/.make/build.sh" "${flags[@]}" >&2

version="$(sed -n 's/^version = "\(.*\)"/\1/p' Cargo.toml | head -n 1)"
architecture="$(dpkg --print-architecture)"
libc="$(getconf GNU_LIBC_VERSION 2>/dev/null | sed 's/glibc //')"
[ -n "$libc" ] || die "CANNOT RUN HERE: the package is for systems with glibc, and this is none"
# Files are as old as the last change, so that the same source gives the same package.
SOURCE_DATE_EPOCH="${SOURCE_DATE_EPOCH:-$(git log -1 --format=%ct 2>/dev/null || date +%s)}"
export SOURCE_DATE_EPOCH

umask 022
work="$(mktemp -d)"
trap 'rm -rf "$work"' EXIT
tree="$work/tree" doc=usr/share/doc/biostar-failover
mkdir -p "$tree/DEBIAN" "$tree/usr/bin" "$tree/usr/share/biostar/web/pkg" "$tree/$doc" "$tree/lib/systemd/system" "$tree/etc/biostar"

install -m 0755 "$TARGET/$profile/portal" "$TARGET/$profile/bln" "$tree/usr/bin/"
if have strip; then strip --strip-unneeded "$tree/usr/bin/portal" "$tree/usr/bin/bln"; fi
install -m 0644 "$WEB/pkg/portal.js" "$WEB/pkg/portal_bg.wasm" "$WEB/pkg/portal.css" "$tree/usr/share/biostar/web/pkg/"
if [ -d "$WEB/pkg/snippets" ]; then cp -r "$WEB/pkg/snippets" "$tree/usr/share/biostar/web/pkg/"; fi
install -m 0644 .make/package/portal.service "$tree/lib/systemd/system/"
install -m 0644 README.md CHANGELOG.md docs/*.md docs/grafana.json docs/alarms.yml "$tree/$doc/"
cat LICENSE-MIT LICENSE-APACHE >"$tree/$doc/copyright"

# The program's own file of defaults, with what an installed server needs set.
"$tree/usr/bin/portal" config --print-default | sed \
  -e 's|^#data = .*|data = "/var/lib/biostar"|' \
  -e 's|^#http = .*|http = "[::]:3000"|' \
  -e 's|^#web-root = .*|web-root = "/usr/share/biostar/web"|' >"$tree/etc/biostar/portal.toml"
[ "$(grep -c '^[a-z]' "$tree/etc/biostar/portal.toml")" = 3 ] || die "portal config --print-default lacks data, http or web-root"
echo /etc/biostar/portal.toml >"$tree/DEBIAN/conffiles"
install -m 0755 .make/package/postinst .make/package/prerm .make/package/postrm "$tree/DEBIAN/"
cat >"$tree/DEBIAN/control" <<TEXT
Package: biostar-failover
Version: $version
Architecture: $architecture
Section: net
Priority: optional
Maintainer: The BioStar failover developers <root@localhost>
Installed-Size: $(du -ks "$tree" | cut -f 1)
Depends: libc6 (>= $libc), adduser
Description: keeps BioStar 2 door readers connected to a server that is alive
 One server of an installation (portal): web portal, REST API, gateway for door
 readers and the link to the other server; and the reference reader (bln).
TEXT
(cd "$tree" && find usr lib -type f -print0 | sort -z | xargs -0 md5sum >DEBIAN/md5sums)

mkdir -p "$TARGET/package"
package="$TARGET/package/biostar-failover_${version}_$architecture.deb"
dpkg-deb --root-owner-group "${compression[@]}" --build "$tree" "$package" >&2
echo "$package"
