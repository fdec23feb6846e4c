#!/bin/sh
# An operator's signals: a reload holds at once and all of it or nothing, a drained server has finished its round, a stopped one
# goes on, and through all of that the model is the undisturbed one.
# shellcheck source=tests/scenario/lib.sh
. "$(dirname "$0")/lib.sh"
federation 200 fed
committed() { grep -c '"event":"round_committed"' fed/audit.jsonl || true; }
at_least() { [ "$(committed)" -ge "$1" ]; }
again() { # LOG: the server, where it was
  start "$1" "$bin/atoll-server" run fed
  server=$started
}
until_true 30 at_least 2

# Reload: a mistake and another run change nothing, and say why; what may change does.
kill -HUP "$server"
until_true 5 grep -q "reloaded" server.log
cp fed/server.toml good.toml
sed -i 's/^learning_rate = .*/learning_rate = 7.5/' fed/server.toml
printf '\n[admission]\nallow = ["nobody"]\n' >>fed/server.toml
kill -HUP "$server"
until_true 5 grep -q "not reloaded.*another run.*learning_rate: 0.1 -> 7.5" server.log
cp good.toml fed/server.toml
printf '\n[admission]\nalow = ["nobody"]\n' >>fed/server.toml
kill -HUP "$server"
until_true 5 grep -q "not reloaded.*alow" server.log
cp good.toml fed/server.toml
printf '\n[admission]\nallow = ["client-*"]\n' >>fed/server.toml
kill -HUP "$server"
until_true 5 grep -q 'allow: everybody -> client-\*' server.log
grep -q '"event":"reloaded".*allow: everybody' fed/audit.jsonl || fail "the reload is not in the audit log"
"$bin/atoll-client" enroll stranger --server "$address" --token "$("$bin/atoll-server" token fed stranger 2>/dev/null)" >out.txt 2>&1 &&
  fail "a stranger was let in after the reload"
before=$(committed)
until_true 20 at_least $((before + 2))

# Drain: it ends by itself, with 0, and nothing of a round is left over.
kill -USR2 "$server"
wait "$server" || { tail -n 5 server.log; fail "the drained server ended with an error"; }
grep -q "draining: " server.log || fail "it does not say that it drains"
[ -e fed/address ] && fail "it left its address behind"
"$bin/atoll-server" status fed >status.json
grep -q '"state": "draining"' status.json || fail "the status does not say that it was drained"
rounds=$(committed)
[ "$rounds" -lt 200 ] || fail "the run was over before it was drained"
again server-2.log
until_true 40 at_least $((rounds + 2))
grep -q "was interrupted" server-2.log && fail "a drained server left a round open"

# Stop, in the middle of whatever it does; then to the end.
kill -TERM "$server"
wait "$server" || { tail -n 5 server-2.log; fail "the stopped server ended with an error"; }
again server-3.log
ends_as_undisturbed fed
