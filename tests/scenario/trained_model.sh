#!/bin/sh
# After the training: a run's model is exported with a card that tells where it comes from, an independent reader finds it as
# said, and `atoll predict` gives what the run's own evaluation gave.
# shellcheck source=tests/scenario/lib.sh
. "$(dirname "$0")/lib.sh"
atoll="$bin/atoll" server="$bin/atoll-server"
rehearse 8
accuracy=$(field accuracy whole.json)

"$server" export whole >exported.txt || fail "the export failed: $(cat exported.txt)"
[ "$(cd quickstart-round-8 && echo *)" = "README.md card.json model.safetensors" ] || fail "the export holds other files"
expect 2 'is there already' "$server" export whole
"$server" export whole --out other >/dev/null
expect 3 'holds no run' "$server" export shares
cmp quickstart-round-8/model.safetensors other/model.safetensors || fail "two exports of one round differ"
cat >reader.py <<'PY'
import hashlib, json, struct, sys
folder, run, accuracy = sys.argv[1], json.load(open(sys.argv[2])), float(sys.argv[3])
data = open(folder + "/model.safetensors", "rb").read()
(length,) = struct.unpack("<Q", data[:8])
header = json.loads(data[8:8 + length])
said, tensors, body = header.pop("__metadata__"), header, data[8 + length:]
assert said["format"] == "pt" and said["atoll.model"] == "mlp" and said["round"] == "8", said
assert set(tensors) >= {"fc1.weight", "norm1.weight", "fc3.bias"}, sorted(tensors)
end = 0
for name, tensor in sorted(tensors.items(), key=lambda item: item[1]["data_offsets"]):
    begin, after = tensor["data_offsets"]
    size = {"F32": 4, "I64": 8}[tensor["dtype"]]
    for extent in tensor["shape"]: size *= extent
    assert begin == end and after - begin == size, name
    end = after
assert end == len(body), (end, len(body))
card = json.load(open(folder + "/card.json"))
assert hashlib.sha256(body).hexdigest() == run["model_sha256"] == card["model"]["data_sha256"]
assert hashlib.sha256(card["config"].encode()).hexdigest() == card["config_sha256"] == said["atoll.config_sha256"]
assert card["evaluation"]["accuracy"] == accuracy and card["evaluation"]["examples"] == 359, card["evaluation"]
assert [(p["client"], p["rounds"]) for p in card["participants"]] == [(f"client-{i}", 8) for i in range(1, 5)]
assert sum(p["examples"] for p in card["participants"]) == 1438
assert card["data"]["data"]["set"] == "digits" and len(card["data"]["partition"]["sha256"]) == 64, card["data"]
PY
python3 reader.py quickstart-round-8 whole.json "$accuracy" || fail "the card or the model says something else"
grep -q '| client-3 | 8 |' quickstart-round-8/README.md || fail "the page names no participants"

# The same answers as the run's evaluation, in three forms, from the export and from the checkpoint.
"$atoll" predict quickstart-round-8 --data digits --json >predicted.json
[ "$(sed -n 's/.*"accuracy":\([0-9.]*\).*/\1/p' predicted.json)" = "$accuracy" ] || fail "predict has another accuracy than the run"
"$atoll" predict whole/checkpoints/round-000008.safetensors --data digits --csv >predicted.csv
"$atoll" predict quickstart-round-8 --data digits >predicted.txt
grep -q "^accuracy $(printf '%.4f' "$accuracy"): .* of 359 labelled" predicted.txt || fail "the table ends otherwise: $(tail -n 1 predicted.txt)"
python3 - <<'PY' || fail "the three forms differ"
import csv, json
rows = list(csv.DictReader(open("predicted.csv")))
answers = json.load(open("predicted.json"))["predictions"]
assert len(rows) == len(answers) == 359
for row, answer in zip(rows, answers):
    numbers = [float(v) for k, v in row.items() if k.startswith("p:")]
    assert row["class"] == answer["class"] and len(numbers) == 10
    assert abs(sum(numbers) - 1) < 1e-5 and max(range(10), key=numbers.__getitem__) == int(row["class"])
    assert all(abs(a - b) < 1e-6 for a, b in zip(numbers, answer["probabilities"]))
PY

# A table of one's own: rows with and without the label's column get the same answers.
python3 - <<'PY'
import random
random.seed(4)
with open("mine.csv", "w") as mine, open("new.csv", "w") as new, open("bare.csv", "w") as bare:
    mine.write("size,colour,sort\n"); new.write("size,colour,sort\n"); bare.write("size,colour\n")
    for i in range(300):
        sort = random.choice(["pear", "plum"])
        size, colour = random.gauss(9 if sort == "pear" else 4, 1), random.choice(["green", "yellow"] if sort == "pear" else ["blue", "yellow"])
        if i < 250: mine.write(f"{size:.3f},{colour},{sort}\n")
        else: new.write(f"{size:.3f},{colour},{sort}\n"); bare.write(f"{size:.3f},{colour}\n")
PY
cat >fruit.toml <<'TOML'
name = "fruit"
rounds = 5
[model]
name = "linear"
[data]
format = "csv"
train = "mine.csv"
label = "sort"
[partition]
clients = 2
[selection]
min_clients = 2
TOML
"$atoll" simulate fruit.toml --out fruit --json >fruit.json 2>log.txt || { cat log.txt; fail "the fruit"; }
"$server" export fruit --out fruit-model >/dev/null
"$atoll" predict fruit-model new.csv --data fruit.toml --csv | cut -d, -f3,5- >labelled.txt
"$atoll" predict fruit-model bare.csv --data fruit.toml --csv | cut -d, -f3,5- >unlabelled.txt
cmp labelled.txt unlabelled.txt || fail "the label's column changes the answers"
[ "$(grep -c '^pear,\|^plum,' labelled.txt)" = 50 ] || fail "not every row has an answer"
"$atoll" predict fruit-model new.csv --data fruit.toml | tail -n 1 | grep -q '^accuracy 0.9\|^accuracy 1' || fail "the model has not learnt"

# What does not fit.
printf 'size,sort\n1,pear\n' >narrow.csv
expect 4 'names its columns otherwise|columns, but' "$atoll" predict fruit-model narrow.csv --data fruit.toml
expect 11 'holds other tensors than the model linear' "$atoll" predict fruit-model --data digits
expect 3 'is a table, and the model.s data are of another kind' "$atoll" predict quickstart-round-8 bare.csv --data digits
expect 5 'nowhere' "$atoll" predict nowhere --data digits
cp whole/checkpoints/round-000008.safetensors alone.safetensors
expect 11 'does not say which model it is' "$atoll" predict alone.safetensors --data digits

# A damaged newest checkpoint: the one before is exported. None whole: an error, and nothing is made.
printf '\377\376\375\374' | dd of=whole/checkpoints/round-000008.safetensors bs=1 seek=100000 conv=notrunc 2>/dev/null
"$server" export whole --out before | grep -q '^round *7' || fail "not the checkpoint before"
printf '\377\376\375\374' | dd of=whole/checkpoints/round-000007.safetensors bs=1 seek=100000 conv=notrunc 2>/dev/null
expect 11 'no whole checkpoint' "$server" export whole --out nothing
[ -z "$(find . -maxdepth 1 -name 'nothing*')" ] || fail "a failed export left something"
