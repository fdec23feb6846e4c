#!/bin/sh
# TensorBoard's own reader lists the curves of a run, with the numbers of metrics.jsonl.
#   tensorboard.sh BIN PYTHON: a Python that has the package tensorboard
python=$2
# shellcheck source=tests/scenario/lib.sh
. "$(dirname "$0")/../scenario/lib.sh"
federation 6 server '[watch]
tensorboard = true'
ends_as_undisturbed server
"$python" - server/run <<'PY' || fail "TensorBoard reads something else"
import json, math, sys
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
run = sys.argv[1]
read = EventAccumulator(run + "/tensorboard", size_guidance={"scalars": 0})
read.Reload()
lines = [json.loads(line) for line in open(run + "/metrics.jsonl")]
wanted = {"accuracy/test": ("evaluation", "accuracy"), "loss/test": ("evaluation", "loss"),
          "loss/training": ("round", "train_loss"), "round/seconds": ("round", "seconds"),
          "round/clients": ("round", "clients"), "round/update_norm": ("round", "update_norm"),
          "round/bytes_down": ("round", "bytes_down"), "round/bytes_up": ("round", "bytes_up")}
assert set(read.Tags()["scalars"]) == set(wanted), read.Tags()["scalars"]
for tag, (event, field) in wanted.items():
    expected = [(l["round"], l[field]) for l in lines if l["event"] == event]
    found = [(s.step, s.value) for s in read.Scalars(tag)]
    assert len(found) == len(expected) > 0, (tag, len(found), len(expected))
    for (step, value), (wanted_step, wanted_value) in zip(found, expected):
        assert step == wanted_step and math.isclose(value, wanted_value, rel_tol=1e-6), (tag, step, value)
print("TensorBoard reads", len(wanted), "curves")
PY
