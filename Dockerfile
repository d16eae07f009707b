# One server of an installation in a container. Built from the root of the repository:
#   docker build -t biostar-failover .
#   docker run -v biostar:/var/lib/biostar -p 3000:3000 -p 51213:51213 -p 51215:51215 \
#     -e PORTAL_ADVERTISE=<this machine's address> biostar-failover

FROM rust:1.94-bookworm AS build
RUN apt-get update \
  && apt-get install -y --no-install-recommends nodejs npm \
  && rm -rf /var/lib/apt/lists/* \
  && rustup target add wasm32-unknown-unknown
WORKDIR /source
COPY . .
# Only the lock file's versions; the same script that `make release` runs.
ENV CI=true
RUN .make/build.sh --release

FROM debian:bookworm-slim
RUN useradd --system --uid 10001 --home-dir /var/lib/biostar --shell /usr/sbin/nologin biostar \
  && install -d -o biostar -g biostar -m 0700 /var/lib/biostar
COPY --from=build /source/target/release/portal /source/target/release/bln /usr/bin/
COPY --from=build /source/target/web /usr/share/biostar/web
# Metrics stay inside unless PORTAL_METRICS says otherwise.
ENV PORTAL_DATA=/var/lib/biostar \
    PORTAL_WEB_ROOT=/usr/share/biostar/web \
    PORTAL_HTTP=[::]:3000 \
    PORTAL_LOG_FORMAT=json
USER biostar
VOLUME /var/lib/biostar
EXPOSE 3000 51213 51215
STOPSIGNAL SIGTERM
# Whether this server answers; what is wrong beyond that, `portal check` says.
HEALTHCHECK --interval=30s --timeout=10s --start-period=30s CMD ["portal", "servers"]
ENTRYPOINT ["portal"]
CMD ["run"]
