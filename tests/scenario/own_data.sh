#!/bin/sh
# Data of one's own: the page docs/own_data.md as it stands, on real digits as a table and as PNG files; and `atoll new`, whose
# printed commands are typed.
# shellcheck source=tests/scenario/lib.sh
. "$(dirname "$0")/lib.sh"
digits
PATH="$bin:$PATH"
block() { # block TAG: the lines of the page's block of this tag
  awk -v tag="$1" '/^```/ && $2 == tag {inside = 1; next} /^```/ {inside = 0} inside' "$root/docs/own_data.md"
}
cached=$(ATOLL_DATA='' atoll data get digits --json 2>/dev/null | sed -n 's/.*"folder": *"\([^"]*\)".*/\1/p')
cp "$cached/digits.csv.gz" .

# Every 5th row is for testing, as in the catalogue's set. A PNG writer of Python's own.
python3 - <<'PY'
import gzip, os, struct, zlib
def chunk(kind, data): return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
for number, line in enumerate(gzip.open("digits.csv.gz", "rt")):
    *levels, label = [float(cell) for cell in line.split(",")]
    pixels = bytes(int(level * 255 / 16 + 0.5) for level in levels)
    rows = b"".join(b"\0" + pixels[8 * y:8 * y + 8] for y in range(8))
    folder = f"{'test' if number % 5 == 4 else 'train'}/{int(label)}"
    os.makedirs(folder, exist_ok=True)
    with open(f"{folder}/{number:04}.png", "wb") as file:
        file.write(b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", 8, 8, 8, 0, 0, 0, 0)) +
                   chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b""))
PY
sed '/^\[data\]/,/^fallback/d; s/^rounds = 20/rounds = 10/' "$root/experiments/quickstart.toml" >base.toml
for kind in csv images; do
  { cat base.toml; block own-$kind; } >$kind.toml
  atoll simulate $kind.toml --out $kind-run --json >$kind.json 2>log.txt || { cat log.txt; fail "$kind.toml does not run"; }
  awk "BEGIN {exit !($(field accuracy $kind.json) >= 0.93)}" || fail "$kind: accuracy $(field accuracy $kind.json)"
done
grep -q '"clients":4' images-run/metrics.jsonl || fail "not all clients took part"

# The page's last commands, on the run over images.
cp images.toml run.toml
cp -r images-run run
block own-export >commands.txt
[ "$(grep -c . commands.txt)" = 3 ] || fail "the page has other commands"
sh -ec "$(sed -n 1p commands.txt)" >/dev/null || fail "the page's export"
sh -ec "$(sed -n 2p commands.txt)" | tail -n 1 | grep -q "^accuracy $(printf '%.4f' "$(field accuracy images.json)")" || fail "predict has another accuracy"
sh -ec "$(sed -n 3p commands.txt)" >sevens.csv || fail "the page's predict"
[ "$(wc -l <sevens.csv)" = "$(($(find test/7 -name '*.png' | wc -l) + 1))" ] || fail "not every image has an answer"
[ "$(cut -d, -f3 sevens.csv | grep -c '^7$')" -ge 30 ] || fail "sevens are not seen: $(cut -d, -f3 sevens.csv | sort | uniq -c)"

# What may be wrong, each with the file's name.
expect 4 'mine.png: .*is neither a PNG nor a JPEG' sh -c 'echo text >mine.png; atoll predict model --data run.toml mine.png'
cp train/3/0003.png mine.png
echo note >train/3/notes.txt
expect 4 'train/3/notes.txt is no image' atoll simulate images.toml --out bad
rm train/3/notes.txt
head -c 60 mine.png >train/3/cut.png
expect 4 'train/3/cut.png.*PNG' atoll simulate images.toml --out bad
rm train/3/cut.png
mv train/9 train/nine
expect 4 'train/nine is none of the classes' atoll simulate images.toml --out bad
mv train/nine train/9
sed 's/^size = .*/size = [8]/' images.toml >size.toml
expect 3 'size.toml:[0-9]+: data.size: must be \[HEIGHT, WIDTH\]' atoll simulate size.toml

# A new project: its printed command, then its README's, are typed as they stand.
for kind in csv images; do
  atoll new my-$kind --data $kind >made.txt || fail "atoll new $kind"
  sh -ec "$(sed -n 's/^next: //p' made.txt) --json" >new.json 2>log.txt || { cat log.txt; fail "the next command of $kind"; }
  awk "BEGIN {exit !($(field accuracy new.json) >= 0.85)}" || fail "my-$kind: accuracy $(field accuracy new.json)"
  awk '/^```sh/ {n++; next} /^```/ && n == 1 {exit} n == 1' my-$kind/README.md >readme.txt
  [ "$(grep -c '^atoll' readme.txt)" = 3 ] || fail "the README has other commands: $(cat readme.txt)"
  sh -ec "$(cat readme.txt)" >typed.txt 2>&1 || { cat typed.txt; fail "the README's commands of $kind"; }
  tail -n 1 typed.txt | grep -q '^accuracy ' || fail "no accuracy at the end"
  before=$(find my-$kind -type f -exec sha256sum {} + | sort | sha256sum)
  expect 2 'is there already' atoll new my-$kind --data $kind
  [ "$(find my-$kind -type f -exec sha256sum {} + | sort | sha256sum)" = "$before" ] || fail "atoll new changed a folder"
done
expect 3 'takes images' atoll new other --data csv --model lenet
expect 2 'no-such-set' atoll new other --data no-such-set
expect 2 'must be 1 to 64 letters' atoll new 'no name'
[ ! -e other ] || fail "a refused project left something"

# The project for real: its run file on a server, its client file at a client, over mutual TLS.
atoll-server init my-csv/fed --name 127.0.0.1 >/dev/null
cp my-csv/run.toml my-csv/fed/server.toml
sed -i 's/^min_clients = 3/min_clients = 1/; s/^rounds = 20/rounds = 3/; s/^address = .*/address = "127.0.0.1:0"/' my-csv/fed/server.toml
start server.log atoll-server run my-csv/fed
server=$started
until_true 10 test -e my-csv/fed/address
atoll-client enroll my-csv/client-1 --server "$(cat my-csv/fed/address)" --token "$(atoll-server token my-csv/fed client-1 2>/dev/null)" >/dev/null
sed "s/^server = .*/server = \"$(cat my-csv/fed/address)\"/; s#\"data/#\"../data/#" my-csv/client.toml >my-csv/client-1/client.toml
atoll-client run my-csv/client-1 >client.log 2>&1 || { cat client.log; fail "the project's client"; }
wait "$server" || { cat server.log; fail "the project's server"; }
atoll-server export my-csv/fed --out real-model >/dev/null
atoll predict real-model --data my-csv/run.toml | tail -n 1 | grep -q '^accuracy' || fail "no answers of the real run's model"
