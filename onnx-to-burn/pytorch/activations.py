"""Writes statistics of what every layer computes for one crop. Tests compare engines with them.

    python activations.py GRAPH PICTURE FILE [--check]

PyTorch computes in float64, with the weights rounded to float16 as records hold them. So an engine
that differs computes differently; the rounding of the weights is not the cause. The column ROUNDING
says how much that rounding itself changes a layer's output.

FILE has a line for each layer, in the order of a record:

    NAME COUNT MEAN STD MAX ROUNDING P0..P7 V0..V63

A layer's output is taken after ReLU. For the last convolution of a residual block, the block's
output is taken: scaled, the input added, after ReLU.

- COUNT is the number of values; MEAN, STD and MAX (of absolute values) are over all of them.
- ROUNDING is the root mean square of the differences to the output with float32 weights, divided by
  the standard deviation of that output.
- P0 to P7 are projections: sums of all values with pseudo-random signs, divided by sqrt(COUNT). The
  differences of two engines' projections have the same root mean square as the differences of their
  values. Bit K of mix(SEED + I) is the sign of value I, counted in NCHW order, in PK.
- V0 to V63 are single values: VJ is the one at mix(-SEED - J) modulo COUNT.

`mix` is the finaliser of SplitMix64.

--check writes nothing, and fails when FILE is not what would be written.
"""

import argparse
import hashlib
import pathlib
import sys
import zlib

import numpy as np
import torch
from facenet_pytorch import InceptionResnetV1
from PIL import Image

import frozen_graph

SEED = 20180408
PROJECTIONS = 8
SAMPLES = 64

# How much a number may differ on another machine, which adds in another order. In units of the
# layer's MAX.
TOLERANCE = 1e-6


def mix(x: np.ndarray) -> np.ndarray:
    """The finaliser of SplitMix64."""
    x = (x ^ (x >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    x = (x ^ (x >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return x ^ (x >> np.uint64(31))


def load(graph: str, as_in_record: bool) -> InceptionResnetV1:
    """The network in float64. Its weights are rounded to float16 if `as_in_record`."""
    network = InceptionResnetV1()
    frozen_graph.load(network, graph)
    network = network.double().eval()
    with torch.no_grad():
        for module in network.modules():
            if hasattr(module, "bn"):
                # The variance was set in float32, with which batch norm is not quite the identity.
                module.bn.running_var.fill_(1.0 - module.bn.eps)
        if as_in_record:
            for name, values in network.state_dict().items():
                identity = ".bn." in name and not name.endswith(".bias")
                if values.is_floating_point() and not identity:
                    values.copy_(rounded(values))
    return network


def rounded(values: torch.Tensor) -> torch.Tensor:
    """Rounds to the nearest float16. Subnormals become zero, as in a record."""
    in_16_bits = values.numpy().astype(np.float16)
    in_16_bits[np.abs(in_16_bits) < np.finfo(np.float16).smallest_normal] = 0
    return torch.from_numpy(in_16_bits.astype(np.float64))


def outputs(network: InceptionResnetV1, picture: torch.Tensor) -> dict[str, np.ndarray]:
    """The output of every layer with weights, in the order in which they run."""
    found = {}

    def record(name):
        def hook(_module, _inputs, output):
            found[name] = output.detach().numpy().ravel().copy()

        return hook

    for name, module in network.named_modules():
        if hasattr(module, "bn") or name in ("last_linear", "last_bn"):
            module.register_forward_hook(record(name))
        elif hasattr(module, "conv2d"):
            module.register_forward_hook(record(f"{name}.conv2d"))
    with torch.no_grad():
        network(picture)
    return found


def statistics(values: np.ndarray, exact: np.ndarray) -> list[float]:
    """The numbers of a layer's line after COUNT. `exact` is the output with float32 weights."""
    count = len(values)
    with np.errstate(over="ignore"):
        bits = mix(np.arange(count, dtype=np.uint64) + np.uint64(SEED))
        places = mix(-np.uint64(SEED) - np.arange(SAMPLES, dtype=np.uint64)) % np.uint64(count)
    rounding = np.sqrt(np.mean((values - exact) ** 2)) / exact.std()
    line = [values.mean(), values.std(), np.abs(values).max(), rounding]
    for k in range(PROJECTIONS):
        signs = np.where((bits >> np.uint64(k)) & np.uint64(1), -1.0, 1.0)
        line.append((values * signs).sum() / np.sqrt(count))
    return line + list(values[places])


def picture_input(file: pathlib.Path) -> torch.Tensor:
    """A crop as the network's input of shape 1 x 3 x 160 x 160."""
    pixels = np.asarray(Image.open(file).convert("RGB"), dtype=np.float64)
    return torch.from_numpy((pixels - 127.5) / 128.0).permute(2, 0, 1)[None].contiguous()


def sha256(file: pathlib.Path) -> str:
    """The SHA-256 of a file, in hexadecimal."""
    return hashlib.sha256(file.read_bytes()).hexdigest()


def text(graph: pathlib.Path, picture: pathlib.Path) -> str:
    """The whole file. Its first line has the CRC-32 of the lines after the three of the head."""
    pixels = picture_input(picture)
    as_in_record = outputs(load(str(graph), True), pixels)
    exact = outputs(load(str(graph), False), pixels)
    lines = []
    for name, values in as_in_record.items():
        numbers = " ".join(f"{x:.8g}" for x in statistics(values, exact[name]))
        lines.append(f"{name} {len(values)} {numbers}\n")
    body = "".join(lines)
    checksum = f"{zlib.crc32(body.encode()):08x}"
    return (
        f"# @generated by onnx-to-burn/pytorch/activations.py, crc32 {checksum}\n"
        f"# {graph.name} {sha256(graph)}\n"
        f"# {picture.name} {sha256(picture)}\n"
        f"{body}"
    )


def numbers_agree(one: str, other: str) -> bool:
    """Whether two files are the same but for TOLERANCE."""
    rows = [[line.split() for line in t.splitlines() if line[:1] != "#"] for t in (one, other)]
    if [row[:2] for row in rows[0]] != [row[:2] for row in rows[1]]:
        return False
    for a, b in zip(*rows):
        a, b = np.array(a[2:], dtype=float), np.array(b[2:], dtype=float)
        if a.shape != b.shape or np.abs(a - b).max() > TOLERANCE * b[2]:
            return False
    # These lines name the files that they were made from.
    return one.splitlines()[1:3] == other.splitlines()[1:3]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("graph", type=pathlib.Path)
    parser.add_argument("picture", type=pathlib.Path)
    parser.add_argument("file", type=pathlib.Path)
    parser.add_argument("--check", action="store_true")
    arguments = parser.parse_args()
    made = text(arguments.graph, arguments.picture)
    if not arguments.check:
        arguments.file.write_text(made)
    elif not numbers_agree(arguments.file.read_text(), made):
        sys.exit(f"{arguments.file} is stale: run `cargo xtask generate`")


if __name__ == "__main__":
    main()
