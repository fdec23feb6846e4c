# A client, and the workbench `atoll`: docker build -f docker/client.Dockerfile -t atoll-client .   (docs/docker.md)
#   BASE        Debian 12 or Ubuntu 24.04, to run on
#   BUILD_BASE  the same distribution, to build in; for CUDA=ON one with nvcc
#   CUDA        ON: with GPU kernels and NVIDIA's libraries
#   PROGRAMS    compiled: from this folder; prebuilt: what docker/collect.sh put into build/docker/client
#   secret ca   an authority of your own, where HTTPS to the package index is signed anew on its way: --secret id=ca,src=FILE
ARG BASE=debian:bookworm-slim
ARG BUILD_BASE=${BASE}
ARG PROGRAMS=compiled

FROM ${BUILD_BASE} AS compiled
RUN apt-get update && DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends \
    build-essential cmake ninja-build pkgconf libasio-dev libssl-dev protobuf-compiler libprotobuf-dev libtomlplusplus-dev \
    libcli11-dev libspdlog-dev nlohmann-json3-dev zlib1g-dev liblzma-dev libpng-dev libturbojpeg0-dev libsqlite3-dev libxxhash-dev libcpp-httplib-dev libjs-chart.js \
    python3 python3-pip ca-certificates
WORKDIR /src
COPY cmake cmake
ARG CUDA=OFF
# The wheel's GPU half needs the libraries that it names as its dependencies.
RUN --mount=type=secret,id=ca \
    [ ! -e /run/secrets/ca ] || export PIP_CERT=/run/secrets/ca; mkdir -p .deps; \
    if [ "$CUDA" = ON ]; then python3 -m pip install -q --target /opt/wheels torch==2.11.0 && ln -s /opt/wheels/torch .deps/torch; \
    else python3 cmake/fetch_torch.py cmake/torch.lock .deps/torch; fi
COPY . .
RUN --mount=type=secret,id=ca \
    [ ! -e /run/secrets/ca ] || export PIP_CERT=/run/secrets/ca; \
    cmake --preset release -DATOLL_TESTS=OFF -DATOLL_CUDA=${CUDA} && ninja -C build/release atoll atoll-client && \
    sh docker/collect.sh /programs build/release/bin/atoll build/release/bin/atoll-client && \
    if [ "$CUDA" = ON ]; then cp -n /opt/wheels/nvidia/*/lib/*.so* /programs/lib/; fi && \
    build/release/bin/atoll data get digits --folder /programs/data/digits

FROM scratch AS prebuilt
COPY build/docker/client /programs

FROM ${PROGRAMS} AS programs

FROM ${BASE}
RUN --mount=type=bind,from=programs,source=/programs,target=/programs \
    apt-get update && DEBIAN_FRONTEND=noninteractive xargs apt-get install -y --no-install-recommends </programs/packages && \
    rm -rf /var/lib/apt/lists/* /var/cache/apt/*.bin /var/log/apt /var/log/dpkg.log && \
    install -m 755 /programs/bin/* /usr/local/bin/ && \
    install -d /usr/local/lib/atoll /usr/local/share/atoll && \
    install -m 644 /programs/lib/* /usr/local/lib/atoll/ && cp -r /programs/data /usr/local/share/atoll/ && \
    if [ -d /programs/licenses ]; then cp -r /programs/licenses /usr/local/share/atoll/; fi && \
    chmod -R a+rX /usr/local/share/atoll && echo /usr/local/lib/atoll >/etc/ld.so.conf.d/atoll.conf && ldconfig && \
    useradd --uid 10001 --no-create-home --home-dir /var/lib/atoll --shell /usr/sbin/nologin atoll && \
    install -d -o atoll -g atoll -m 700 /var/lib/atoll /tokens /shares
COPY --chmod=755 docker/client-entrypoint.sh /usr/local/bin/client-entrypoint
ENV ATOLL_DATA=/usr/local/share/atoll/data
USER atoll
WORKDIR /var/lib/atoll
VOLUME /var/lib/atoll
STOPSIGNAL SIGTERM
ENTRYPOINT ["client-entrypoint"]
CMD ["run"]
