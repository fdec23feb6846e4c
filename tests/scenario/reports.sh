#!/bin/sh
# Real runs side by side: three seeds are one line with their mean, what was set differently is told, figures and tables are
# files that other programs read, and a repeated run is not a second one.
# shellcheck source=tests/scenario/lib.sh
. "$(dirname "$0")/lib.sh"
digits
atoll="$bin/atoll"
run() { # NAME SEED NORM
  sed "s/^seed = .*/seed = $2/; s/^rounds = 20/rounds = 6/; s/^norm = \"ln\"/norm = \"$3\"/" "$root/experiments/quickstart.toml" >"$1.toml"
  "$atoll" simulate "$1.toml" --data digits --out "runs/$1" --json >"$1.json" 2>/dev/null
}
for seed in 1 2 3; do run "ln-$seed" "$seed" ln; done
run none-1 1 none
"$atoll" report runs/* --export files --target 0.5 --json >seen.json
python3 - <<'PY' || fail "the report"
import csv, json, statistics, xml.dom.minidom
seen = json.load(open("seen.json"))
told = {n: json.load(open(n + ".json")) for n in ("ln-1", "ln-2", "ln-3", "none-1")}
for run in seen["runs"]:
    assert run["accuracy"] == told[run["label"]]["accuracy"], run
    assert run["model_sha256"] == told[run["label"]]["model_sha256"], run
groups = {tuple(g["runs"]): g for g in seen["groups"]}
assert set(groups) == {("ln-1", "ln-2", "ln-3"), ("none-1",)}, groups.keys()
seeds = [told[f"ln-{s}"]["accuracy"] for s in (1, 2, 3)]
found = groups[("ln-1", "ln-2", "ln-3")]["accuracy"]
assert abs(found["mean"] - statistics.mean(seeds)) < 1e-12, found
assert abs(found["deviation"] - statistics.stdev(seeds)) < 1e-12, found
assert {"model.norm", "seed"} <= set(seen["differences"]), seen["differences"].keys()
assert "train.learning_rate" not in seen["differences"]
listed = [row["file"] for row in csv.DictReader(open("files/figures.csv"))]
drawn = [name for name in listed if name.endswith(".svg")]
assert len(drawn) == 6, listed
for name in drawn:
    assert xml.dom.minidom.parse("files/" + name).documentElement.tagName == "svg", name
rounds = list(csv.DictReader(open("files/rounds.csv")))
for name, end in told.items():
    last = [row for row in rounds if row["run"] == name][-1]
    assert float(last["accuracy"]) == end["accuracy"] and last["model_sha256"] == end["model_sha256"], last
PY
if grep -qE '(src|href)="?https?:|<script' report.html; then fail "the page loads something"; fi
expect 0 '3 +[0-9.]+ ' "$atoll" report runs/*

# The same run once more: the same bytes, and no mean counts it twice.
cp ln-1.toml again.toml
"$atoll" simulate again.toml --data digits --out runs/again >/dev/null 2>&1
expect 0 'repeats|is a copy of' "$atoll" report runs/*
expect 0 'it counts once' "$atoll" report runs/ln-1 runs/ln-1

# One run, and what is not overwritten.
expect 0 'files +one' "$atoll" report runs/ln-1 --export one
for file in rounds.csv partition.csv clients.csv config.csv update-norm.svg; do [ -s "one/$file" ] || fail "there is no one/$file"; done
echo 'my notes' >report.html
expect 2 'is not a report' "$atoll" report runs/*
expect 2 'is not empty' "$atoll" report runs/ln-1 --export .
[ "$(cat report.html)" = 'my notes' ] || fail "the notes are gone"
expect 5 'is not the folder of a run' "$atoll" report runs/ln-1 runs
