#!/bin/sh
# The status page of a real run in a real browser: what it shows is what the run wrote, and it changes while one looks.
#   status_page.sh BIN SCREENSHOTS
# shellcheck source=tests/scenario/lib.sh
. "$(dirname "$0")/../scenario/lib.sh"
pictures=$(mkdir -p "$2" && cd "$2" && pwd)
federation 400 server '[watch]
address = "127.0.0.1:0"'
until_true 10 test -e server/watch
# What has come is kept, nothing more comes: the page has to agree with the file, number by number.
still() { for pid in $clients; do kill -STOP "$pid"; done; }
go_on() { for pid in $clients; do kill -CONT "$pid"; done; }
rounds() { grep -c '"event":"round"' server/run/metrics.jsonl; }
more_than() { [ "$(rounds)" -gt "$1" ]; }
until_true 60 more_than 5
page=$(cat server/watch)
python3 "$root/tests/browser/status_page.py" live "$page" server/run/metrics.jsonl "$pictures"
still
sleep 1 # a round whose updates are all there closes without its clients
python3 "$root/tests/browser/status_page.py" still "$page" server/run/metrics.jsonl "$pictures"
go_on
kill -TERM "$server"
wait "$server" || { tail -n 20 server.log; fail "the server ended with an error"; }
