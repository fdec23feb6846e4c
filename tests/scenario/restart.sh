#!/bin/sh
# kill -9 the server in the middle of a run: started again it goes on, nobody submits anything anew, and the model is the
# one of the undisturbed run.
# shellcheck source=tests/scenario/lib.sh
. "$(dirname "$0")/lib.sh"
federation 150 server # long enough that the server is surely killed on the way
# Older checkpoints are pruned, so any from round 5 on will do.
past_five() { find server/run/checkpoints -name 'round-*.safetensors' | grep -qE 'round-0*([5-9]|[1-9][0-9]+)\.'; }
until_true 60 past_five
kill -9 "$server"
until_true 10 gone "$server"
[ ! -e server/run/checkpoints/round-000150.safetensors ] || fail "the run was over before the server was killed"
start server2.log "$bin/atoll-server" run server
server=$started
ends_as_undisturbed server
