"""Reads the constants of a frozen TensorFlow graph, and loads them into facenet-pytorch's network.

Only the messages and fields that hold a frozen graph's constants are declared. Protobuf skips the
rest. The Rust converter reads the graph by its own code, and a test compares both results.
"""

import numpy as np
import torch
from facenet_pytorch import InceptionResnetV1
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

# message -> [(field, number, type, repeated, message type)]. The numbers are from TensorFlow's
# graph.proto, node_def.proto, attr_value.proto, tensor.proto and tensor_shape.proto.
_FIELDS = {
    "Dim": [("size", 1, "INT64", False, None)],
    "Shape": [("dim", 2, "MESSAGE", True, "Dim")],
    "Tensor": [
        ("dtype", 1, "INT32", False, None),
        ("tensor_shape", 2, "MESSAGE", False, "Shape"),
        ("tensor_content", 4, "BYTES", False, None),
        ("float_val", 5, "FLOAT", True, None),
    ],
    "AttrValue": [("tensor", 8, "MESSAGE", False, "Tensor")],
    "AttrEntry": [("key", 1, "STRING", False, None), ("value", 2, "MESSAGE", False, "AttrValue")],
    "Node": [
        ("name", 1, "STRING", False, None),
        ("op", 2, "STRING", False, None),
        ("attr", 5, "MESSAGE", True, "AttrEntry"),
    ],
    "Graph": [("node", 1, "MESSAGE", True, "Node")],
}
_DT_FLOAT = 1
_PREFIX = "InceptionResnetV1/"


def _graph_class():
    """The message `Graph` as a class of protobuf."""
    file = descriptor_pb2.FileDescriptorProto(name="frozen_graph.proto", package="frozen")
    file.syntax = "proto3"
    for message, fields in _FIELDS.items():
        descriptor = file.message_type.add(name=message)
        for name, number, kind, repeated, message_type in fields:
            field = descriptor.field.add(name=name, number=number)
            field.type = getattr(descriptor_pb2.FieldDescriptorProto, f"TYPE_{kind}")
            field.label = 3 if repeated else 1
            if message_type:
                field.type_name = f".frozen.{message_type}"
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    return message_factory.GetMessageClass(pool.FindMessageTypeByName("frozen.Graph"))


def read_constants(path: str) -> dict[str, np.ndarray]:
    """Every float32 constant of the graph by name."""
    graph = _graph_class()()
    with open(path, "rb") as file:
        graph.ParseFromString(file.read())
    constants = {}
    for node in graph.node:
        if node.op != "Const":
            continue
        tensor = next((a.value.tensor for a in node.attr if a.key == "value"), None)
        if tensor is None or tensor.dtype != _DT_FLOAT:
            continue
        shape = [dim.size for dim in tensor.tensor_shape.dim]
        if tensor.tensor_content:
            values = np.frombuffer(tensor.tensor_content, dtype="<f4")
        else:  # TensorFlow writes a constant whose elements are equal as a single value.
            values = np.broadcast_to(np.float32(tensor.float_val[0]), int(np.prod(shape)))
        constants[node.name] = values.reshape(shape)
    return constants


def _blocks():
    """The name of facenet-pytorch's module and the TensorFlow scope of every convolution."""
    for name in ("1a_3x3", "2a_3x3", "2b_3x3", "3b_1x1", "4a_3x3", "4b_3x3"):
        yield f"conv2d_{name[:2]}", f"Conv2d_{name}"
    residual = {
        "block35": ("1x1", ["0a_1x1", "0b_3x3"], ["0a_1x1", "0b_3x3", "0c_3x3"]),
        "block17": ("1x1", ["0a_1x1", "0b_1x7", "0c_7x1"]),
        "block8": ("1x1", ["0a_1x1", "0b_1x3", "0c_3x1"]),
    }

    def block(module, scope, kind):
        first, *branches = residual[kind]
        yield f"{module}.branch0", f"{scope}/Branch_0/Conv2d_{first}"
        for i, convolutions in enumerate(branches, start=1):
            for j, name in enumerate(convolutions):
                yield f"{module}.branch{i}.{j}", f"{scope}/Branch_{i}/Conv2d_{name}"
        yield f"{module}.conv2d", f"{scope}/Conv2d_1x1"

    for i in range(5):
        yield from block(f"repeat_1.{i}", f"Repeat/block35_{i + 1}", "block35")
    yield "mixed_6a.branch0", "Mixed_6a/Branch_0/Conv2d_1a_3x3"
    for j, name in enumerate(["0a_1x1", "0b_3x3", "1a_3x3"]):
        yield f"mixed_6a.branch1.{j}", f"Mixed_6a/Branch_1/Conv2d_{name}"
    for i in range(10):
        yield from block(f"repeat_2.{i}", f"Repeat_1/block17_{i + 1}", "block17")
    for i, names in enumerate([["0a_1x1", "1a_3x3"]] * 2 + [["0a_1x1", "0b_3x3", "1a_3x3"]]):
        for j, name in enumerate(names):
            yield f"mixed_7a.branch{i}.{j}", f"Mixed_7a/Branch_{i}/Conv2d_{name}"
    for i in range(5):
        yield from block(f"repeat_3.{i}", f"Repeat_2/block8_{i + 1}", "block8")
    yield from block("block8", "Block8", "block8")


def load(network: InceptionResnetV1, path: str) -> None:
    """Fills `network` from the frozen graph at `path`.

    Raises KeyError with the name of a constant that is missing.
    """
    constants = read_constants(path)
    modules = dict(network.named_modules())

    def take(name):
        return torch.from_numpy(constants[_PREFIX + name].copy())

    with torch.no_grad():
        for module, scope in _blocks():
            target = modules[module]
            weights = take(f"{scope}/weights").permute(3, 2, 0, 1)  # HWIO -> OIHW
            if hasattr(target, "bn"):
                # The graph's batch norm is folded into its convolution already. What remains is
                # the offset. The variance makes var + eps exactly 1.
                target.conv.weight.copy_(weights)
                target.bn.weight.fill_(1.0)
                target.bn.bias.copy_(take(f"{scope}/Conv2D_bn_offset"))
                target.bn.running_mean.zero_()
                target.bn.running_var.fill_(1.0 - target.bn.eps)
            else:
                target.weight.copy_(weights)
                target.bias.copy_(take(f"{scope}/biases"))
        network.last_linear.weight.copy_(take("Bottleneck/weights").T)
        bn = network.last_bn
        bn.weight.copy_(take("Bottleneck/BatchNorm/Const"))
        bn.bias.copy_(take("Bottleneck/BatchNorm/beta"))
        bn.running_mean.copy_(take("Bottleneck/BatchNorm/moving_mean"))
        bn.running_var.copy_(take("Bottleneck/BatchNorm/moving_variance"))
