#!/bin/sh
# The doctor, before servers and clients that are well and that are not: it says what a start would run into, with the exit
# code that the start would end with, and what it prints to type helps.
# shellcheck source=tests/scenario/lib.sh
. "$(dirname "$0")/lib.sh"
digits
atoll="$bin/atoll"
says() { expect "$1" "$2" "$atoll" doctor alice; }

expect 0 '0 problems' "$atoll" doctor
expect 2 'is not there' "$atoll" doctor nowhere
expect 2 'neither a server' "$atoll" doctor .
ATOLL_DATA=$here/nowhere expect 4 'ATOLL_DATA names' "$atoll" doctor
expect 3 'did you mean "rounds"' "$atoll" doctor "$(printf 'round = 3\n' >typo.toml && echo typo.toml)"
expect 0 'mlp, 20 rounds, 4 clients' "$atoll" doctor "$root/experiments/quickstart.toml"

"$bin/atoll-server" init server --listen 127.0.0.1:0 >/dev/null
sed -i 's/^min_clients = 1/min_clients = 9/; s/^client_days = 365 /client_days = 0.00012 /' server/server.toml
expect 0 '127.0.0.1:0 is free' "$atoll" doctor server
start server.log "$bin/atoll-server" run server
server=$started
until_true 10 test -e server/address
address=$(cat server/address)
sed -i "s/^address = \"127.0.0.1:0\"/address = \"$address\"/" server/server.toml
expect 0 "this folder's server is running" "$atoll" doctor server
enrolled() { # NAME: a client's folder, ready to run
  "$bin/atoll-client" enroll "$1" --server "$address" --token "$("$bin/atoll-server" token server "$1" 2>/dev/null)" >/dev/null
  printf 'name = "%s"\nserver = "%s"\n[data]\nset = "digits"\n' "$1" "$address" >"$1/client.toml"
}

# A certificate that ends after ten seconds; then the server makes them for a year again.
enrolled dora
kill -TERM "$server"
wait "$server" || { cat server.log; fail "the server ended with an error"; }
sed -i 's/^client_days = 0.00012 /client_days = 365 /' server/server.toml
start server.log "$bin/atoll-server" run server
server=$started
until_true 10 grep -q 'listening on' server.log
enrolled alice
says 0 "$address answers, and takes this client's certificate"
joined() { grep -q '"event":"joined"' server/audit.jsonl; }
if joined; then fail "the doctor joined the run"; fi
"$atoll" doctor server alice --json >seen.json
python3 - <<'PY' || fail "the JSON"
import json
seen = json.loads(open("seen.json").read())
assert seen["problems"] == 0 and seen["status"] == 0, seen
assert {c["about"] for c in seen["checks"]} == {"", "server", "alice"}, seen
PY

# A key that everybody can read; the command that it prints is the cure.
chmod 644 alice/identity/client.key
says 9 'everybody on this machine can read or change alice/identity/client.key'
sh -ec "$(sed -n 's/^  *next: \(chmod .*\)/\1/p' out.txt | head -n 1)"
says 0 '0 problems'

# Data, device and configuration of a client.
sed -i 's/"digits"/"mnist"/' alice/client.toml
ATOLL_DATA='' ATOLL_CACHE=$here/empty says 4 'next: atoll data get mnist'
sed -i 's/"mnist"/"digits"/; s/^server/serve/' alice/client.toml
says 3 'serve: unknown key'
sed -i 's/^serve /server /' alice/client.toml

# Revoked: the list says so where it is at hand, else the server.
enrolled carol
"$bin/atoll-server" revoke server carol
expect 9 'is on the list server/revoked.txt' "$atoll" doctor server carol
expect 9 'carol: server: .*revoked' "$atoll" doctor carol

# Another federation's client.
"$bin/atoll-server" init elsewhere --listen 127.0.0.1:0 >/dev/null
start elsewhere.log "$bin/atoll-server" run elsewhere
elsewhere=$started
until_true 10 test -e elsewhere/address
cp -r alice eve
sed -i "s/^server = .*/server = \"$(cat elsewhere/address)\"/" eve/client.toml
expect 9 'cannot be trusted' "$atoll" doctor eve
sed -i 's/^server = .*/server = "no-such-host.invalid:7070"/' eve/client.toml
expect 7 'cannot find no-such-host.invalid' "$atoll" doctor eve

# Expired. What it says to type is to run the client, which renews it.
expired() { "$atoll" doctor dora | grep -q 'expired on'; }
until_true 20 expired
expect 9 'next: atoll-client run dora' "$atoll" doctor dora

# Stopped; its port taken by somebody else; its configuration another than that of the run that was begun.
kill -TERM "$server" "$elsewhere"
wait "$server" || { cat server.log; fail "the server ended with an error"; }
says 7 'nobody listens there'
expect 0 "$address is free" "$atoll" doctor server
python3 -c 'import socket, sys, time
s = socket.create_server(("127.0.0.1", int(sys.argv[1])))
print("taken", flush=True)
time.sleep(600)' "${address#*:}" >taken.txt &
children="$children $!"
until_true 10 grep -q taken taken.txt
expect 8 'the port is taken' "$atoll" doctor server/server.toml
says 7 ''
sed -i 's/^address = .*/address = "127.0.0.1:0"/; s/^rounds = 10/rounds = 11/' server/server.toml
expect 3 'holds a run with another configuration' "$atoll" doctor server
