#!/bin/sh
# docker/kubernetes.yaml: the API's schemas take every object (and would not take a misspelt key), names and ports agree, the
# server takes its configuration, and the clients' is the one of compose.
#   kubernetes.sh BIN PYTHON: a Python that has the packages kubernetes-validate and pyyaml
python=$2
# shellcheck source=tests/scenario/lib.sh
. "$(dirname "$0")/../scenario/lib.sh"
"$python" - "$root/docker" <<'PY' || fail "the manifests are not what they should be"
import sys, tomllib, yaml, kubernetes_validate
folder = sys.argv[1]
objects = list(yaml.safe_load_all(open(folder + "/kubernetes.yaml")))
version = kubernetes_validate.latest_version()
for one in objects: kubernetes_validate.validate(one, version, strict=True)
broken = yaml.safe_load(yaml.dump(objects[-1]))
broken["spec"]["template"]["spec"]["restartPolice"] = "OnFailure"
try: kubernetes_validate.validate(broken, version, strict=True)
except kubernetes_validate.ValidationError: pass
else: sys.exit("a misspelt key is not noticed")

by = {(one["kind"], one["metadata"]["name"]): one for one in objects}
server = by["Job", "atoll-server"]["spec"]["template"]
clients = by["Job", "atoll-client"]["spec"]
service = by["Service", "atoll-server"]["spec"]
pod = server["spec"]["containers"][0]
env = {e["name"]: e["value"] for e in pod["env"]}
assert service["selector"].items() <= server["metadata"]["labels"].items(), "the service finds no server"
assert {p["port"] for p in service["ports"]} == {p["containerPort"] for p in pod["ports"]}
assert "atoll-server" in env["ATOLL_NAMES"].split(), "the certificate does not have the service's name"
client = clients["template"]["spec"]["containers"][0]
assert {e["name"]: e["value"] for e in client["env"]}["ATOLL_SERVER"] == "atoll-server:7070"
for job in (server["spec"], clients["template"]["spec"]):
    volumes = {v["name"] for v in job["volumes"]}
    for c in job["containers"] + job.get("initContainers", []):
        assert {m["name"] for m in c["volumeMounts"]} <= volumes, c["name"]
        assert c["resources"]["limits"]["memory"] and c["securityContext"]["readOnlyRootFilesystem"], c["name"]
config = by["ConfigMap", "atoll"]["data"]
run, compose = tomllib.loads(config["server.toml"]), tomllib.load(open(folder + "/server.toml", "rb"))
assert run["selection"]["min_clients"] == clients["completions"] == clients["parallelism"]
for key in ("name", "seed", "rounds", "listen", "watch", "model", "train"): assert run[key] == compose[key], key
assert tomllib.loads(config["client.toml"]) == tomllib.load(open(folder + "/client.toml", "rb"))
open("server.toml", "w").write(config["server.toml"])
PY
"$bin/atoll-server" init fed --name atoll-server >/dev/null
cp server.toml fed/server.toml
expect 0 "20 rounds|rounds = 20" "$bin/atoll-server" check fed --print
