#!/bin/sh
# kill -9 the server in the middle of a run: started again it goes on, nobody submits anything anew, and the model is the
# one of the undisturbed run.
# shellcheck source=tests/scenario/lib.sh
. "$(dirname "$0")/lib.sh"
digits
# Long enough that the server is surely killed on the way.
sed 's/^rounds = 20/rounds = 150/' "$root/experiments/quickstart.toml" >long.toml
"$bin/atoll" simulate long.toml --data digits --json --out whole >whole.json 2>/dev/null
"$bin/atoll" data partition digits --scheme dirichlet --alpha 0.5 --clients 4 --seed 1 --out shares >/dev/null

"$bin/atoll-server" init server --listen 127.0.0.1:0 >/dev/null
cp long.toml server/server.toml
printf '\n[listen]\naddress = "127.0.0.1:0"\n' >>server/server.toml
start server1.log "$bin/atoll-server" run server
server=$started
until_true 10 test -e server/address
address=$(cat server/address)
# The second server must come back where the clients look for it.
sed -i "s/127.0.0.1:0/$address/" server/server.toml
clients=""
for name in client-1 client-2 client-3 client-4; do
  "$bin/atoll-client" enroll $name --server "$address" --token "$("$bin/atoll-server" token server $name 2>/dev/null)" >/dev/null
  cat >$name/client.toml <<TOML
name = "$name"
server = "$address"
[data]
set = "digits"
train_indices = "../shares/$name.train.indices"
test_indices = "../shares/$name.test.indices"
TOML
  start $name.log "$bin/atoll-client" run $name
  clients="$clients $started"
done
# Older checkpoints are pruned, so any from round 5 on will do.
past_five() { find server/run/checkpoints -name 'round-*.safetensors' | grep -qE 'round-0*([5-9]|[1-9][0-9]+)\.'; }
until_true 60 past_five
kill -9 "$server"
until_true 10 gone "$server"
[ ! -e server/run/checkpoints/round-000150.safetensors ] || fail "the run was over before the server was killed"
start server2.log "$bin/atoll-server" run server
for pid in $clients; do wait "$pid" || { tail -n 5 client-*.log; fail "a client ended with an error"; }; done
wait "$started" || { cat server2.log; fail "the second server ended with an error"; }
"$bin/atoll-server" status server >status.json
found=$(sed -n 's/.*"model_sha256": "\(.*\)".*/\1/p' status.json)
[ "$found" = "$(field model_sha256 whole.json)" ] || fail "the model is $found, not that of the undisturbed run"
