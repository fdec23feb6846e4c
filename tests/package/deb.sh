#!/bin/sh
# The Debian packages of server and client, in a bare Debian with a systemd of its own: they install, their units are sound and
# shut in, a federation of the packaged server, a packaged client and three clients who live outside trains to the end with the
# simulation's model although both are killed, an upgrade loses nothing, and what is removed is gone.
#   deb.sh BIN PACKAGE-FOLDER ROOT-FOLDER
# The bare root is made from the distribution's packages and kept in ROOT-FOLDER for a week.
mkdir -p "$3"
made() { find "$(cd "$packages" && pwd)" -maxdepth 1 -name "$1_*.deb"; }
packages=$2
server_package=$(made atoll-server) client_package=$(made atoll-client)
kept=$(cd "$3" && pwd)/root
# shellcheck source=tests/scenario/lib.sh
. "$(dirname "$0")/../scenario/lib.sh"
state=/var/lib/atoll-server
client_state=/var/lib/atoll-client
if [ -z "$server_package" ] || [ -z "$client_package" ]; then fail "there are not two packages in $2"; fi
well() { "$@" >out.txt 2>&1 || { cat out.txt; fail "$*"; }; }
note() { echo "$(date +%T) $*"; }

machine=""
leave() {
  status=$?
  set +e
  [ $status -eq 0 ] || inside journalctl --no-pager -n 60 -u atoll-server -u 'atoll-client@*' 2>/dev/null
  [ -z "$machine" ] || { kill "$machine"; wait "$machine"; }
  umount -R new 2>/dev/null
  (exit $status)
  finish
}
trap leave EXIT

# --- A bare machine: what debootstrap makes and systemd. Each test writes to a layer of its own.
[ -z "$(find "$kept.ready" -mtime +7 2>/dev/null)" ] || rm -rf "$kept" "$kept.ready"
[ -e "$kept.ready" ] || {
  note "making a bare root"
  release=$(sed -n 's/^VERSION_CODENAME=//p' /etc/os-release)
  components=main
  ! grep -q '^ID=ubuntu' /etc/os-release || components=main,universe
  rm -rf "$kept"
  debootstrap --variant=minbase --components=$components --include=systemd,systemd-sysv,dbus "$release" "$kept" >bootstrap.log 2>&1 ||
    { tail bootstrap.log; fail "debootstrap"; }
  : >"$kept.ready"
}
mkdir upper work new
mount -t overlay overlay -o "lowerdir=$kept,upperdir=$here/upper,workdir=$here/work" new
cp -L /etc/resolv.conf new/etc/resolv.conf
in_root() { chroot new env DEBIAN_FRONTEND=noninteractive LC_ALL=C "$@"; }
# What is there, but for what the package manager and the clock write.
files() {
  (cd new && find . -xdev \( -path ./var/lib/dpkg -o -path ./var/lib/apt -o -path ./var/cache -o -path ./var/log -o -path ./tmp -o -path ./root \
    -o -path ./run -o -path ./proc -o -path ./sys -o -path ./dev -o -path ./var/lib/systemd -o -path ./var/tmp \) -prune -o -print) | sort
}

note "installing"
in_root apt-get update -qq >apt.log 2>&1 || { cat apt.log; fail "apt-get update"; }
# Its needs stay when it goes: they are somebody else's.
# shellcheck disable=SC2046
in_root apt-get install -y -qq --no-install-recommends $(for package in "$server_package" "$client_package"; do dpkg-deb -f "$package" Depends; echo; done |
  tr ',|' '[\n*]' | sed 's/ *(.*//' | sort -u) passwd util-linux >apt.log 2>&1 || { tail apt.log; fail "the packages' needs"; }
files >before.txt
cp "$server_package" new/root/server.deb
cp "$client_package" new/root/client.deb
in_root apt-get install -y -qq /root/server.deb /root/client.deb >apt.log 2>&1 || { tail apt.log; fail "apt-get install"; }
for next in 'systemctl enable --now atoll-server' 'atoll-client-enroll NAME'; do
  grep -q "$next" apt.log || { cat apt.log; fail "it does not say what to do next: $next"; }
done
for package in "$server_package" "$client_package"; do
  note "$(basename "$package"): $(du -k "$package" | cut -f1) KB, installed $(dpkg-deb -f "$package" Installed-Size) KB"
  program=$(dpkg-deb -f "$package" Package)
  expect 0 "^.TH ATOLL" in_root sh -c "gzip -dc /usr/share/man/man1/$program.1.gz"
done
well in_root test -e /usr/lib/systemd/system/atoll-server.service
well in_root grep -q 'From PyTorch' /usr/share/doc/atoll-client/libtorch/LICENSE
well in_root test -s /usr/share/doc/atoll-client/libtorch/NOTICE
expect 0 "PATH.*\[[$]ORIGIN/../lib/atoll\]\$" readelf -d new/usr/bin/atoll-client
# shellcheck disable=SC2016 # the root's bash expands it
expect 0 "ok" in_root bash -c '. /usr/share/bash-completion/completions/atoll-client && COMP_WORDS=(atoll-client enr) COMP_CWORD=1 &&
  _atoll_client && [ "${COMPREPLY[*]}" = enroll ] && echo ok'
# shellcheck disable=SC2016 # the root's bash expands it
expect 0 "ok" in_root bash -c '. /usr/share/bash-completion/completions/atoll-server && COMP_WORDS=(atoll-server tok) COMP_CWORD=1 &&
  _atoll_server && [ "${COMPREPLY[*]}" = token ] && COMP_WORDS=(atoll-server token --m) COMP_CWORD=2 && _atoll_server &&
  [ "${COMPREPLY[*]}" = --minutes ] && echo ok'
[ "$(stat -c '%U %a' "new$state/identity/authority.key" | tr -d ' ')" = "$(stat -c %U "new$state" | tr -d ' ')600" ] ||
  fail "the authority's key is not the server's alone: $(stat -c '%U %a' "new$state/identity/authority.key")"

note "starting the machine"
start boot.log systemd-nspawn --quiet --directory=new --boot --register=no --keep-unit --machine="atoll-$$"
machine=$started
first=""
leader() { first=$(pgrep -P "$machine" | head -n 1); [ -n "$first" ]; }
until_true 30 leader
inside() { nsenter --target "$first" --mount --uts --ipc --net --pid --cgroup --root --wd -- "$@"; }
booted() { case $(inside systemctl is-system-running) in running|degraded) true ;; *) false ;; esac; }
until_true 60 booted

for unit in atoll-server atoll-client@client-4; do
  well inside systemd-analyze verify --man=no "$unit.service"
  [ ! -s out.txt ] || { cat out.txt; fail "systemd-analyze verify has something to say"; }
  expect 0 "Overall exposure" inside systemd-analyze security --no-pager --threshold=30 "$unit.service"
  note "$(grep 'Overall exposure' out.txt)"
done

expect 0 " resnet18" inside atoll-client models

note "a federation of four clients, three of whom live outside"
rehearse 300
{ cat long.toml; printf '\n[listen]\naddress = "127.0.0.1:0"\n'; } >new/etc/atoll/server.toml
well inside systemctl enable --now atoll-server
address=$(inside cat $state/address)
sed -i "s/127.0.0.1:0/$address/" new/etc/atoll/server.toml
[ "$(inside systemctl show -P StatusText atoll-server)" = "listening on $address" ] || fail "it does not say where it listens"
token() { inside setpriv --reuid atoll --regid atoll --clear-groups atoll-server token $state "$@"; }
elsewhere=1 join_clients 4 token
expect 2 'atoll-client-enroll NAME --server' inside atoll-client-enroll client-4
expect 2 'is not a name' inside atoll-client-enroll ../client-4 --server "$address" --token x
expect 0 'systemctl enable --now atoll-client@client-4' inside atoll-client-enroll client-4 --server "$address" --token "$(token client-4 2>/dev/null)"
[ "$(stat -c '%U %a' "new$client_state/client-4/identity/client.key")" = "$(stat -c %U "new$client_state") 600" ] ||
  fail "the client's key is not the client's alone"
mkdir new/srv/island
cp shares/client-4.*.indices "$("$bin/atoll" data get digits --json 2>/dev/null | sed -n 's/.*"folder": *"\([^"]*\)".*/\1/p')"/* new/srv/island
chmod -R a+rX new/srv/island
cat >new/etc/atoll/clients/client-4.toml <<TOML
name = "client-4"
server = "$address"
[data]
set = "digits"
folder = "/srv/island"
train_indices = "/srv/island/client-4.train.indices"
test_indices = "/srv/island/client-4.test.indices"
TOML
well inside systemctl enable --now atoll-client@client-4
[ "$(inside systemctl show -P ActiveState atoll-client@client-4)" = active ] || fail "the packaged client is not active"
reached() { [ "$(inside atoll-server status $state | sed -n 's/.*"round": \([0-9]*\),.*/\1/p' | head -n 1)" -ge "$1" ]; }
until_true 60 reached 3

units="atoll-server atoll-client@client-4"
main_pid() { inside systemctl show -P MainPID "$1"; }
# remember: which processes these are; back: others are in their places
remember() { for unit in $units; do main_pid "$unit"; done >pids; }
back() {
  for unit in $units; do
    pid=$(main_pid "$unit")
    if [ "$pid" = 0 ] || grep -qx "$pid" pids || ! inside systemctl is-active --quiet "$unit"; then return 1; fi
  done
}
note "killed, both"
remember
for unit in $units; do inside systemctl kill --kill-whom=main --signal=KILL "$unit"; done
until_true 30 back
until_true 60 reached 6

note "upgraded while they run"
remember
well inside env DEBIAN_FRONTEND=noninteractive dpkg -i /root/server.deb /root/client.deb
until_true 30 back
clients_end_well
over() { for unit in $units; do [ "$(inside systemctl show -P SubState "$unit")" = dead ] || return 1; done; }
until_true 30 over
for unit in $units; do
  [ "$(inside systemctl show -P Result "$unit")" = success ] || fail "$unit ended with an error"
done
inside atoll-server status $state >status.json
is_undisturbed status.json
expect 0 "every one as it was written" inside atoll-server audit $state --verify

note "removed"
well inside env DEBIAN_FRONTEND=noninteractive apt-get remove -y -qq atoll-server atoll-client
expect 4 "could not be found" inside systemctl status atoll-server
[ -e new/etc/atoll/clients/client-4.toml ] || fail "a client's configuration is gone before it is purged"
expect 0 "local tensors stay in $client_state" inside env DEBIAN_FRONTEND=noninteractive apt-get purge -y -qq atoll-client
[ -e "new$client_state/client-4/identity/client.key" ] || fail "the client's data are gone"
[ -e "new/etc/atoll/server.toml" ] || fail "the configuration is gone before it is purged"
expect 0 "keys stay in $state" inside env DEBIAN_FRONTEND=noninteractive apt-get purge -y -qq atoll-server
[ -e "new$state/run/status.json" ] || fail "the run is gone"
[ -e "new$state/identity/authority.key" ] || fail "the authority is gone"
files | grep -vE "^\.($state|$client_state|/srv/island)" | comm -13 before.txt - | grep -vE '^\./etc/(passwd|group|shadow|gshadow|subuid|subgid)-?$' >left.txt || true
grep -vE '^\./(etc/(machine-id|hostname|\.updated|mtab|ld.so.cache)|var/\.updated|root|var/lib/(dbus|private|polkit-1).*)$' left.txt >residue.txt || true
[ ! -s residue.txt ] || { cat residue.txt; fail "that is left behind"; }
note "both installed, killed, upgraded, removed: the model is the undisturbed run's"
