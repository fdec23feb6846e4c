#!/bin/sh
# The README's commands are typed as they stand there; only the host's name and the token are filled in, the run is
# shortened and given data.
# shellcheck source=tests/scenario/lib.sh
. "$(dirname "$0")/lib.sh"
digits
PATH="$bin:$PATH"
block() { # block TAG: the lines of the README's ```sh TAG block, comments cut off
  awk -v tag="$1" '$0 == "```sh " tag {inside = 1; next} /^```/ {inside = 0} inside' "$root/README.md" | sed 's/ *#.*//'
}
block "two-machines server" | sed 's/server\.example/127.0.0.1/' >server.txt
block "two-machines client" >client.txt
[ "$(cat server.txt client.txt | grep -c .)" = 5 ] || fail "the README's secured run is not five commands"

sh -ec "$(sed -n 1p server.txt)"
sed -i 's/^rounds = 10/rounds = 2/; s/^poll_s = 15.0/poll_s = 0.5/; s/^address = .*/address = "127.0.0.1:0"/' fed/server.toml
token=$(sh -ec "$(sed -n 2p server.txt)" 2>/dev/null)
start server.log sh -ec "exec $(sed -n 3p server.txt)"
server=$started
until_true 10 test -e fed/address
sh -ec "$(sed -n 1p client.txt | sed "s/server\.example:7070/$(cat fed/address)/; s/TOKEN/$token/")"
printf 'name = "hospital-a"\nserver = "%s"\n[data]\nset = "digits"\n' "$(cat fed/address)" >hospital-a/client.toml
sh -ec "$(sed -n 2p client.txt)" || fail "the client ended with an error"
wait "$server" || { cat server.log; fail "the server ended with an error"; }

# The workbench's verbs.
atoll simulate "$root/experiments/quickstart.toml" --data digits --out run >/dev/null 2>&1
atoll inspect run/checkpoints/round-000020.safetensors | grep -q gamma || fail "inspect shows no roles"
atoll report run --json | grep -q '"report"' || fail "report --json names no page"
atoll data list | grep -q fashion_mnist || fail "data list does not know fashion_mnist"
grep -q '<svg' run/report.html || fail "the report has no chart"
! grep -qE '(src|href)="?https?:' run/report.html || fail "the report loads something from elsewhere"
