#!/bin/sh
# Bad input: one clear message (what, why, next), the exit code of docs/exit-codes.md, and earlier results left alone.
# shellcheck source=tests/scenario/lib.sh
. "$(dirname "$0")/lib.sh"
digits
quick="$root/experiments/quickstart.toml"
atoll="$bin/atoll"

# Configuration: file, line, key, and the nearest valid key; several mistakes at once.
sed 's/^learning_rate = 0.1/learning_rat = 0.1/; s/^rounds = 20/rounds = "many"/' "$quick" >typo.toml
expect 3 'typo.toml:[0-9]+: train.learning_rat: unknown key; did you mean "train.learning_rate"' "$atoll" simulate typo.toml
grep -q 'typo.toml:[0-9]*: rounds: must be a whole number, not text' out.txt || fail "the second mistake is not named: $(cat out.txt)"
printf 'rounds = = 3\n' >broken.toml
expect 3 'broken.toml:1' "$atoll" simulate broken.toml
expect 3 'cannot read the configuration nowhere.toml' "$atoll" simulate nowhere.toml
sed 's/^name = "mlp"/name = "mlpp"/' "$quick" >model.toml
expect 3 'unknown model "mlpp"' "$atoll" simulate model.toml --data digits
sed 's/^norm = "ln"/norm = "gn:none"/' "$quick" >norm.toml
expect 3 "needs a number of groups" "$atoll" simulate norm.toml --data digits
expect 2 'FILE|file' "$atoll" simulate
expect 2 '' "$atoll" no-such-verb

# Data: missing, truncated, mislabelled, wrong magic.
expect 2 'fashion_mnis' "$atoll" simulate "$quick" --data fashion_mnis
folder=$(ATOLL_DATA='' "$atoll" data get digits --json 2>/dev/null | sed -n 's/.*"folder": *"\([^"]*\)".*/\1/p')
[ -d "$folder" ] || fail "data get digits --json names no folder"
mkdir cut && head -c 5000 "$folder"/digits.csv.gz >cut/digits.csv.gz
expect 4 'digits' "$atoll" data verify digits --folder cut
idx() { # idx FILE MAGIC-LAST-TWO COUNT BYTES: a small IDX file
  { printf '\000\000\010%b' "$2"; printf '%b' "$3"; head -c "$4" /dev/zero; } >"$1"
}
mkdir wrong
idx wrong/train-images-idx3-ubyte '\003' '\000\000\000\002\000\000\000\004\000\000\000\004' 32
idx wrong/train-labels-idx1-ubyte '\001' '\000\000\000\003' 3
expect 4 '' "$atoll" data verify mnist --folder wrong

# A folder that holds another run is not touched.
"$atoll" simulate "$quick" --data digits --out first --json >first.json 2>/dev/null
before=$(cd first && sha256sum config.toml metrics.jsonl checkpoints/* | sha256sum)
sed 's/^rounds = 20/rounds = 21/' "$quick" >other.toml
expect 3 'another configuration' "$atoll" simulate other.toml --data digits --out first
[ "$(cd first && sha256sum config.toml metrics.jsonl checkpoints/* | sha256sum)" = "$before" ] || fail "earlier results were changed"

# A damaged model.
model=$(field model first.json)
cp "$model" damaged.safetensors
printf '\377\377\377\377' | dd of=damaged.safetensors bs=1 seek=$(($(stat -c %s damaged.safetensors) - 8)) conv=notrunc 2>/dev/null
expect 11 'damaged' "$atoll" inspect damaged.safetensors
head -c 100 "$model" >cut.safetensors
expect 11 '' "$atoll" inspect cut.safetensors

# The server: port taken, a folder that is none, a client with another model.
"$bin/atoll-server" init server --listen 127.0.0.1:0 >/dev/null
sed -i 's/^min_clients = 1/min_clients = 2/' server/server.toml
start server.log "$bin/atoll-server" run server
until_true 10 test -e server/address
address=$(cat server/address)
"$bin/atoll-server" init second --listen "$address" >/dev/null
expect 8 'the port is taken' "$bin/atoll-server" run second
expect 3 'server.toml' "$bin/atoll-server" run nowhere
expect 2 'not a server' "$bin/atoll-server" token nowhere alice
expect 2 "holds a server already" "$bin/atoll-server" init server
expect 2 "not a client's name" "$bin/atoll-server" token server '../alice'
expect 7 'nobody listens|closed' "$bin/atoll-client" enroll late --server 127.0.0.1:1 \
  --token "$("$bin/atoll-server" token server late 2>/dev/null)"

# A full disk: one message, exit code 6, and what was committed before stays. Needs the right to mount.
if [ "$(id -u)" = 0 ] && mkdir small && mount -t tmpfs -o size=3m none small 2>/dev/null; then
  head -c 2800000 /dev/zero >small/ballast
  expect 6 'No space left' "$atoll" simulate "$quick" --data digits --out small/run
  umount small
fi
