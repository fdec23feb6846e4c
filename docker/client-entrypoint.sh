#!/bin/sh
# The client image's start. `run`: enrols with a token where that has not been done, writes client.toml, and takes part.
# Anything else is run as it is: docker run ... atoll simulate RUN.toml
#   ATOLL_SERVER      host:port (server:7070)
#   ATOLL_NAME        this client's name; absent: the first of client-1 ... client-N (client-01 ... of ten or more) that no other container holds
#   ATOLL_CLIENTS     N (4)
#   ATOLL_TOKEN_FILE  where the token lies (/tokens/NAME); waited for
#   /etc/atoll/client.toml   mounted: becomes this client's, @NAME@ and @SERVER@ filled in
set -eu
umask 077
[ "${1:-run}" = run ] || exec "$@"
trap 'exit 14' TERM INT
server=${ATOLL_SERVER:-server:7070}
name=${ATOLL_NAME:-}
say() { printf '%s\n' "$*" >&2; }

# Seats in the volume that the containers of a service share. The lock is this process's and of the program that it becomes:
# it is free again when the container is gone, however it went.
# Names are those that `atoll data partition` gives: client-1 ... client-4, client-01 ... client-12.
clients=${ATOLL_CLIENTS:-4}
number=0
while [ -z "$name" ]; do
  number=$((number + 1))
  if [ "$number" -gt "$clients" ]; then
    say "error: there is no place for one more client
  because all $clients are held by other containers
  next: set CLIENTS to as many as there are to be (docs/docker.md)"
    exit 2
  fi
  seat=$(printf "client-%0${#clients}d" "$number")
  exec 9>"$seat.seat"
  ! flock -n 9 || name=$seat
done

token=${ATOLL_TOKEN_FILE:-/tokens/$name}
while [ ! -e "$name/identity/client.pem" ]; do
  if [ ! -r "$token" ]; then
    [ -n "${waiting:-}" ] || say "$name: waiting for its token in $token"
    waiting=yes
    sleep 1
    continue
  fi
  status=0
  atoll-client enroll "$name" --server "$server" --token "$(cat "$token")" >/dev/null || status=$?
  case $status in
    0) say "$name: enrolled at $server" ;;
    7 | 13) sleep 1 ;; # the server is not there yet
    *) exit "$status" ;;
  esac
done
if [ -e /etc/atoll/client.toml ]; then
  sed "s/@NAME@/$name/g; s/@SERVER@/$server/g" /etc/atoll/client.toml >"$name/client.toml.new"
  mv "$name/client.toml.new" "$name/client.toml"
fi
exec atoll-client run "$name"
