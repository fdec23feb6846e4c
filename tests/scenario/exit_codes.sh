#!/bin/sh
# Every row of docs/exit-codes.md, brought about with the real programs, and what they print to type next: it is there, and where
# it is the cure it is typed. What cannot be had here (a mount, LibTorch, a GPU's absence) is said and passed over.
# shellcheck source=tests/scenario/lib.sh
. "$(dirname "$0")/lib.sh"
digits
PATH="$bin:$PATH"
covered=""
quick="$root/experiments/quickstart.toml"
trains() { ! atoll --version | grep -q 'without LibTorch'; }

# next_is_there: the command on the "next:" line of out.txt exists, with its verb; words for a person may hold none.
next_is_there() {
  line=$(sed -n 's/^ *next: *//p' out.txt | head -n 1)
  [ -n "$line" ] || { cat out.txt; fail "nothing is said to type next"; }
  printf '%s\n' "$line" | grep -oE '(\./)?atoll(-server|-client)? [a-z-]+' | while read -r program verb; do
    case $program in ./*) [ -x "$root/atoll" ] || exit 1 ;; *) "$program" "$verb" --help >/dev/null || exit 1 ;; esac
  done || fail "no such command: $line"
  word=${line%% *}
  case $word in
    atoll*|./atoll|*[!a-z]*) ;;
    df|ss|ls|chmod|free|timedatectl) command -v "$word" >/dev/null || fail "no such command: $line" ;;
  esac
}
# row CODE TEXT COMMAND...: it ends so, says so, and what it says to type is there
row() {
  expect "$@"
  covered="$covered $1 "
  [ "$1" -le 1 ] || [ "$1" = 14 ] || [ "$1" = 2 ] || next_is_there
}
typed() { sh -ec "$(sed -n 's/^ *next: *//p' out.txt | head -n 1)" >typed.txt 2>&1 || { cat typed.txt; fail "the command said does not work"; }; }

# A server of TLS with the real server's keys, which says GARBAGE (hexadecimal; "" nothing) to whoever comes.
"$bin/atoll-server" init server --listen 127.0.0.1:0 >/dev/null
sed -i 's/^min_clients = 1/min_clients = 9/' server/server.toml
impostor() { # LOG GARBAGE
  start "$1" python3 -c 'import socket, ssl, sys, threading
context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.minimum_version = ssl.TLSVersion.TLSv1_3
context.load_cert_chain("server/identity/server.pem", "server/identity/server.key")
listener = socket.create_server(("127.0.0.1", 0))
print("port", listener.getsockname()[1], flush=True)
def serve(link):
    try:
        link = context.wrap_socket(link, server_side=True)
        link.sendall(bytes.fromhex(sys.argv[1]))
        while link.recv(4096): pass
    except OSError: pass
while True: threading.Thread(target=serve, args=(listener.accept()[0],), daemon=True).start()' "$2"
  until_true 10 grep -q '^port ' "$1"
  port=$(sed -n 's/^port //p' "$1")
}
token() { "$bin/atoll-server" token server "$1" 2>/dev/null; }

# 13, which takes three times 15 s, goes on beside the others.
impostor silent.log ""
start deadline.log atoll-client enroll late --server "127.0.0.1:$port" --token "$(token late)"
deadline=$started

row 0 'atoll' atoll --version
row 2 '' atoll no-such-verb
row 2 'holds no earlier export|is not there|required|--help' atoll report
row 3 'server.toml' atoll-server check nowhere
row 4 'digits' atoll data verify digits --folder "$here"
typed
row 5 'there is no folder' atoll report nowhere
row 7 'nobody listens there' atoll-client enroll far --server 127.0.0.1:1 --token "$(token far)"
row 9 'not an enrolment token' atoll-client enroll thief --server 127.0.0.1:1 --token abc
impostor garbage.log "$(printf 'ff%.0s' $(seq 64))"
row 10 '' atoll-client enroll garbled --server "127.0.0.1:$port" --token "$(token garbled)"
head -c 100 /dev/urandom >damaged.safetensors
row 11 'not a valid safetensors file' atoll inspect damaged.safetensors

# A bar is missed where control messages weigh as much as the model.
row 1 'a bar is missed' atoll bench wire --model 10KB --repeats 1

start server.log atoll-server run server
server=$started
until_true 10 test -e server/address
address=$(cat server/address)
atoll-server init second --listen "$address" >/dev/null
row 8 'the port is taken' atoll-server run second
atoll-client enroll alice --server "$address" --token "$(token alice)" >/dev/null
printf 'name = "alice"\nserver = "%s"\n[data]\nset = "digits"\n' "$address" >alice/client.toml
cp -r alice empty
: >none.indices
printf 'train_indices = "../none.indices"\ntest_indices = "../none.indices"\n' >>empty/client.toml
row 12 'refused' atoll-client run empty
start alice.log atoll-client run alice
until_true 20 grep -q '"event":"joined","client":"alice"' server/audit.jsonl
kill -TERM "$started"
status=0; wait "$started" || status=$?
[ "$status" = 14 ] || { cat alice.log; fail "a client that is told to stop ended with $status"; }
covered="$covered 14 "
kill -TERM "$server"
wait "$server" || { cat server.log; fail "a server that is told to stop ends with 0"; }

if trains; then
  printf '[compute]\ndevice = "cuda:99"\n' >>alice/client.toml
  row 15 'cuda:99' atoll-client run alice
  sed 's/^learning_rate = .*/learning_rate = 1e30/' "$quick" >wild.toml
  row 16 'not finite' atoll simulate wild.toml --data digits --out wild
  # A child of the demo that dies is nothing that the demo is prepared for.
  ATOLL_FAULT=commit=kill expect 70 'ended with status' atoll demo --data digits
  covered="$covered 70 "
else
  row 15 'needs LibTorch' atoll simulate "$quick"
  echo "no LibTorch here: 16 and 70 are not tried"
  covered="$covered 16 70 "
fi

# 6 needs the right to mount.
if [ "$(id -u)" = 0 ] && mkdir small && mount -t tmpfs -o size=1m none small 2>/dev/null; then
  trap 'umount -l "$here/small"; finish' EXIT
  cp -r server/identity server/server.toml small/
  head -c 2000000 /dev/zero >small/ballast 2>/dev/null || true
  row 6 'No space left' atoll-server token small bob
  typed
  rm small/ballast
  expect 0 '' atoll-server token small bob
else
  echo "nothing can be mounted here: 6 is not tried"
  covered="$covered 6 "
fi

status=0; wait "$deadline" || status=$?
[ "$status" = 13 ] || { cat deadline.log; fail "a silent server: $status"; }
covered="$covered 13 "

# The page and this script have the same rows.
sed -n 's/^| \([0-9][0-9]*\) |.*/\1/p' "$root/docs/exit-codes.md" >rows.txt
[ "$(wc -l <rows.txt)" -ge 18 ] || fail "docs/exit-codes.md has too few rows"
while read -r code; do
  case $covered in *" $code "*) ;; *) fail "exit code $code of docs/exit-codes.md is not brought about" ;; esac
done <rows.txt
