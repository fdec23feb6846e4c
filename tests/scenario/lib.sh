# Sourced by every scenario: a folder of its own, programs that do not outlive it, and what it expects.
# shellcheck shell=sh disable=SC2034
set -eu
bin=$(cd "$1" && pwd)
root=$(cd "$(dirname "$0")/../.." && pwd)
here=$(mktemp -d "${TMPDIR:-/tmp}/atoll-scenario-XXXXXX")
children=""
finish() {
  status=$?
  for pid in $children; do kill -9 "$pid" 2>/dev/null || true; done
  if [ $status -eq 0 ]; then rm -rf "$here"; else echo "what it left: $here"; fi
}
trap finish EXIT
cd "$here"

fail() { echo "FAILED: $*"; exit 1; }

# start LOG COMMAND...: in the background; its process is $started
start() {
  log=$1; shift
  "$@" >"$log" 2>&1 &
  started=$!
  children="$children $started"
}

# until_true SECONDS COMMAND...: waits for a condition
until_true() {
  limit=$(($1 * 20)); shift
  while ! "$@" >/dev/null 2>&1; do
    limit=$((limit - 1))
    [ $limit -gt 0 ] || fail "not true in time: $*"
    sleep 0.05
  done
}

# expect CODE TEXT COMMAND...: the command ends with this status and says this (grep -E)
expect() {
  code=$1 text=$2; shift 2
  set +e
  "$@" >out.txt 2>&1
  status=$?
  set -e
  if [ $status -ne "$code" ] || ! grep -qE -- "$text" out.txt; then
    cat out.txt
    fail "expected status $code and \"$text\", got status $status from: $*"
  fi
}

field() { sed -n "s/.*\"$1\":\"\{0,1\}\([^,\"}]*\).*/\1/p" "$2" | tail -n 1; } # field NAME FILE: of a line of JSON
gone() { ! kill -0 "$1" 2>/dev/null; }

digits() { ATOLL_DATA="" "$bin/atoll" data get digits >/dev/null; }
