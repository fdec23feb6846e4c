#!/bin/sh
# The server image's start. `run`: makes the federation's folder where there is none, takes over the mounted configuration,
# writes the tokens that are wanted, and serves. Anything else is run as it is: docker run ... atoll-server token fed NAME
#   ATOLL_NAMES    host names and addresses that clients will use, for the certificate (first start only)
#   ATOLL_CLIENTS  N: tokens for client-1 ... client-N go to /tokens, one file each; absent: tokens are made by hand
set -eu
umask 077
[ "${1:-run}" = run ] || exec "$@"
fed=/var/lib/atoll/fed

if [ ! -e "$fed" ]; then
  rm -rf "$fed.new" # of a start that was cut off
  names=""
  for name in ${ATOLL_NAMES:-server}; do names="$names --name $name"; done
  # shellcheck disable=SC2086
  atoll-server init "$fed.new" $names --listen 0.0.0.0:7070 >/dev/null
  # On loopback within the container: for the health check alone.
  sed -i 's/^# address = "127.0.0.1:7071".*/address = "127.0.0.1:7071"/' "$fed.new/server.toml"
  mv "$fed.new" "$fed"
fi
if [ -e /etc/atoll/server.toml ]; then
  cp /etc/atoll/server.toml "$fed/server.toml.new"
  mv "$fed/server.toml.new" "$fed/server.toml"
fi

# A token is good once and for a day: one that nobody came with in time is made anew.
# Names are those that `atoll data partition` gives: client-1 ... client-4, client-01 ... client-12.
clients=${ATOLL_CLIENTS:-0}
number=0
while [ "$number" -lt "$clients" ]; do
  number=$((number + 1))
  name=$(printf "client-%0${#clients}d" "$number")
  [ ! -e "$fed/clients/$name.pem" ] || continue
  [ -z "$(find /tokens -name "$name" -mmin -1380)" ] || continue
  atoll-server token "$fed" "$name" >"/tokens/.$name" 2>/dev/null
  mv "/tokens/.$name" "/tokens/$name"
done
exec atoll-server run "$fed"
