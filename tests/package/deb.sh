#!/bin/sh
# The Debian package of the server, in a bare Debian with a systemd of its own: it installs, its unit is sound and shut in, a
# federation trains to the end on it with the simulation's model although it is killed, an upgrade loses nothing, and what is
# removed is gone.
#   deb.sh BIN PACKAGE-FOLDER ROOT-FOLDER
# The bare root is made from the distribution's packages and kept in ROOT-FOLDER for a week.
mkdir -p "$3"
package=$(find "$(cd "$2" && pwd)" -maxdepth 1 -name 'atoll-server_*.deb')
kept=$(cd "$3" && pwd)/root
# shellcheck source=tests/scenario/lib.sh
. "$(dirname "$0")/../scenario/lib.sh"
state=/var/lib/atoll-server
[ -n "$package" ] || fail "there is no package in $2"
well() { "$@" >out.txt 2>&1 || { cat out.txt; fail "$*"; }; }
note() { echo "$(date +%T) $*"; }

machine=""
leave() {
  status=$?
  set +e
  [ $status -eq 0 ] || inside journalctl --no-pager -n 40 -u atoll-server 2>/dev/null
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
in_root apt-get install -y -qq --no-install-recommends $(dpkg-deb -f "$package" Depends | tr ',|' '\n\n' | sed 's/ *(.*//') \
  passwd util-linux >apt.log 2>&1 || { tail apt.log; fail "the package's needs"; }
files >before.txt
cp "$package" new/root/server.deb
in_root apt-get install -y -qq /root/server.deb >apt.log 2>&1 || { tail apt.log; fail "apt-get install"; }
grep -q 'systemctl enable --now atoll-server' apt.log || { cat apt.log; fail "it does not say what to do next"; }
note "$(du -k "$package" | cut -f1) KB, installed $(dpkg-deb -f "$package" Installed-Size) KB"
well in_root test -e /usr/lib/systemd/system/atoll-server.service
expect 0 "^.TH ATOLL" in_root sh -c 'gzip -dc /usr/share/man/man1/atoll-server.1.gz'
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

unit=/usr/lib/systemd/system/atoll-server.service
well inside systemd-analyze verify --man=no "$unit"
[ ! -s out.txt ] || { cat out.txt; fail "systemd-analyze verify has something to say"; }
expect 0 "Overall exposure" inside systemd-analyze security --no-pager --threshold=30 atoll-server
note "$(grep 'Overall exposure' out.txt)"

note "a federation of four clients, who live outside"
rehearse 80
{ cat long.toml; printf '\n[listen]\naddress = "127.0.0.1:0"\n'; } >new/etc/atoll/server.toml
well inside systemctl enable --now atoll-server
address=$(inside cat $state/address)
sed -i "s/127.0.0.1:0/$address/" new/etc/atoll/server.toml
[ "$(inside systemctl show -P StatusText atoll-server)" = "listening on $address" ] || fail "it does not say where it listens"
join_clients 4 inside setpriv --reuid atoll --regid atoll --clear-groups atoll-server token $state
reached() { [ "$(inside atoll-server status $state | sed -n 's/.*"round": \([0-9]*\),.*/\1/p' | head -n 1)" -ge "$1" ]; }
until_true 60 reached 3

note "killed"
pid=$(inside systemctl show -P MainPID atoll-server)
inside systemctl kill --kill-whom=main --signal=KILL atoll-server
back() { new_pid=$(inside systemctl show -P MainPID atoll-server); [ "$new_pid" != 0 ] && [ "$new_pid" != "$pid" ] && inside systemctl is-active --quiet atoll-server; }
until_true 30 back
until_true 60 reached 6

note "upgraded while it runs"
pid=$(inside systemctl show -P MainPID atoll-server)
well inside env DEBIAN_FRONTEND=noninteractive dpkg -i /root/server.deb
until_true 30 back
clients_end_well
over() { [ "$(inside systemctl show -P SubState atoll-server)" = dead ]; }
until_true 30 over
[ "$(inside systemctl show -P Result atoll-server)" = success ] || fail "the server ended with an error"
inside atoll-server status $state >status.json
is_undisturbed status.json
expect 0 "every one as it was written" inside atoll-server audit $state --verify

note "removed"
well inside env DEBIAN_FRONTEND=noninteractive apt-get remove -y -qq atoll-server
expect 4 "could not be found" inside systemctl status atoll-server
[ -e "new/etc/atoll/server.toml" ] || fail "the configuration is gone before it is purged"
expect 0 "keys stay in $state" inside env DEBIAN_FRONTEND=noninteractive apt-get purge -y -qq atoll-server
[ -e "new$state/run/status.json" ] && [ -e "new$state/identity/authority.key" ] || fail "data are gone"
files | grep -v "^\.$state" | comm -13 before.txt - | grep -vE '^\./etc/(passwd|group|shadow|gshadow|subuid|subgid)-?$' >left.txt || true
grep -vE '^\./(etc/(machine-id|hostname|\.updated|mtab|ld.so.cache)|var/\.updated|root|var/lib/(dbus|private|polkit-1).*)$' left.txt >residue.txt || true
[ ! -s residue.txt ] || { cat residue.txt; fail "that is left behind"; }
note "installed, killed, upgraded, removed: the model is the undisturbed run's"
