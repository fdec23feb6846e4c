#!/bin/sh
# fedbn: every client has its own normalization. kill -9 the server and two clients in the middle of the run: they have
# their own tensors back when they are started again, and the model is the one of the undisturbed run.
# shellcheck source=tests/scenario/lib.sh
. "$(dirname "$0")/lib.sh"
mkdir experiments
sed 's/^norm = .*/norm = "bn"/' "$root/experiments/quickstart.toml" >experiments/quickstart.toml
printf '\n[aggregation]\npolicy = "fedbn"\n' >>experiments/quickstart.toml
grep -q '^norm = "bn"' experiments/quickstart.toml || fail "the quickstart names its norm no more"
root=$here
federation 120 server # long enough that they are surely killed on the way

# kill_one N: the Nth client, and starts it again
kill_one() {
  # shellcheck disable=SC2086
  set -- "$1" $clients
  which=$1; shift "$which"
  kill -9 "$1"
  until_true 10 gone "$1"
  start "client-$which-again.log" "$bin/atoll-client" run "client-$which"
  clients=$(echo "$clients" | sed "s/\<$1\>/$started/")
}
past() { find server/run/checkpoints -name 'round-*.safetensors' | sed 's/.*round-0*\([0-9]*\)\..*/\1/' | awk "\$1 >= $1 {found = 1} END {exit !found}"; }
until_true 60 past 5
kill_one 2
until_true 60 past 20
kill -9 "$server"
kill_one 3
until_true 10 gone "$server"
[ ! -e server/run/checkpoints/round-000120.safetensors ] || fail "the run was over before the server was killed"
start server2.log "$bin/atoll-server" run server
server=$started
ends_as_undisturbed server

# The headers differ in whose run the tensors are of: in one process it was another run.
tensors_of() { grep -ao '"data_sha256": *"[0-9a-f]*"' "$1/round-000120.safetensors"; }
same_tensors() { [ -n "$(tensors_of "$1")" ] && [ "$(tensors_of "$1")" = "$(tensors_of "$2")" ]; }

# Two rounds are kept at each client; the clients' norms differ, and those in one process were the same.
for name in client-1 client-2 client-3 client-4; do
  [ "$(find $name/local -name 'round-*.safetensors' | wc -l)" = 2 ] || fail "$name does not keep two rounds"
  same_tensors $name/local whole/local/$name || fail "$name has other tensors"
done
! same_tensors client-1/local client-2/local || fail "the clients' norms are equal"
