#!/bin/sh
# The normalization study in its smallest form: killed in the middle, it goes on with the cells that are missing, and
# its curves are those of an undisturbed study. On CIFAR-10 where it is at hand, else on the digits.
# shellcheck source=tests/scenario/lib.sh
. "$(dirname "$0")/lib.sh"
if [ -n "${ATOLL_DATA:-}" ]; then set=cifar10; else set=digits; fi
study() { "$bin/atoll" experiment fl-normalization --tier smoke --set $set --out study; }

# What it would do, before it does it.
"$bin/atoll" experiment fl-normalization --tier smoke --set $set --dry-run --out dry >plan.txt 2>dry.log || { cat dry.log; fail "the dry run"; }
grep -qE '^[0-9]+ tuning runs and [0-9]+ runs, about ' plan.txt || fail "no sum of the plan"
[ "$(grep -cE '^(tune|run ) ' plan.txt)" = "$(sed -n 's/^\([0-9]*\) tuning runs and \([0-9]*\) runs.*/\1 + \2/p' plan.txt | xargs expr)" ] ||
  fail "the plan lists other runs than it counts"
[ ! -e dry ] || fail "a dry run left something"

start first.log "$bin/atoll" experiment fl-normalization --tier smoke --set $set --out study
until_true 200 sh -c 'ls study/cells/*.json'
kill -9 "$started"
study >text.txt 2>second.log || { cat second.log; fail "the study did not go on"; }
grep -q 'going on with study/plan.json' second.log || fail "it began anew"
done_again=$(grep -c '^\[' second.log)
cells=$(find study/cells -name '*.json' | wc -l)
[ "$done_again" -lt "$cells" ] || fail "$done_again of $cells cells were run again"
for file in runs curve ecs bn contrib norms rounds tuning map; do
  [ "$(wc -l <study/$file.csv)" -gt 1 ] || [ $file = map ] || fail "$file.csv is empty"
done
grep -q '^D2 ' text.txt || fail "no verdict on D2"
grep -q 'report   study/report.html' text.txt || fail "the text does not name its page"
grep -q '<svg' study/report.html || fail "no page with curves"

# A cell that is run again says the same.
cp study/curve.csv before.csv
rm "$(find study/cells -name '*-s1-*.json' | sort | head -n 1)"
study >again.txt 2>third.log || fail "the study did not go on for a single cell"
[ "$(grep -c '^\[' third.log)" = 1 ] || fail "more than the missing cell was run"
cmp before.csv study/curve.csv || fail "the same cell gave another curve"
echo "$set: $cells cells, $done_again of them after the kill"
