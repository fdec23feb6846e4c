#!/usr/bin/env python3
"""Makes a TorchScript file for Atoll from a network that is written in Python: the network, and what each tensor is for.

  python3 export_torchscript.py lenet.py:lenet --input 1,28,28 --head fc3 --out net.pt

lenet.py:lenet is a function without arguments that returns a torch.nn.Module. Needs PyTorch 1.13 or newer.
"""

import argparse
import hashlib
import importlib.util
import json
import struct
import sys

import torch
from torch import nn

ROLES = ["conv_weight", "linear_weight", "bias", "norm_gamma", "norm_beta", "norm_mean", "norm_var", "norm_count",
         "mix_logit", "ws_gain", "head_weight", "head_bias", "buffer", "embedding"]
DTYPES = {torch.float32: "F32", torch.float64: "F64", torch.float16: "F16", torch.bfloat16: "BF16", torch.int64: "I64",
          torch.int32: "I32", torch.uint8: "U8"}
NORM_ROLES = {"weight": "norm_gamma", "bias": "norm_beta", "running_mean": "norm_mean", "running_var": "norm_var",
              "num_batches_tracked": "norm_count"}
NORMS = (nn.modules.batchnorm._NormBase, nn.LayerNorm, nn.GroupNorm) + ((nn.RMSNorm,) if hasattr(nn, "RMSNorm") else ())


def fail(what, why, then):
    print(f"error: {what}\n  because {why}\n  next: {then}", file=sys.stderr)
    sys.exit(11)


def role_of(module, own):
    """The role of the tensor `own` of a module, by the module's type; None where that does not say it."""
    if isinstance(module, NORMS):
        return NORM_ROLES.get(own)
    if isinstance(module, (nn.Embedding, nn.EmbeddingBag)):
        return "embedding"
    if own in dict(module.named_buffers(recurse=False)):
        return "buffer"
    if isinstance(module, nn.modules.conv._ConvNd):
        return {"weight": "conv_weight", "bias": "bias"}.get(own)
    if isinstance(module, (nn.Linear, nn.Bilinear, nn.RNNBase, nn.MultiheadAttention)):
        return "linear_weight" if "weight" in own else "bias" if "bias" in own else None
    return None


def roles_of(net, head, said):
    roles, unknown = {}, []
    for name, module in net.named_modules():
        own_names = [n for n, _ in module.named_parameters(recurse=False)] + [n for n, _ in module.named_buffers(recurse=False)]
        for own in own_names:
            full = f"{name}.{own}" if name else own
            role = role_of(module, own)
            if name == head and role in ("linear_weight", "bias"):
                role = "head_weight" if role == "linear_weight" else "head_bias"
            roles[full] = said.get(full, role)
            if roles[full] is None:
                unknown.append(full)
    for name in said:
        if name not in roles:
            fail(f"there is no tensor {name}", f"the network has {', '.join(roles)}", "name one of these in --role")
    if head and "head_weight" not in roles.values():
        fail(f"there is no linear layer {head}", "--head names the last layer, as in the state dict", "see print(net)")
    if unknown:
        fail("the roles of these tensors are not known: " + ", ".join(unknown), "their module is none of PyTorch's common layers",
             " ".join(f"--role {name}=ROLE" for name in unknown) + f"; ROLE is one of {', '.join(ROLES)}")
    return roles


def write_safetensors(path, state, roles):
    """The values of the network, for [model] initial of a run."""
    header, pieces, at = {"__metadata__": {"format": "pt", **{f"role:{name}": roles[name] for name in state}}}, [], 0
    for name, tensor in sorted(state.items(), key=lambda item: -item[1].element_size()):  # stable: 8 bytes, 4, 2, 1
        data = tensor.detach().cpu().contiguous().reshape(-1).view(torch.uint8).numpy().tobytes()
        header[name] = {"dtype": DTYPES[tensor.dtype], "shape": list(tensor.shape), "data_offsets": [at, at + len(data)]}
        pieces.append(data)
        at += len(data)
    header["__metadata__"]["data_sha256"] = hashlib.sha256(b"".join(pieces)).hexdigest()
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    with open(path, "wb") as file:
        file.write(struct.pack("<Q", len(text)) + text + b"".join(pieces))


def load(maker):
    path, _, function = maker.rpartition(":")
    if not path:
        fail(f"\"{maker}\" names no network", "it is FILE.py:FUNCTION", "lenet.py:lenet")
    sys.dont_write_bytecode = True
    spec = importlib.util.spec_from_file_location("network", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return getattr(module, function)()


def check(net, shape):
    for name, tensor in net.state_dict().items():
        if tensor.dtype not in DTYPES:
            fail(f"no update can carry {name}", f"it is {tensor.dtype}", "make it uint8, or make it anew in forward()")
    with torch.no_grad():
        scores = net.eval()(torch.zeros(2, *shape))
    if scores.dim() != 2 or scores.shape[0] != 2 or scores.dtype != torch.float32:
        fail("the network does not give a score a class", f"for 2 examples it gives {list(scores.shape)} of {scores.dtype}",
             "let forward() return [batch, classes], without softmax")
    return scores.shape[1]


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("network", help="FILE.py:FUNCTION, which returns a torch.nn.Module")
    parser.add_argument("--out", default="net.pt", help="the TorchScript file (net.pt)")
    parser.add_argument("--input", required=True, help="the shape of one example: 1,28,28, or 20 for rows of 20 features")
    parser.add_argument("--head", default="", help="the last linear layer, which policy = \"fedper\" keeps at each client")
    parser.add_argument("--role", action="append", default=[], metavar="TENSOR=ROLE", help="what a tensor is for")
    parser.add_argument("--initial", default="", metavar="FILE.safetensors", help="write the network's values too, to begin a run with")
    options = parser.parse_args()
    said = dict(entry.split("=", 1) for entry in options.role if "=" in entry)
    for name, role in said.items():
        if role not in ROLES:
            fail(f"{role} is no role", f"roles are {', '.join(ROLES)}", f"--role {name}=ROLE")
    net = load(options.network).float()
    shape = [int(extent) for extent in options.input.split(",")]
    classes = check(net, shape)
    roles = roles_of(net, options.head, said)
    lines = "".join(f"{name} {role}\n" for name, role in roles.items())
    torch.jit.save(torch.jit.script(net.train()), options.out, _extra_files={"atoll.roles": lines})
    print(lines, end="")
    print(f"\nwrote {options.out}: {len(roles)} tensors, {sum(p.numel() for p in net.parameters()):,} parameters")
    print(f"the run:      [model] name = \"torchscript\", input = {shape}, classes = {classes}")
    print(f"each client:  [model] torchscript = \"{options.out}\"")
    if options.initial:
        write_safetensors(options.initial, net.state_dict(), roles)
        print(f"the server:   [model] initial = \"{options.initial}\"")


main()
