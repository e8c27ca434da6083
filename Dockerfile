# tidings and graphmock in one small image: built in a first stage, of which only the two programs
# and the names of the libraries they need come along.
#
#     docker build -t tidings .
#     docker build -t tidings --build-arg BASE=debian:trixie-slim .
#
# docs/operating.md says how to run it; conf/compose.yaml is a set-up to start from.
ARG BASE=debian:bookworm-slim

FROM ${BASE} AS build
WORKDIR /src
COPY deps deps
RUN deps/install
COPY CMakeLists.txt CMakePresets.json ./
COPY bench bench
COPY conf conf
COPY src src
RUN cmake --preset release -DTIDINGS_TESTS=OFF \
    && cmake --build --preset release -j "$(nproc)" -- --no-print-directory -s \
    && cmake --install build/release --prefix /out --strip \
    && deps/runtime-packages /out/bin/* >/out/packages

FROM ${BASE}
ARG VERSION=unreleased
ARG REVISION=unknown
LABEL org.opencontainers.image.title="tidings" \
      org.opencontainers.image.description="WhatsApp template messages through Meta's Graph API, each accounted for" \
      org.opencontainers.image.licenses="MIT" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}"

# A number that nothing else has on the host; its folder is the one thing that it may write.
COPY --from=build /out/packages /tmp/packages
RUN apt-get -q update \
    && DEBIAN_FRONTEND=noninteractive apt-get -q -y install --no-install-recommends \
        ca-certificates $(cat /tmp/packages) \
    && rm -rf /tmp/packages /var/lib/apt/lists/* /var/cache/apt/archives/*.deb \
    && echo 'tidings:x:65532:65532::/var/lib/tidings:/usr/sbin/nologin' >>/etc/passwd \
    && echo 'tidings:x:65532:' >>/etc/group \
    && install -d -m 0700 -o 65532 -g 65532 /var/lib/tidings
COPY --from=build /out/bin /usr/local/bin
RUN tidings --version && graphmock --help >/dev/null

ENV STATE_DIRECTORY=/var/lib/tidings
VOLUME /var/lib/tidings
WORKDIR /var/lib/tidings
USER 65532:65532

# 9464: metrics, health and the dashboard; 8081: Meta's webhooks, where webhook.listen names it.
EXPOSE 9464 8081

# SIGTERM drains what is in flight: give it longer than http.timeout_ms (docker stop -t 60). It is a
# good first process: it starts no others, so there are none to reap.
STOPSIGNAL SIGTERM

# Ends 0 when the daemon answers on its control socket, which it finds as `run` does: by the
# environment and the configuration file.
HEALTHCHECK --interval=30s --timeout=5s --start-period=60s --retries=3 CMD ["tidings", "status", "-q"]

ENTRYPOINT ["tidings"]
CMD ["run"]
