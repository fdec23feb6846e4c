#!/bin/sh
# Two devices drift apart (T24 of the study): what is stored about the average is wrong with BatchNorm, and nothing is stored,
# hence nothing wrong, with LayerNorm. On Fashion-MNIST where it is at hand, else on the digits.
# shellcheck source=tests/scenario/lib.sh
. "$(dirname "$0")/lib.sh"
if [ -n "${ATOLL_DATA:-}" ]; then set=fashion_mnist; else set=digits; fi
"$bin/atoll" experiment two-devices --set $set --images 300 --norms bn,ln --epochs 1 --out two >text.txt 2>log.txt || { cat log.txt; fail "two-devices"; }
# A column of layers.csv by name, for the rows of a norm.
column() {
  awk -F, -v norm="$1" -v name="$2" 'NR == 1 {for (i = 1; i <= NF; i++) if ($i == name) at = i; next} $2 == norm {print $at}' two/layers.csv
}
[ "$(column bn M_all | wc -l)" -ge 6 ] || fail "few layers of bn: $(cat two/layers.csv)"
column bn M_all | awk '!($1 > 0) {exit 1}' || fail "the average's statistics fit: $(column bn M_all)"
column ln M_all | awk '$1 != 0 {exit 1}' || fail "LayerNorm has stored something: $(column ln M_all)"
[ "$(column ln M_all | wc -l)" = "$(column bn M_all | wc -l)" ] || fail "not the same layers"
grep -q 'M_all' text.txt || fail "the text does not show M"
grep -q 'files    two' text.txt || fail "it does not say where its files are"
