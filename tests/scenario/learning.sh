#!/bin/sh
# The run of McMahan et al. 2017 (experiments/mcmahan2017), shortened: sampled cohorts, an evaluator with the whole test
# set, several local epochs. On MNIST where it is at hand, else on the digits.
# shellcheck source=tests/scenario/lib.sh
. "$(dirname "$0")/lib.sh"
full=$root/experiments/mcmahan2017/mnist_iid_cnn.toml
if [ -n "${ATOLL_DATA:-}" ]; then
  set=mnist least=0.94
  sed 's/^rounds = 40/rounds = 2/; s/^epochs = 5/epochs = 1/' "$full" >short.toml
else
  set=digits least=0.93
  sed 's/^rounds = 40/rounds = 8/; s/^clients = 100/clients = 20/; s/^cohort = 10/cohort = 5/' "$full" >short.toml
fi
"$bin/atoll" simulate short.toml --data $set --out run --json >run.json 2>run.log || { cat run.log; fail "the run failed"; }
accuracy=$(field accuracy run.json)
awk "BEGIN {exit !($accuracy >= $least)}" || fail "$set: accuracy $accuracy is below $least"
grep -q '"clients":5\|"clients":10' run/metrics.jsonl || fail "the cohorts have another size"
echo "$set: accuracy $accuracy"
