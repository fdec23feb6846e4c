#!/bin/sh
# Networks written in Python (examples/torchscript) train without C++: a built-in model's twin ends with its bits, one of its
# own trains over mutual TLS with its values as a start, and a client with another file is turned away.
#   torchscript.sh BIN PYTHON: a Python that has torch
python=$2
# shellcheck source=tests/scenario/lib.sh
. "$(dirname "$0")/../scenario/lib.sh"
export PYTHONDONTWRITEBYTECODE=1
digits

# The twin, in one process.
"$python" "$root/models/script/export_torchscript.py" "$root/examples/torchscript/networks.py:mlp" --input 1,8,8 --head fc3 --out mlp.pt >exported.txt
grep -q 'fc3.weight head_weight' exported.txt || fail "the head has no role: $(cat exported.txt)"
sed 's/^rounds = 20/rounds = 5/; s/^norm = "ln"/norm = "none"/' "$root/experiments/quickstart.toml" >built_in.toml
sed 's/^name = "mlp"/name = "torchscript"/' built_in.toml >twin.toml
printf '\n[simulate]\ntorchscript = "mlp.pt"\n' >>twin.toml
for run in built_in twin; do "$bin/atoll" simulate $run.toml --data digits --out $run --json >$run.json 2>log.txt || { cat log.txt; fail "$run"; }; done
[ "$(field model_sha256 twin.json)" = "$(field model_sha256 built_in.json)" ] || fail "the twin is another model"
echo "twin of mlp: accuracy $(field accuracy twin.json), the same bits"

# A network of its own, begun with its own values, by real processes.
"$python" "$root/models/script/export_torchscript.py" "$root/examples/torchscript/networks.py:small" --input 1,8,8 --head 8 --out small.pt \
  --initial small.safetensors >exported.txt
"$bin/atoll" inspect small.safetensors >inspected.txt || fail "the first model cannot be read: $(cat inspected.txt)"
grep -q '1.running_var .*norm_var' inspected.txt || fail "roles are missing in the first model"
"$bin/atoll-server" init server --listen 127.0.0.1:0 >/dev/null
sed 's/^rounds = 20/rounds = 12/; s/^name = "mlp"/name = "torchscript"\ninitial = "..\/small.safetensors"/; s/^norm = "ln"/norm = "none"/' \
  "$root/experiments/quickstart.toml" >server/server.toml
printf '\n[listen]\naddress = "127.0.0.1:0"\n' >>server/server.toml
start server.log "$bin/atoll-server" run server
server=$started
until_true 10 test -e server/address
address=$(cat server/address)
token() { "$bin/atoll-server" token server "$1" 2>/dev/null; }
client() { # NAME FILE: a client's folder, with its own network
  [ -e "$1" ] || "$bin/atoll-client" enroll "$1" --server "$address" --token "$(token "$1")" >/dev/null
  printf 'name = "%s"\nserver = "%s"\n[data]\nset = "digits"\ntrain_indices = "../shares/%s.train.indices"\ntest_indices = "../shares/%s.test.indices"\n[model]\ntorchscript = "%s"\n' \
    "$1" "$address" "$1" "$1" "$2" >"$1/client.toml"
}
"$bin/atoll" data partition digits --scheme dirichlet --alpha 0.5 --clients 4 --seed 1 --out shares >/dev/null

# What a client may have got wrong, each with its message and exit code.
client client-1 ../nowhere.pt
expect 5 'nowhere.pt' "$bin/atoll-client" run client-1
echo 'import torch' >text.pt
client client-1 ../text.pt
expect 11 'no TorchScript file' "$bin/atoll-client" run client-1
"$python" -c 'import sys; sys.path.insert(0, "'"$root"'/examples/torchscript"); import torch, networks; torch.save(networks.small().state_dict(), "state.pt")'
client client-1 ../state.pt
expect 11 'no TorchScript file' "$bin/atoll-client" run client-1
client client-1 ../mlp.pt
expect 11 "the client's model is not the run's" "$bin/atoll-client" run client-1
sed -i '/^\[model\]/,$d' client-1/client.toml
expect 3 'none is named on this machine' "$bin/atoll-client" run client-1
grep -q 'torchscript = "net.pt" under \[model\] in client.toml' out.txt || fail "no word of what to write: $(cat out.txt)"

clients=""
for name in client-1 client-2 client-3 client-4; do
  client $name ../small.pt
  start $name.log "$bin/atoll-client" run $name
  clients="$clients $started"
done
clients_end_well
wait "$server" || { tail -n 20 server.log; fail "the server ended with an error"; }
accuracy=$(sed -n 's/.*"event":"evaluation".*"accuracy":\([0-9.]*\).*/\1/p' server/run/metrics.jsonl | tail -n 1)
awk "BEGIN {exit !($accuracy >= 0.9)}" || fail "a network of its own: accuracy $accuracy is below 0.9"
echo "a network of its own: accuracy $accuracy"

# PyTorch reads the exported model, and gives the answers that `atoll predict` gives.
"$bin/atoll-server" export server --out model >/dev/null
"$bin/atoll" predict model --data client-1/client.toml --csv >predicted.csv
cached=$(ATOLL_DATA='' "$bin/atoll" data get digits --json 2>/dev/null | sed -n 's/.*"folder": *"\([^"]*\)".*/\1/p')
"$python" - "$root/examples/torchscript" "$cached/digits.csv.gz" "$accuracy" <<'PY' || fail "PyTorch gives other answers"
import csv, gzip, sys
import torch
from safetensors.torch import load_file
sys.path.insert(0, sys.argv[1])
import networks
net = networks.small()
net.load_state_dict(load_file("model/model.safetensors"))  # strict: the very names of the state dict
table = torch.tensor([[float(cell) for cell in line.split(",")] for line in gzip.open(sys.argv[2], "rt")])
images = (table[:, :64] * 255 / 16 + 0.5).floor().div(255).reshape(-1, 1, 8, 8)
test = torch.arange(len(table)) % 5 == 4
train = images[~test]
images = (images[test] - train.mean()) / train.std(unbiased=False)
with torch.no_grad():
    ours = torch.softmax(net.eval()(images), 1)
rows = list(csv.DictReader(open("predicted.csv")))
theirs = torch.tensor([[float(v) for k, v in row.items() if k.startswith("p:")] for row in rows])
assert theirs.shape == ours.shape, (theirs.shape, ours.shape)
difference = (ours - theirs).abs().max().item()
accuracy = (ours.argmax(1) == table[test][:, 64]).float().mean().item()
print(f"PyTorch {torch.__version__}: probabilities differ by {difference:.1e} at most, accuracy {accuracy:.4f}")
assert difference < 2e-3 and abs(accuracy - float(sys.argv[3])) < 0.003
PY
