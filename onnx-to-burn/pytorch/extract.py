"""Exports a FaceNet checkpoint as `shard1.onnx` and `shard2.onnx`.

    python extract.py CHECKPOINT OUT_DIR

CHECKPOINT is a frozen TensorFlow graph (`.pb`) or a facenet-pytorch state dict (`.pt`).
"""

import argparse
import pathlib
import warnings

import torch
from facenet_pytorch import InceptionResnetV1

import frozen_graph
import models

# An opset that the TorchScript exporter writes. burn-onnx reads 1 to 24.
OPSET = 18


def load(path: pathlib.Path) -> InceptionResnetV1:
    """The whole network with the checkpoint's weights."""
    network = InceptionResnetV1()
    if path.suffix == ".pb":
        frozen_graph.load(network, str(path))
    else:
        state = torch.load(path, map_location="cpu", weights_only=True)
        # Embeddings do not need the classifier.
        state = {key: value for key, value in state.items() if not key.startswith("logits.")}
        network.load_state_dict(state)
    return network


def export(shard: models.Shard, shape: tuple[int, ...], path: pathlib.Path) -> None:
    """Writes one shard. The TorchScript exporter folds batch norm into the convolutions."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.onnx.export(
            shard,
            (torch.zeros(shape),),
            str(path),
            input_names=["input"],
            output_names=["output"],
            opset_version=OPSET,
            dynamo=False,
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("checkpoint", type=pathlib.Path)
    parser.add_argument("out_dir", type=pathlib.Path)
    arguments = parser.parse_args()
    shard1, shard2 = models.split(load(arguments.checkpoint))
    arguments.out_dir.mkdir(parents=True, exist_ok=True)
    export(shard1, models.INPUT_SHAPE, arguments.out_dir / "shard1.onnx")
    export(shard2, models.BOUNDARY_SHAPE, arguments.out_dir / "shard2.onnx")


if __name__ == "__main__":
    main()
