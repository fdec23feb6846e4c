#!/bin/sh
# One seed gives one final model, byte for byte: with 1, 2 and 4 threads, with clients joining in another order, and with
# real processes over mutual TLS.
# shellcheck source=tests/scenario/lib.sh
. "$(dirname "$0")/lib.sh"
run="$bin/atoll simulate $root/experiments/quickstart.toml --data digits --json"
for threads in 1 2 4; do
  $run --threads $threads --out "threads-$threads" >"t$threads.json" 2>/dev/null
done
$run --threads 2 --shuffle-arrival 7 --out shuffled >shuffled.json 2>/dev/null
"$bin/atoll" demo --data digits --json --out demo >demo.json 2>demo.log || { cat demo.log; fail "the demo failed"; }

expected=$(field model_sha256 t1.json)
[ ${#expected} -eq 64 ] || fail "no hash in $(cat t1.json)"
for one in t2 t4 shuffled demo; do
  found=$(field model_sha256 $one.json)
  [ "$found" = "$expected" ] || fail "$one: the model is $found, not $expected"
done

# Another seed must give another model, else the comparison above would prove nothing.
sed 's/^seed = 1$/seed = 2/' "$root/experiments/quickstart.toml" >other.toml
"$bin/atoll" simulate other.toml --data digits --json --out other >other.json 2>/dev/null
[ "$(field model_sha256 other.json)" != "$expected" ] || fail "another seed gives the same model"

accuracy=$(field accuracy demo.json)
awk "BEGIN {exit !($accuracy >= 0.95)}" || fail "accuracy $accuracy is below 0.95"
echo "five ways, one model: $expected, accuracy $accuracy"
