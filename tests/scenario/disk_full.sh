#!/bin/sh
# The server's disk fills up in the middle of a run: the run pauses and says so; when there is space again it goes on, and
# the model is the one of the undisturbed run.
# shellcheck source=tests/scenario/lib.sh
. "$(dirname "$0")/lib.sh"
mkdir disk
if ! mount -t tmpfs -o size=16m tmpfs disk 2>/dev/null; then
  echo "no small disk can be mounted here: not tried"
  exit 0
fi
trap 'umount -l "$here/disk"; finish' EXIT
federation 60 disk/server
until_true 60 grep -q 'round 3 closed' server.log
dd if=/dev/zero of=disk/ballast bs=64k >/dev/null 2>&1 || true
until_true 30 grep -q 'paused: ' server.log
grep -q 'No space left\|full' server.log || fail "the pause does not say why"
! gone "$server" || fail "the server ended"
sleep 2
rm disk/ballast
until_true 30 grep -q 'there is space again' server.log
ends_as_undisturbed disk/server
