"""Writes a frozen graph as a state dict with the keys and shapes of facenet-pytorch's checkpoints.

    python unfold.py GRAPH OUT_DIR

With it, the reader of the published `.pt` files is tested without those files. The graph's batch
norm is folded into its convolutions. Here it is unfolded: every layer gets batch norm parameters
from a seeded generator, and the weights and biases that compute the same function with them. They
are computed in float64 and stored in float32.

OUT_DIR gets the same state dict in both file formats of PyTorch: `zip.pt`, which PyTorch writes
since 1.6, and `legacy.pt`, which it wrote before.
"""

import argparse
import pathlib

import torch
from facenet_pytorch import InceptionResnetV1
from torch import nn

import frozen_graph

SEED = 20180402

# The number of classes of the vggface2 checkpoint. Readers must skip the classifier.
CLASSES = 8631


def unfold(convolution: nn.Conv2d, bn: nn.BatchNorm2d, generator: torch.Generator) -> None:
    """Moves a random factor from a convolution to its batch norm, which has the offset already."""

    def uniform(low: float, high: float) -> torch.Tensor:
        """Random numbers that float32 represents exactly, because they are stored so."""
        random = torch.rand(bn.num_features, generator=generator, dtype=torch.float64)
        return (low + (high - low) * random).float().double()

    gamma, mean, variance = uniform(0.5, 2.0), uniform(-1.0, 1.0), uniform(0.01, 4.0)
    factor = gamma / torch.sqrt(variance + bn.eps)
    weight = convolution.weight.double() / factor[:, None, None, None]
    beta = bn.bias.double() + mean * factor
    convolution.weight.copy_(weight)
    bn.weight.copy_(gamma)
    bn.bias.copy_(beta)
    bn.running_mean.copy_(mean)
    bn.running_var.copy_(variance)
    bn.num_batches_tracked.fill_(1000)


def state_dict(graph: pathlib.Path) -> dict[str, torch.Tensor]:
    """The state dict of the whole network with a classifier."""
    network = InceptionResnetV1(classify=True, num_classes=CLASSES)
    frozen_graph.load(network, str(graph))
    generator = torch.Generator().manual_seed(SEED)
    with torch.no_grad():
        for module in network.modules():
            if hasattr(module, "bn"):
                unfold(module.conv, module.bn, generator)
        network.logits.weight.copy_(torch.randn(network.logits.weight.shape, generator=generator))
        network.logits.bias.zero_()
    return network.state_dict()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("graph", type=pathlib.Path)
    parser.add_argument("out_dir", type=pathlib.Path)
    arguments = parser.parse_args()
    state = state_dict(arguments.graph)
    arguments.out_dir.mkdir(parents=True, exist_ok=True)
    for name, is_zip in (("zip.pt", True), ("legacy.pt", False)):
        file = arguments.out_dir / name
        torch.save(state, file, _use_new_zipfile_serialization=is_zip)


if __name__ == "__main__":
    main()
