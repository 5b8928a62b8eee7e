"""FaceNet (Inception-ResNet-v1) in two shards, composed from facenet-pytorch's own blocks.

Shard 1 ends after `repeat_2` (1 x 896 x 8 x 8). Shard 2 starts at `mixed_7a` and ends after
`last_bn` (1 x 512); the Rust code normalises its output. The attributes are called as
facenet-pytorch's, so both shards together have exactly the keys of its state dict.
"""

import torch
from facenet_pytorch import InceptionResnetV1
from torch import nn

INPUT_SHAPE = (1, 3, 160, 160)
BOUNDARY_SHAPE = (1, 896, 8, 8)

SHARD1_LAYERS = (
    "conv2d_1a",
    "conv2d_2a",
    "conv2d_2b",
    "maxpool_3a",
    "conv2d_3b",
    "conv2d_4a",
    "conv2d_4b",
    "repeat_1",
    "mixed_6a",
    "repeat_2",
)
SHARD2_LAYERS = ("mixed_7a", "repeat_3", "block8", "avgpool_1a", "last_linear", "last_bn")


class Shard(nn.Module):
    """Some of the network's top-level layers, run one after the other."""

    def __init__(self, network: InceptionResnetV1, layers: tuple[str, ...]):
        super().__init__()
        self.layers = layers
        for name in layers:
            self.add_module(name, getattr(network, name))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        for name in self.layers:
            if name == "last_linear":
                x = x.flatten(1)
            x = getattr(self, name)(x)
        return x


def split(network: InceptionResnetV1) -> tuple[Shard, Shard]:
    """The two shards of `network`, in evaluation mode. They share its parameters."""
    network.eval()
    return Shard(network, SHARD1_LAYERS).eval(), Shard(network, SHARD2_LAYERS).eval()
