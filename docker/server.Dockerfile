# The aggregation server, without LibTorch: docker build -f docker/server.Dockerfile -t atoll-server .   (docs/docker.md)
#   BASE      Debian 12 or Ubuntu 24.04, to build in and to run on
#   PROGRAMS  compiled: from this folder; prebuilt: what docker/collect.sh put into build/docker/server
ARG BASE=debian:bookworm-slim
ARG PROGRAMS=compiled

FROM ${BASE} AS compiled
RUN apt-get update && DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends \
    build-essential cmake ninja-build pkgconf libasio-dev libssl-dev protobuf-compiler libprotobuf-dev libtomlplusplus-dev \
    libcli11-dev libspdlog-dev nlohmann-json3-dev zlib1g-dev liblzma-dev libpng-dev libturbojpeg0-dev libsqlite3-dev libxxhash-dev libcpp-httplib-dev libjs-chart.js
WORKDIR /src
COPY . .
RUN cmake --preset release -DATOLL_WITH_TORCH=OFF -DATOLL_TESTS=OFF && ninja -C build/release atoll-server && \
    sh docker/collect.sh /programs build/release/bin/atoll-server

FROM scratch AS prebuilt
COPY build/docker/server /programs

FROM ${PROGRAMS} AS programs

FROM ${BASE}
RUN --mount=type=bind,from=programs,source=/programs,target=/programs \
    apt-get update && DEBIAN_FRONTEND=noninteractive xargs apt-get install -y --no-install-recommends </programs/packages && \
    rm -rf /var/lib/apt/lists/* /var/cache/apt/*.bin /var/log/apt /var/log/dpkg.log && \
    install -m 755 /programs/bin/* /usr/local/bin/ && \
    useradd --uid 10001 --no-create-home --home-dir /var/lib/atoll --shell /usr/sbin/nologin atoll && \
    install -d -o atoll -g atoll -m 700 /var/lib/atoll /tokens
COPY --chmod=755 docker/server-entrypoint.sh /usr/local/bin/server-entrypoint
USER atoll
WORKDIR /var/lib/atoll
VOLUME /var/lib/atoll
EXPOSE 7070 7071
HEALTHCHECK --interval=5s --timeout=6s --start-period=10s --retries=3 CMD ["atoll-server", "health", "fed"]
# It ends with 0 once what it writes is written.
STOPSIGNAL SIGTERM
ENTRYPOINT ["server-entrypoint"]
CMD ["run"]
