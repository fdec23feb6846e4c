#!/bin/sh
# The server's disk fills up in the middle of a run: the run pauses and says so; when there is space again it goes on, and
# the model is the one of the undisturbed run.
# shellcheck source=tests/scenario/lib.sh
. "$(dirname "$0")/lib.sh"
mkdir disk
if ! mount -t tmpfs -o size=16m tmpfs disk 2>/dev/null; then
  echo "no small disk can be mounted here: not tried"
  exit 0
fi
trap 'umount -l "$here/disk"; finish' EXIT
digits
sed 's/^rounds = 20/rounds = 60/' "$root/experiments/quickstart.toml" >long.toml
"$bin/atoll" simulate long.toml --data digits --json --out whole >whole.json 2>/dev/null
"$bin/atoll" data partition digits --scheme dirichlet --alpha 0.5 --clients 4 --seed 1 --out shares >/dev/null
"$bin/atoll-server" init disk/server --listen 127.0.0.1:0 >/dev/null
cp long.toml disk/server/server.toml
printf '\n[listen]\naddress = "127.0.0.1:0"\n' >>disk/server/server.toml
start server.log "$bin/atoll-server" run disk/server
server=$started
until_true 10 test -e disk/server/address
address=$(cat disk/server/address)
clients=""
for name in client-1 client-2 client-3 client-4; do
  "$bin/atoll-client" enroll $name --server "$address" --token "$("$bin/atoll-server" token disk/server $name 2>/dev/null)" >/dev/null
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
until_true 60 grep -q 'round 3 closed' server.log
dd if=/dev/zero of=disk/ballast bs=64k >/dev/null 2>&1 || true
until_true 30 grep -q 'paused: ' server.log
grep -q 'No space left\|full' server.log || fail "the pause does not say why"
! gone "$server" || fail "the server ended"
sleep 2
rm disk/ballast
until_true 30 grep -q 'there is space again' server.log
for pid in $clients; do wait "$pid" || { tail -n 5 client-*.log; fail "a client ended with an error"; }; done
wait "$server" || { tail -n 20 server.log; fail "the server ended with an error"; }
"$bin/atoll-server" status disk/server >status.json
found=$(sed -n 's/.*"model_sha256": "\(.*\)".*/\1/p' status.json)
[ "$found" = "$(field model_sha256 whole.json)" ] || fail "the model is $found, not that of the undisturbed run"
