#!/usr/bin/env bash
# Looks at the Dockerfile without building it: what it copies is there, and its settings are ones that the program has.
. "$(dirname "$0")/common.sh"
cd "$ROOT"

bad() {
  echo "error: Dockerfile: $*" >&2
  failed=yes
}
failed=

# Lines that end in a backslash go on.
text="$(sed -e ':a' -e '/\\$/N; s/\\\n//; ta' Dockerfile | grep -v '^[[:space:]]*#')"
while read -r word _; do
  case "$word" in
    FROM | RUN | WORKDIR | COPY | ENV | USER | VOLUME | EXPOSE | STOPSIGNAL | HEALTHCHECK | ENTRYPOINT | CMD | '') ;;
    *) bad "no such instruction: $word" ;;
  esac
done <<<"$text"

for script in $(grep -o '\.make/[a-z_]*\.sh' <<<"$text"); do [ -x "$script" ] || bad "$script is not there"; done
for stage in $(grep -o -- '--from=[a-z]*' <<<"$text" | sed 's/--from=//'); do
  grep -q "^FROM .* AS $stage$" <<<"$text" || bad "no stage is called $stage"
done
for variable in $(grep -o 'PORTAL_[A-Z_]*' <<<"$text" | sort -u); do
  grep -q "\`$variable\`" docs/configuration.md || bad "the program knows no $variable"
done
rust="$(sed -n 's/^rust-version = "\(.*\)"/\1/p' Cargo.toml)"
grep -q "^FROM rust:$rust-" <<<"$text" || bad "its compiler is not version $rust, which Cargo.toml names"
[ "$(grep '^USER ' <<<"$text" | tail -n 1)" = "USER biostar" ] || bad "the program must not run as root"
[ -z "$failed" ]

if docker buildx version >/dev/null 2>&1 && docker info >/dev/null 2>&1; then
  docker buildx build --check . || die "docker does not like the Dockerfile"
else
  echo "CANNOT RUN HERE: building the Dockerfile; no docker with buildx runs. It was only read." >&2
fi
