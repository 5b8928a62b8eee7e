"""Writes what every layer computes for one crop, as figures that other engines are compared with.

    python activations.py GRAPH PICTURE FILE [--check]

PyTorch computes in float64 with the weights as records hold them, rounded to float16: what an
engine differs by is its own doing. A column says how much that rounding itself changes the layer.

FILE has a line for each layer, in the order of a record:

    NAME COUNT MEAN STD MAX ROUNDING P0..P7 V0..V63

The output is that after ReLU; of the last convolution of a residual block it is the block's, that
is scaled, with the input added, after ReLU. MEAN, STD and MAX (of absolute values) are over all
COUNT values, and ROUNDING is the root mean square of what they differ by with float32 weights, in
units of STD. Value I, counted in NCHW order, has signs in the eight low bits of mix(SEED + I); P is
the sum of all values with these signs over sqrt(COUNT): the differences of two engines' P have a
root mean square that is that of their values. V are the values at mix(-SEED - J) modulo COUNT.
`mix` is the finaliser of SplitMix64.

--check writes nothing and fails where FILE is not what would be written.
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

# Relative difference that another machine's sums may have.
TOLERANCE = 1e-6


def mix(x: np.ndarray) -> np.ndarray:
    """The finaliser of SplitMix64."""
    x = (x ^ (x >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    x = (x ^ (x >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return x ^ (x >> np.uint64(31))


def load(graph: str, half: bool) -> InceptionResnetV1:
    """The network in float64, with weights as in a record if `half`."""
    network = InceptionResnetV1()
    frozen_graph.load(network, graph)
    network = network.double().eval()
    with torch.no_grad():
        for module in network.modules():
            if hasattr(module, "bn"):
                # Loaded in float32, in which this is not quite the identity.
                module.bn.running_var.fill_(1.0 - module.bn.eps)
        if half:
            for name, values in network.state_dict().items():
                identity = ".bn." in name and not name.endswith(".bias")
                if values.is_floating_point() and not identity:
                    values.copy_(rounded(values))
    return network


def rounded(values: torch.Tensor) -> torch.Tensor:
    """To the nearest float16; subnormals become zero."""
    halves = values.numpy().astype(np.float16)
    halves[np.abs(halves) < np.finfo(np.float16).smallest_normal] = 0
    return torch.from_numpy(halves.astype(np.float64))


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


def figures(values: np.ndarray, exact: np.ndarray) -> list[float]:
    """The figures of a layer's line."""
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
    """A crop as the network takes it."""
    pixels = np.asarray(Image.open(file).convert("RGB"), dtype=np.float64)
    return torch.from_numpy((pixels - 127.5) / 128.0).permute(2, 0, 1)[None].contiguous()


def sha256(file: pathlib.Path) -> str:
    return hashlib.sha256(file.read_bytes()).hexdigest()


def text(graph: pathlib.Path, picture: pathlib.Path) -> str:
    """The whole file. Its first line has the CRC-32 of what follows the head."""
    pixels = picture_input(picture)
    halves = outputs(load(str(graph), True), pixels)
    exact = outputs(load(str(graph), False), pixels)
    lines = []
    for name, values in halves.items():
        numbers = " ".join(f"{x:.8g}" for x in figures(values, exact[name]))
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
    """Whether two files are the same up to what sums differ by."""
    rows = [[line.split() for line in t.splitlines() if line[:1] != "#"] for t in (one, other)]
    if [row[:2] for row in rows[0]] != [row[:2] for row in rows[1]]:
        return False
    for a, b in zip(*rows):
        a, b = np.array(a[2:], dtype=float), np.array(b[2:], dtype=float)
        if a.shape != b.shape or np.abs(a - b).max() > TOLERANCE * b[2]:
            return False
    # The files that they were made from.
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
