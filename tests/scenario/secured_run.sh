#!/bin/sh
# Who gets in: a client with a certificate of this authority, and nobody else.
# shellcheck source=tests/scenario/lib.sh
. "$(dirname "$0")/lib.sh"
digits
"$bin/atoll-server" init server --listen 127.0.0.1:0 >/dev/null
sed -i 's/^rounds = 10/rounds = 3/; s/^min_clients = 1/min_clients = 2/; s/^poll_s = 15.0/poll_s = 0.5/' server/server.toml
start server.log "$bin/atoll-server" run server
server=$started
until_true 10 test -e server/address
address=$(cat server/address)
case $address in 127.0.0.1:*) ;; *) fail "the address is $address" ;; esac

# Enrolment: a token is good once.
token=$("$bin/atoll-server" token server alice 2>/dev/null)
expect 9 "another fingerprint|not the server" "$bin/atoll-client" enroll wrong --server "$address" \
  --token "$(echo "$token" | sed 's/\.[0-9a-f]\{64\}\./.0000000000000000000000000000000000000000000000000000000000000000./')"
expect 0 "enrolled" "$bin/atoll-client" enroll alice --server "$address" --token "$token"
expect 9 "used before" "$bin/atoll-client" enroll thief --server "$address" --token "$token"
expect 2 "holds a client's identity already" "$bin/atoll-client" enroll alice --server "$address" --token "$token"
expect 9 "not an enrolment token" "$bin/atoll-client" enroll thief --server "$address" --token abc
[ "$(stat -c %a alice/identity/client.key)" = 600 ] || fail "the client's key can be read by others"

with_data() { printf 'name = "%s"\nserver = "%s"\n[data]\nset = "digits"\n' "$2" "$address" >"$1/client.toml"; }
with_data alice alice

# A name that is not the certificate's.
cp -r alice mallory
with_data mallory bob
expect 9 'the certificate is for "alice"' "$bin/atoll-client" run mallory

# A certificate of another authority: the server's alert is said in words.
"$bin/atoll-server" init elsewhere --listen 127.0.0.1:0 >/dev/null
start elsewhere.log "$bin/atoll-server" run elsewhere
until_true 10 test -e elsewhere/address
"$bin/atoll-client" enroll eve --server "$(cat elsewhere/address)" --token "$("$bin/atoll-server" token elsewhere eve 2>/dev/null)" >/dev/null
with_data eve eve
expect 9 "cannot be trusted" "$bin/atoll-client" run eve
cp alice/identity/authority.pem eve/identity/authority.pem
expect 9 "does not know the authority|does not accept" "$bin/atoll-client" run eve

# A revoked certificate does not get past the handshake.
"$bin/atoll-client" enroll carol --server "$address" --token "$("$bin/atoll-server" token server carol 2>/dev/null)" >/dev/null
with_data carol carol
"$bin/atoll-server" revoke server carol
expect 9 "revoked" "$bin/atoll-client" run carol

# --insecure must be typed, is logged, and stays on loopback.
"$bin/atoll-server" init open --listen 0.0.0.0:0 >/dev/null
expect 2 "loopback only" "$bin/atoll-server" run open --insecure
"$bin/atoll-server" init local --listen 127.0.0.1:0 >/dev/null
start insecure.log "$bin/atoll-server" run local --insecure
until_true 10 test -e local/address
grep -q -- "--insecure" insecure.log || fail "--insecure is not logged"

# And the run itself, with two clients that are who they say.
"$bin/atoll-client" enroll bob --server "$address" --token "$("$bin/atoll-server" token server bob 2>/dev/null)" >/dev/null
with_data bob bob
start alice.log "$bin/atoll-client" run alice
alice=$started
start bob.log "$bin/atoll-client" run bob
wait "$alice" || { cat alice.log; fail "alice ended with an error"; }
wait "$started" || { cat bob.log; fail "bob ended with an error"; }
wait "$server" || { cat server.log; fail "the server ended with an error"; }
expect 0 '"state": "finished"' "$bin/atoll-server" status server
"$bin/atoll" inspect server/run/checkpoints/round-000003.safetensors >/dev/null
