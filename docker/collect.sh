#!/bin/sh
# collect.sh OUT PROGRAM...: what these programs need to run on a machine of the same distribution.
#   OUT/bin       the programs, stripped
#   OUT/lib       LibTorch's shared libraries that they load, stripped
#   OUT/licenses  LibTorch's, where it has them beside it
#   OUT/packages  the distribution's packages that hold the others, one a line
set -eu
out=$1; shift
rm -rf "$out"
mkdir -p "$out/bin" "$out/lib"
for program in "$@"; do install -s -m 755 "$program" "$out/bin/"; done
ldd "$@" | sed -n 's/.* => \(\/[^ ]*\) .*/\1/p' | sort -u | while read -r library; do
  # Packages of before /usr took in /lib know their files under the old name.
  real=$(readlink -f "$library")
  owner=$(dpkg -S "$real" 2>/dev/null || dpkg -S "${real#/usr}" 2>/dev/null || true)
  if [ -n "$owner" ]; then printf '%s\n' "${owner%%:*}" >>"$out/packages.all"
  else
    install -m 644 "$library" "$out/lib/" && strip --strip-unneeded "$out/lib/$(basename "$library")"
    licenses=$(dirname "$real")/../licenses
    [ ! -d "$licenses" ] || cp -rL "$licenses" "$out/"
  fi
done
sort -u "$out/packages.all" >"$out/packages"
rm "$out/packages.all"
