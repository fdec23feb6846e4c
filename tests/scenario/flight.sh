#!/bin/sh
# The flight recorder: SIGUSR1 dumps every session while the run goes on undisturbed, a client that is frozen past its
# deadline is dumped with its last events, and a program that dies leaves a dump.
# shellcheck source=tests/scenario/lib.sh
. "$(dirname "$0")/lib.sh"
dumps() { find "$1/flight" -name "*-$2.jsonl" 2>/dev/null | sort; } # dumps FOLDER CAUSE
has() { [ "$(dumps "$1" "$2" | wc -l)" -ge "${3:-1}" ]; }
tells() { [ -n "$(dumps "$1" "$2" | xargs -r grep -lE "$3")" ]; } # tells FOLDER CAUSE EXPRESSION
past_two() { find server/run/checkpoints -name 'round-*.safetensors' | grep -qE 'round-0*([2-9]|[1-9][0-9]+)\.'; }

federation 150 server '[timeouts]
progress_s = 2.0'
until_true 60 past_two
first=$(echo "$clients" | cut -d' ' -f2)

kill -USR1 "$server" "$first"
until_true 10 has server signal
until_true 10 has client-1 signal
for name in client-1 client-2 client-3 client-4; do
  tells server signal "\"peer\":\"$name\",\"address\":\"127.0.0.1:[0-9]+\",\"dir\":\"in\",\"what\":\"hello\"" || fail "no hello of $name"
done
tells server signal '"peer":"\(run\)","dir":"state","what":"round_opened"' || fail "no round in the server's dump"
tells client-1 signal '"dir":"in","what":"welcome"' || fail "no welcome in the client's dump"

# The run needs all four: its round is void and tried again until the client is back.
kill -STOP "$first"
until_true 20 has server deadline
kill -CONT "$first"
tells server deadline '"peer":"client-1",.*"dir":"state","what":"missed_deadline","round":[0-9]+' || fail "the dump does not say who was late"
tells server deadline '"peer":"client-1",.*"dir":"(in|out)"' || fail "the dump does not tell the client's last events"
if tells server deadline '"peer":"client-2"'; then fail "the dump tells of clients that were not late"; fi
grep -q 'no progress for 2000 ms from client-1; what happened before is in server/flight/' server.log || fail "the log does not say where the dump is"

kill -USR1 "$server"
until_true 10 has server signal 2
ends_as_undisturbed server

start crash.log "$bin/atoll-server" run server
until_true 10 grep -q 'listening on' crash.log
kill -ABRT "$started"
until_true 10 gone "$started"
tells server crash '"dump":"crash","why":"SIGABRT"' || fail "no dump of a server that died"
