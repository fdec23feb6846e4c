# Sourced by every scenario: a folder of its own, programs that do not outlive it, and what it expects.
# shellcheck shell=sh disable=SC2034
set -eu
bin=$(cd "$1" && pwd)
root=$(cd "$(dirname "$0")/../.." && pwd)
here=$(mktemp -d "${TMPDIR:-/tmp}/atoll-scenario-XXXXXX")
children=""
finish() {
  status=$?
  [ $status -eq 0 ] || gather_flight
  for pid in $children; do kill -9 "$pid" 2>/dev/null || true; done
  if [ $status -eq 0 ]; then rm -rf "$here"; else echo "what it left: $here"; fi
}
# What happened last, of every server and client that still runs and listens for the question: beside their logs.
gather_flight() {
  asked=""
  for pid in $children; do
    # Whether it catches signal 10; any other program would die of it.
    caught=$(sed -n 's/^SigCgt:.*\([0-9a-f]\{3\}\)$/\1/p' "/proc/$pid/status" 2>/dev/null) || caught=0
    [ $((0x${caught:-0} >> 9 & 1)) = 1 ] || continue
    kill -USR1 "$pid" 2>/dev/null && asked="$asked $pid"
    kill -CONT "$pid" 2>/dev/null || true
  done
  for pid in $asked; do
    limit=40
    while [ $limit -gt 0 ] && [ -z "$(find "$here" -name "*-$pid-*-signal.jsonl")" ]; do limit=$((limit - 1)); sleep 0.05; done
  done
  find "$here" -path '*/flight/*.jsonl' | sort | sed 's/^/what happened last: /'
}
trap finish EXIT
cd "$here"

fail() { echo "FAILED: $*"; exit 1; }

# start LOG COMMAND...: in the background; its process is $started
start() {
  log=$1; shift
  "$@" >"$log" 2>&1 &
  started=$!
  children="$children $started"
}

# until_true SECONDS COMMAND...: waits for a condition
until_true() {
  limit=$(($1 * 20)); shift
  while ! "$@" >/dev/null 2>&1; do
    limit=$((limit - 1))
    [ $limit -gt 0 ] || fail "not true in time: $*"
    sleep 0.05
  done
}

# expect CODE TEXT COMMAND...: the command ends with this status and says this (grep -E)
expect() {
  code=$1 text=$2; shift 2
  set +e
  "$@" >out.txt 2>&1
  status=$?
  set -e
  if [ $status -ne "$code" ] || ! grep -qE -- "$text" out.txt; then
    cat out.txt
    fail "expected status $code and \"$text\", got status $status from: $*"
  fi
}

field() { sed -n "s/.*\"$1\":\"\{0,1\}\([^,\"}]*\).*/\1/p" "$2" | tail -n 1; } # field NAME FILE: of a line of JSON
gone() { ! kill -0 "$1" 2>/dev/null; }

digits() { ATOLL_DATA="" "$bin/atoll" data get digits >/dev/null; }

# rehearse ROUNDS: long.toml, the quickstart with so many rounds, and what it comes to on the digits in one process (whole.json)
rehearse() {
  digits
  sed "s/^rounds = 20/rounds = $1/" "$root/experiments/quickstart.toml" >long.toml
  "$bin/atoll" simulate long.toml --data digits --json --out whole >whole.json 2>/dev/null
}

# join_clients COUNT TOKEN-COMMAND...: clients of the server at $address, each with its share of the digits and the token that
# the command prints for its name ($clients); $client is another program than atoll-client, $elsewhere the last ones, which the
# caller starts
join_clients() {
  count=$1; shift
  "$bin/atoll" data partition digits --scheme dirichlet --alpha 0.5 --clients "$count" --seed 1 --out shares >/dev/null
  clients=""
  for number in $(seq "$((count - ${elsewhere:-0}))"); do
    name=client-$number
    "${client:-$bin/atoll-client}" enroll "$name" --server "$address" --token "$("$@" "$name" 2>/dev/null)" >/dev/null
    cat >"$name/client.toml" <<TOML
name = "$name"
server = "$address"
[data]
set = "digits"
train_indices = "../shares/$name.train.indices"
test_indices = "../shares/$name.test.indices"
TOML
    start "$name.log" "${client:-$bin/atoll-client}" run "$name"
    clients="$clients $started"
  done
}

# clients_end_well: all of $clients
clients_end_well() {
  for pid in $clients; do wait "$pid" || { tail -n 5 client-*.log; fail "a client ended with an error"; }; done
}

# is_undisturbed STATUS.json: a server's model is that of whole.json
is_undisturbed() {
  found=$(sed -n 's/.*"model_sha256": "\(.*\)".*/\1/p' "$1")
  [ "$found" = "$(field model_sha256 whole.json)" ] || fail "the model is $found, not that of the undisturbed run"
}

# federation ROUNDS SERVER-FOLDER [TOML]: the quickstart with so many rounds on the digits, once undisturbed in one process
# (whole.json) and once begun with a server ($server, server.log, $address) and four clients ($clients)
federation() {
  rehearse "$1"
  "$bin/atoll-server" init "$2" --listen 127.0.0.1:0 >/dev/null
  cp long.toml "$2/server.toml"
  printf '\n[listen]\naddress = "127.0.0.1:0"\n%s\n' "${3:-}" >>"$2/server.toml"
  start server.log "$bin/atoll-server" run "$2"
  server=$started
  until_true 10 test -e "$2/address"
  address=$(cat "$2/address")
  # A second server must come back where the clients look for it.
  sed -i "/^\[listen\]/,/^address/s/127.0.0.1:0/$address/" "$2/server.toml"
  join_clients 4 "$bin/atoll-server" token "$2"
}

# ends_as_undisturbed SERVER-FOLDER: the federation's processes end well, with the model of the undisturbed run
ends_as_undisturbed() {
  clients_end_well
  wait "$server" || { tail -n 20 server*.log; fail "the server ended with an error"; }
  "$bin/atoll-server" status "$1" >status.json
  is_undisturbed status.json
}
