#!/bin/sh
# The images and docker/compose.yaml on a real engine: a federation trains to the end with the simulation's model although its
# server is killed, goes on without a client that is killed, stops when it is told to, and takes more or fewer clients.
#   compose.sh BIN BASE-FOLDER
# Where no engine runs, a private one does, which is removed afterwards. The base is made from the distribution's packages and
# kept in BASE-FOLDER for a week. The images take this checkout's programs; ATOLL_DOCKER_COMPILE=1 also builds the server's
# from source, as a user would.
# shellcheck source=tests/scenario/lib.sh
. "$(dirname "$0")/../scenario/lib.sh"
mkdir -p "$2"
kept=$(cd "$2" && pwd)
tag=test-$$
base=atoll-base:$tag
export SERVER_IMAGE=atoll-server:$tag CLIENT_IMAGE=atoll-client:$tag PORT=127.0.0.1: WATCH_PORT=127.0.0.1:
engine=""
project=""
note() { echo "$(date +%T) $*"; }

leave() {
  status=$?
  set +e
  if [ -n "$project" ]; then
    [ $status -eq 0 ] || { compose ps; compose logs --no-color --tail 40; }
    compose down -v
  fi >last.log 2>&1
  [ $status -eq 0 ] || cat last.log
  if [ -n "$engine" ]; then
    kill "$engine"
    limit=600
    while kill -0 "$engine" 2>/dev/null && [ $limit -gt 0 ]; do limit=$((limit - 1)); sleep 0.05; done
    sed -n "s|^[^ ]* \($here/[^ ]*\) .*|\1|p" /proc/mounts | sort -r | while read -r mount; do umount "$mount"; done
    rm -rf "$here/engine"
  else
    "$docker" rmi -f "$SERVER_IMAGE" "$CLIENT_IMAGE" "$base" "atoll-server:$tag-source" >/dev/null 2>&1
  fi
  (exit $status)
  finish
}
trap leave EXIT

# --- The engine, and a client of it that has BuildKit.
answers() { "$docker" version; }
docker=$(command -v docker) || fail "docker is not installed"
if ! answers >/dev/null 2>&1; then
  export DOCKER_HOST="unix://$here/engine/docker.sock"
  mkdir engine
  for options in "" "--storage-driver=vfs"; do
    # shellcheck disable=SC2086
    start engine.log dockerd --data-root "$here/engine/data" --exec-root "$here/engine/exec" --pidfile "$here/engine/pid" \
      --host "$DOCKER_HOST" $options
    engine=$started
    limit=600
    while ! answers >/dev/null 2>&1 && ! gone "$engine" && [ $limit -gt 0 ]; do limit=$((limit - 1)); sleep 0.05; done
    answers >/dev/null 2>&1 && break
    kill "$engine" 2>/dev/null || true
    wait "$engine" || true
  done
  answers >/dev/null 2>&1 || { tail -n 20 engine.log; fail "no engine: dockerd does not start here"; }
fi
export DOCKER_BUILDKIT=1
mkdir nothing
echo "FROM scratch
LABEL nothing=1" >nothing/Dockerfile
found=""
for docker in "$docker" /usr/bin/docker; do
  if "$docker" build -q -t "$base" nothing >/dev/null 2>&1; then found=yes; break; fi
done
[ -n "$found" ] || fail "no docker here can build with BuildKit: apt-get install docker-buildx"
"$docker" rmi "$base" >/dev/null
if "$docker" compose version >/dev/null 2>&1; then compose_command="$docker compose"; else compose_command="docker-compose"; fi
services=$root/docker/compose.yaml
compose() { $compose_command -p "$project" -f "$services" "$@"; }
note "engine: $("$docker" info -f '{{.ServerVersion}}, {{.Driver}}, cgroups {{.CgroupVersion}}'), ${engine:+private, }$compose_command"

# --- The base and the images.
release=$(sed -n 's/^VERSION_CODENAME=//p' /etc/os-release)
tar=$kept/base-$release.tar
if [ -z "$(find "$tar" -mtime -7 2>/dev/null)" ]; then
  components=main
  ! grep -q '^ID=ubuntu' /etc/os-release || components=main,universe
  debootstrap --variant=minbase --components=$components "$release" base >debootstrap.log 2>&1 || { tail debootstrap.log; fail "no base"; }
  rm -rf base/var/cache/apt/archives/*.deb base/var/lib/apt/lists/*
  tar -C base -cf "$tar.part" . && mv "$tar.part" "$tar"
  rm -rf base
fi
"$docker" import "$tar" "$base" >/dev/null
note "base: $release, made with debootstrap"
programs=$root/build/docker
sh "$root/docker/collect.sh" "$programs/server" "$bin/atoll-server"
sh "$root/docker/collect.sh" "$programs/client" "$bin/atoll" "$bin/atoll-client"
ATOLL_DATA="" "$bin/atoll" data get digits --folder "$programs/client/data/digits" >/dev/null
build() { # IMAGE DOCKERFILE [OPTION...]
  image=$1 file=$2; shift 2
  "$docker" build --progress plain -f "$root/docker/$file" -t "$image" --build-arg BASE="$base" "$@" "$root" >"build.log" 2>&1 ||
    { tail -n 30 build.log; fail "the image $image cannot be built"; }
}
size() { "$docker" image inspect -f '{{.Size}}' "$1"; }
over_base() { echo $((($(size "$1") - $(size "$base")) / 1000000)); }
build "$SERVER_IMAGE" server.Dockerfile --build-arg PROGRAMS=prebuilt
build "$CLIENT_IMAGE" client.Dockerfile --build-arg PROGRAMS=prebuilt
note "base $(($(size "$base") / 1000000)) MB; over it: server $(over_base "$SERVER_IMAGE") MB, client $(over_base "$CLIENT_IMAGE") MB"
[ "$(over_base "$SERVER_IMAGE")" -le 120 ] || fail "the server's image is too large"
[ "$(over_base "$CLIENT_IMAGE")" -le 600 ] || fail "the client's image is too large"
inside() { "$docker" run --rm --network none --entrypoint sh "$1" -c "$2"; }
[ -z "$(inside "$SERVER_IMAGE" 'find / -xdev -name "*torch*" -o -xdev -name "libc10*" 2>/dev/null')" ] || fail "LibTorch is in the server's image"
for image in "$SERVER_IMAGE" "$CLIENT_IMAGE"; do
  # shellcheck disable=SC2016
  [ -z "$(inside "$image" 'ldd /usr/local/bin/atoll* | grep "not found"')" ] || fail "$image lacks libraries"
  [ "$(inside "$image" 'id -u')" = 10001 ] || fail "$image runs as root"
done

# --- What the following need.
digits
# run ROUNDS [SED-SCRIPT]: the run's configuration, docker/server.toml changed so
run() { sed "s/^rounds = .*/rounds = $1/; ${2:-}" "$root/docker/server.toml" >run.toml; export RUN="$here/run.toml"; }
up() { compose up -d --no-build "$@" >up.log 2>&1 || { cat up.log; fail "compose up"; }; }
container() { # SERVICE [NUMBER]
  "$docker" ps -aq --filter "label=com.docker.compose.project=$project" --filter "label=com.docker.compose.service=$1" \
    --filter "label=com.docker.compose.container-number=${2:-1}"
}
state() { "$docker" inspect -f "{{.$1}}" "$2"; } # FIELD CONTAINER
on_server() { "$docker" exec "$(container server)" atoll-server "$@"; }
round() { on_server status fed 2>/dev/null | sed -n 's/.*"round": \([0-9]*\),.*/\1/p'; }
past() { now=$(round) && [ "${now:-0}" -ge "$1" ]; }
is() { [ "$(state "$1" "$2")" = "$3" ]; }
afterwards() { compose run --rm --no-deps -T server atoll-server "$@" 2>/dev/null; }
ends_well() { # SERVICE-CONTAINER...: each ends, with 0
  for one in "$@"; do
    until_true 180 is State.Status "$one" exited
    is State.ExitCode "$one" 0 || { "$docker" logs --tail 20 "$one"; fail "$(state Name "$one") ended with $(state State.ExitCode "$one")"; }
  done
}
all() { "$docker" ps -aq --filter "label=com.docker.compose.project=$project"; }
over() { compose down -v >/dev/null 2>&1; }

# No engine here has a GPU: the overlay is only read.
$compose_command -f "$root/docker/compose.yaml" -f "$root/docker/compose.gpu.yaml" config >gpu.yaml || fail "compose.gpu.yaml"
grep -q 'driver: nvidia' gpu.yaml || fail "compose.gpu.yaml asks for no GPU"

# --- Every round with all four, the server killed in between: the engine starts it again, and the model is the simulation's.
project=atoll-$tag-kill
sed 's/^rounds = .*/rounds = 300/' "$root/experiments/quickstart.toml" >whole.toml
"$bin/atoll" simulate whole.toml --data digits --json --out whole >whole.json 2>/dev/null
run 300 's/^min_clients = .*/min_clients = 4/; s/^quorum = .*/quorum = 0/'
begun=$(date +%s)
up
server=$(container server)
until_true 60 past 5
is State.Health.Status "$server" healthy || fail "the server is $(state State.Health.Status "$server")"
kill -9 "$(state State.Pid "$server")"
until_true 60 is RestartCount "$server" 1
# shellcheck disable=SC2046
ends_well $(all)
afterwards status fed >status.json
is_undisturbed status.json
afterwards audit fed >audit.jsonl || fail "the audit log"
[ "$(grep -c '"event":"run_started"' audit.jsonl)" = 2 ] || fail "the server was not started twice"
went_on=$(sed -n 's/.*"event":"run_started".*after round \([0-9]*\).*/\1/p' audit.jsonl | tail -n 1)
case ${went_on:-0} in [0-4] | 300) fail "it went on after round ${went_on:-none}" ;; esac
note "300 rounds in $(($(date +%s) - begun)) s, server killed, went on after round $went_on, the simulation's model: $found"
over

# --- A client is killed and stays away; the server is told to stop; both come back.
project=atoll-$tag-away
run 400 's/^progress_s = .*/progress_s = 5.0/'
up
server=$(container server)
until_true 60 past 5
"$docker" kill "$(container client 2)" >/dev/null
until_true 60 is State.Status "$(container client 2)" exited
killed_at=$(round)
until_true 60 past $((killed_at + 20))
is State.Status "$(container client 2)" exited || fail "the killed client is back"
note "a client killed at round $killed_at, at round $(round) without it"
"$docker" stop -t 60 "$server" >/dev/null
is State.ExitCode "$server" 0 || fail "told to stop, the server ended with $(state State.ExitCode "$server")"
"$docker" start "$server" "$(container client 2)" >/dev/null
# shellcheck disable=SC2046
ends_well $(all)
afterwards audit fed >audit.jsonl
[ "$(grep -c '"event":"enrolled"' audit.jsonl)" = 4 ] || fail "not four enrolments: $(grep -c '"event":"enrolled"' audit.jsonl)"
grep '"event":"run_started"' audit.jsonl | tail -n 1 | grep -qv 'after round 0' || fail "the server began anew"
over

# --- As it lies there, with fewer clients than shares, and with more.
for clients in 3 10; do
  project=atoll-$tag-scale$clients
  run 20
  shares=$((clients > 4 ? clients : 4))
  export CLIENTS=$shares
  up --scale client=$clients
  # shellcheck disable=SC2046
  ends_well $(all)
  [ "$(all | wc -l)" = $((clients + 2)) ] || fail "not $clients clients"
  [ "$(afterwards status fed | grep -c '"name": "client-')" = $clients ] || fail "not all of $clients took part"
  note "$clients clients: the run is complete"
  over
done

# --- A project as `atoll new` makes it: its table, dealt out among three clients, and the simulation's model.
unset CLIENTS RUN
"$bin/atoll" new boxed --data csv >/dev/null
"$bin/atoll" simulate boxed/run.toml --json --out boxed-whole >whole.json 2>/dev/null
project=atoll-$tag-new
services=$here/boxed/compose.yaml
up
# shellcheck disable=SC2046
ends_well $(all)
afterwards status fed >status.json
is_undisturbed status.json
note "a new project in containers: the simulation's model: $found"
over
project=""

if [ -n "${ATOLL_DOCKER_COMPILE:-}" ]; then
  begun=$(date +%s)
  build "atoll-server:$tag-source" server.Dockerfile
  note "from source: server's image in $(($(date +%s) - begun)) s, $(over_base "atoll-server:$tag-source") MB over its base"
fi
