#!/bin/sh
# A run is watched: its numbers agree with what it writes, from elsewhere only with the token, and never for another site.
# shellcheck source=tests/scenario/lib.sh
. "$(dirname "$0")/lib.sh"
federation 200 server '[watch]
address = "0.0.0.0:0"'
until_true 10 test -e server/watch
port=$(sed 's/.*:\([0-9]*\)\/$/\1/' server/watch)
grep -q '^https://0.0.0.0:' server/watch || fail "not over HTTPS: $(cat server/watch)"
token=$(cat server/identity/watch.token)
[ "$(stat -c %a server/identity/watch.token)" = 600 ] || fail "others may read the token"
# ask STATUS PATH [HEADER: VALUE]...: with the server's own certificate checked; leaves answer.txt, and the cookie in cookie.txt
ask() {
  python3 - "$port" "$@" <<'PY' || fail "GET $2"
import http.client, ssl, sys
port, status, path, *headers = sys.argv[1:]
context = ssl.create_default_context(cafile="server/identity/authority.pem")
connection = http.client.HTTPSConnection("localhost", int(port), context=context, timeout=20)
connection.request("GET", path, headers=dict(h.split(": ", 1) for h in headers))
answer = connection.getresponse()
open("cookie.txt", "w").write(answer.getheader("Set-Cookie", ""))
open("answer.txt", "w").write(answer.read().decode())
if answer.status != int(status):
    sys.exit(f"{path} {headers}: {answer.status}, not {status}")
PY
}
shown="Authorization: Bearer $token"
committed() { grep -q '"event":"round","round":2,' server/run/metrics.jsonl; }
until_true 60 committed
expect 0 '"state":"running"' "$bin/atoll-server" health server
for path in / /page.js /metrics /healthz /api/v1/status /api/v1/events; do
  ask 401 "$path"
  ask 200 "$path" "$shown"
  ask 403 "$path" "$shown" "Origin: https://evil.example"
done
ask 401 /api/v1/status "Authorization: Bearer wrong"
told() { grep -q '"event":"refused".*"reason":"bad_token".*the status page' server/audit.jsonl; }
until_true 5 told
# A browser shows the token once, and keeps a cookie.
ask 303 "/?token=$token"
grep -q '^atoll_watch=.*HttpOnly.*SameSite=Strict.*Secure' cookie.txt || fail "no cookie: $(cat cookie.txt)"
ask 200 /api/v1/status "Cookie: $(sed 's/;.*//' cookie.txt)"
ask 404 /identity/authority.key "$shown"
ask 200 /metrics "$shown"
mv answer.txt metrics.txt
# The distribution's Python has the distribution's packages.
if /usr/bin/python3 -c 'import prometheus_client' 2>/dev/null; then
  /usr/bin/python3 -c 'import sys; from prometheus_client.parser import text_string_to_metric_families as parse; assert len(list(parse(sys.stdin.read()))) > 20' <metrics.txt ||
    fail "Prometheus' own reader does not take /metrics"
fi
if command -v promtool >/dev/null; then promtool check metrics <metrics.txt || fail "promtool found fault"; fi

kill -TERM "$server"
wait "$server" || { tail -n 20 server.log; fail "the server ended with an error"; }
[ ! -e server/watch ] || fail "server/watch is still there"
expect 7 'serves its health' "$bin/atoll-server" health server
# The number of rounds that /metrics told was one that had been committed by then.
round=$(sed -n 's/^atoll_round //p' metrics.txt)
grep -q "\"event\":\"round\",\"round\":$round," server/run/metrics.jsonl || fail "round $round was told, but never committed"
