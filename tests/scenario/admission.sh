#!/bin/sh
# Who stays in: a client whose certificate is revoked is cut off at once, one whose certificate runs out gets another by
# itself, and the audit log tells it all.
# shellcheck source=tests/scenario/lib.sh
. "$(dirname "$0")/lib.sh"
digits
"$bin/atoll-server" init server --listen 127.0.0.1:0 >/dev/null
sed -i 's/^rounds = 10/rounds = 100000/; s/^min_clients = 1/min_clients = 2/; s/^quorum = 0/quorum = 1/; s/^client_days = 365 /client_days = 0.00012 /' server/server.toml
start server.log "$bin/atoll-server" run server
server=$started
until_true 10 test -e server/address
address=$(cat server/address)
enrolled() { # NAME: a client's folder, ready to run
  "$bin/atoll-client" enroll "$1" --server "$address" --token "$("$bin/atoll-server" token server "$1" 2>/dev/null)" >/dev/null
  printf 'name = "%s"\nserver = "%s"\n[data]\nset = "digits"\n' "$1" "$address" >"$1/client.toml"
}
enrolled alice
enrolled bob
enrolled carol
start alice.log "$bin/atoll-client" run alice
alice=$started
start bob.log "$bin/atoll-client" run bob
bob=$started
until_true 30 grep -q '"event":"round_committed"' server/audit.jsonl

# In the middle of the run: within five seconds alice is out, and told so; bob is not.
"$bin/atoll-server" revoke server alice
until_true 5 gone "$alice"
status=0; wait "$alice" || status=$?
if [ $status -ne 9 ] || ! grep -q "revoked" alice.log; then
  cat alice.log
  fail "alice ended with $status"
fi
grep -q '"event":"revoked","client":"alice"' server/audit.jsonl || fail "the revocation is not in the audit log"
grep -q '"event":"refused","client":"alice".*"reason":"revoked"' server/audit.jsonl || fail "the cut is not in the audit log"
if gone "$bob"; then cat bob.log; fail "bob was put out with alice"; fi

# Certificates are good for ten seconds here. Bob gets a second one and a third while he trains; carol, who was away until
# hers had ended, gets one when she comes.
renewals() { [ "$(grep -c "\"event\":\"renewed\",\"client\":\"$1\"" server/audit.jsonl)" -ge "$2" ]; }
until_true 40 renewals bob 2
start carol.log "$bin/atoll-client" run carol
until_true 20 grep -q '"event":"joined","client":"carol"' server/audit.jsonl
renewals carol 1 || fail "carol came in with a certificate that had ended"
kill -TERM "$server"
wait "$server" || { cat server.log; fail "the server ended with an error"; }
expect 0 "every one as it was written" "$bin/atoll-server" audit server --verify
sed -i '2s/"seq":2/"seq":3/' server/audit.jsonl
expect 5 "audit.jsonl:2: " "$bin/atoll-server" audit server --verify
