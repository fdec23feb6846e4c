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
# ask PATH [HEADER: VALUE]...: the status and the body, with the server's own certificate checked
ask() {
  path=$1; shift
  python3 - "$port" "$path" "$@" <<'PY'
import http.client, ssl, sys
context = ssl.create_default_context(cafile="server/identity/authority.pem")
connection = http.client.HTTPSConnection("localhost", int(sys.argv[1]), context=context, timeout=20)
connection.request("GET", sys.argv[2], headers=dict(h.split(": ", 1) for h in sys.argv[3:]))
answer = connection.getresponse()
print(answer.status, answer.getheader("Set-Cookie", ""), answer.read().decode())
PY
}
with_token() { ask "$1" "Authorization: Bearer $token"; }
committed() { grep -q '"event":"round","round":2,' server/run/metrics.jsonl; }
until_true 60 committed

for path in / /page.js /metrics /healthz /api/v1/status /api/v1/events; do
  ask "$path" | grep -q '^401 ' || fail "$path without the token: $(ask "$path")"
  with_token "$path" | grep -q '^200 ' || fail "$path with the token: $(with_token "$path")"
  ask "$path" "Authorization: Bearer $token" "Origin: https://evil.example" | grep -q '^403 ' || fail "$path for another site"
done
ask /api/v1/status "Authorization: Bearer wrong" | grep -q '^401 ' || fail "a wrong token was good"
told() { grep -q '"event":"refused".*"reason":"bad_token".*the status page' server/audit.jsonl; }
until_true 5 told
# A browser shows the token once, and keeps a cookie.
ask "/?token=$token" >cookie.txt
grep -q '^303 atoll_watch=.*HttpOnly.*SameSite=Strict.*Secure' cookie.txt || fail "no cookie: $(cat cookie.txt)"
ask /api/v1/status "Cookie: $(sed 's/^303 \(atoll_watch=[^;]*\).*/\1/' cookie.txt | head -n 1)" | grep -q '^200 ' || fail "the cookie is not good"
with_token /identity/authority.key | grep -q '^404 ' || fail "the authority's key is served"
with_token /metrics | sed '1s/^200 *//' >metrics.txt
if python3 -c 'import prometheus_client' 2>/dev/null; then
  python3 -c 'import sys; from prometheus_client.parser import text_string_to_metric_families as parse; assert len(list(parse(sys.stdin.read()))) > 20' <metrics.txt || fail "Prometheus' own reader does not take /metrics"
fi
if command -v promtool >/dev/null; then promtool check metrics <metrics.txt || fail "promtool found fault"; fi

kill -TERM "$server"
wait "$server" || { tail -n 20 server.log; fail "the server ended with an error"; }
[ ! -e server/watch ] || fail "server/watch is still there"
# The number of rounds that /metrics told was one that had been committed by then.
round=$(sed -n 's/^atoll_round //p' metrics.txt)
grep -q "\"event\":\"round\",\"round\":$round," server/run/metrics.jsonl || fail "round $round was told, but never committed"
