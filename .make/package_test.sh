#!/usr/bin/env bash
# Installs the package beside this machine's own files (an overlay that only this test sees, with a network of its own),
# runs the installed program with the installed configuration as the installed user, removes and purges it.
# usage: package_test.sh [--built]
. "$(dirname "$0")/common.sh"

cannot() {
  echo "CANNOT RUN HERE: the package test; $*" >&2
  exit 0
}
[ "$(id -u)" = 0 ] || cannot "only root may lay an overlay over this machine's files"
for tool in dpkg-deb unshare chroot ip adduser setpriv curl; do have "$tool" || cannot "there is no $tool"; done

work="$(mktemp -d)"
trap 'rm -rf "$work"' EXIT
mkdir -p "$work/upper" "$work/inner" "$work/root"
overlay="lowerdir=/,upperdir=$work/upper,workdir=$work/inner"
unshare --mount mount -t overlay overlay -o "$overlay" "$work/root" 2>/dev/null || cannot "this kernel lays no overlay over / here"

package="$("$ROOT/.make/package.sh" --debug "$@")"
say "installing $package"
PACKAGE="$package" WORK="$work" OVERLAY="$overlay" unshare --mount --net --pid --fork --kill-child \
  bash "$ROOT/.make/package/inside.sh"
