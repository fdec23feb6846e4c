#!/bin/sh
# How many commands, and how long, from a machine that has only the repository to: a federation, a secured run of two machines, a
# table of one's own and a model of one's own trained. The commands are those of the pages, typed as they stand there; places,
# host names and tokens are filled in. docs/first-minutes.md has the figures and those of others.
# shellcheck source=tests/scenario/lib.sh
. "$(dirname "$0")/../scenario/lib.sh"
block() { # block FILE TAG: the commands of the page's block of this tag, comments and empty lines cut off
  awk -v tag="$2" '/^```/ && substr($0, 7) == tag {inside = 1; next} /^```/ {inside = 0} inside' "$root/$1" | sed 's/ *#.*//; /^$/d'
}
now() { date +%s.%N; }
since() { awk -v a="$1" -v b="$(now)" 'BEGIN {printf "%.1f", b - a}'; }
typed=0
# type_in COMMAND: as a person would, in the folder where this script is
type_in() {
  typed=$((typed + 1))
  # The repository is elsewhere: its front door and what a command takes from it are found by their paths.
  eval "$(printf '%s\n' "$1" | sed "s#^\./atoll#$root/atoll#; s# \(build/release\|examples/[a-z_]*\)# $root/\1#g")" >>typed.log 2>&1 || {
    tail -n 20 typed.log
    fail "$1"
  }
}
rows=""
row() { # row PATH EDITS SINCE MOST-COMMANDS
  [ "$typed" -le "$4" ] || fail "$1 takes $typed commands; docs/first-minutes.md says $4"
  rows="$rows$(printf '%-44s %9d %6d %8s s' "$1" "$typed" "$2" "$(since "$3")")
"
  typed=0
}

begun=$(now)
type_in "$(grep -m 1 '^\./atoll demo' "$root/README.md" | sed 's/ *#.*//')"
grep -qi "accuracy" typed.log || fail "the demo says no accuracy"
row "a federation of five processes" 0 "$begun" 1

# The programs are called by their names, so they are on the path; ./atoll build, typed once on each machine, is what made them.
PATH="$bin:$PATH"
block README.md "two-machines server" | sed 's/server\.example/127.0.0.1/' >server.txt
block README.md "two-machines client" >client.txt
begun=$(now)
type_in "./atoll build"
type_in "./atoll build"
type_in "$(sed -n 1p server.txt)"
# Port, pace and rounds are for this test; a person would leave what init wrote.
sed -i 's/^poll_s = 15.0/poll_s = 0.5/; s/^address = .*/address = "127.0.0.1:0"/; s/^rounds = 10/rounds = 2/' fed/server.toml
typed=$((typed + 1))
token=$(sh -ec "$(sed -n 2p server.txt)" 2>/dev/null)
typed=$((typed + 1))
start server.log sh -ec "exec $(sed -n 3p server.txt)"
server=$started
until_true 10 test -e fed/address
type_in "$(sed -n 1p client.txt | sed "s/server\.example:7070/$(cat fed/address)/; s/TOKEN/$token/")"
printf 'name = "hospital-a"\nserver = "%s"\n[data]\nset = "digits"\n' "$(cat fed/address)" >hospital-a/client.toml
type_in "$(sed -n 2p client.txt)"
wait "$server" || { cat server.log; fail "the server ended with an error"; }
row "a secured run of two machines" 1 "$begun" 7

# A table of real digits with a row of names, as somebody might bring it.
digits
cached=$(ATOLL_DATA='' atoll data get digits --json 2>/dev/null | sed -n 's/.*"folder": *"\([^"]*\)".*/\1/p')
{
  seq -s , 64 | sed 's/$/,digit/'
  gunzip -c "$cached/digits.csv.gz"
} >table.csv
block docs/own_data.md own-csv-project >csv.txt
begun=$(now)
type_in "$(sed -n 1p csv.txt)"
type_in "$(sed -n 2p csv.txt)"
sed -i 's/^label = .*/label = "digit"/; s/^classes = .*/classes = ["0", "1", "2", "3", "4", "5", "6", "7", "8", "9"]/' mine/run.toml
type_in "$(sed -n 3p csv.txt)"
row "a table of one's own" 1 "$begun" 3

HOME=$here
block docs/own_model.md own-model-project >model.txt
begun=$(now)
rm -rf mine
while IFS= read -r command <&3; do type_in "$command"; done 3<model.txt
row "a model of one's own" 0 "$begun" 7

printf '%-44s %9s %6s %10s\n%s' "" commands edits time "$rows"
