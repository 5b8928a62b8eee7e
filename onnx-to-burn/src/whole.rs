//! The whole network as one ONNX file in float32, for runtimes that ours is compared with. Written
//! from a checkpoint and the table of layers, so that nobody needs PyTorch for it; the operators
//! are those of PyTorch's export, with batch norm folded into the convolutions.
//!
//! Only the messages and fields that are needed are declared. Field numbers are those of ONNX's
//! `onnx.proto`.

use std::path::Path;

use anyhow::{Context as _, bail};
use facenet::Shard;
use facenet::layers::{BATCH_NORM_EPSILON, Kind, Layer};
use prost::Message;

use crate::checkpoint;
use crate::shard::{Array, Tensors};

/// Version of ONNX's file format.
const IR_VERSION: i64 = 8;

/// Version of ONNX's operators.
const OPSET: i64 = 17;

/// The name of the picture's tensor, `[1, 3, 160, 160]`.
pub const INPUT: &str = "input";

/// The name of the embedding, `[1, 512]`, not normalised.
pub const OUTPUT: &str = "output";

#[derive(Clone, PartialEq, Message)]
struct ModelProto {
    #[prost(int64, tag = "1")]
    ir_version: i64,
    #[prost(message, optional, tag = "7")]
    graph: Option<GraphProto>,
    #[prost(message, repeated, tag = "8")]
    opset_import: Vec<OperatorSetIdProto>,
}

#[derive(Clone, PartialEq, Message)]
struct OperatorSetIdProto {
    #[prost(int64, tag = "2")]
    version: i64,
}

#[derive(Clone, PartialEq, Message)]
struct GraphProto {
    #[prost(message, repeated, tag = "1")]
    node: Vec<NodeProto>,
    #[prost(string, tag = "2")]
    name: String,
    #[prost(message, repeated, tag = "5")]
    initializer: Vec<TensorProto>,
    #[prost(message, repeated, tag = "11")]
    input: Vec<ValueInfoProto>,
    #[prost(message, repeated, tag = "12")]
    output: Vec<ValueInfoProto>,
}

#[derive(Clone, PartialEq, Message)]
struct NodeProto {
    #[prost(string, repeated, tag = "1")]
    input: Vec<String>,
    #[prost(string, repeated, tag = "2")]
    output: Vec<String>,
    #[prost(string, tag = "4")]
    op_type: String,
    #[prost(message, repeated, tag = "5")]
    attribute: Vec<AttributeProto>,
}

#[derive(Clone, PartialEq, Message)]
struct AttributeProto {
    #[prost(string, tag = "1")]
    name: String,
    #[prost(float, tag = "2")]
    f: f32,
    #[prost(int64, tag = "3")]
    i: i64,
    #[prost(int64, repeated, tag = "8")]
    ints: Vec<i64>,
    #[prost(int32, tag = "20")]
    r#type: i32,
}

/// `AttributeProto.AttributeType`.
const ATTRIBUTE_FLOAT: i32 = 1;
const ATTRIBUTE_INT: i32 = 2;
const ATTRIBUTE_INTS: i32 = 7;

/// `TensorProto.DataType`.
const DATA_FLOAT: i32 = 1;

#[derive(Clone, PartialEq, Message)]
struct TensorProto {
    #[prost(int64, repeated, tag = "1")]
    dims: Vec<i64>,
    #[prost(int32, tag = "2")]
    data_type: i32,
    #[prost(string, tag = "8")]
    name: String,
    #[prost(bytes = "vec", tag = "9")]
    raw_data: Vec<u8>,
}

#[derive(Clone, PartialEq, Message)]
struct ValueInfoProto {
    #[prost(string, tag = "1")]
    name: String,
    #[prost(message, optional, tag = "2")]
    r#type: Option<TypeProto>,
}

#[derive(Clone, PartialEq, Message)]
struct TypeProto {
    #[prost(message, optional, tag = "1")]
    tensor_type: Option<TensorType>,
}

#[derive(Clone, PartialEq, Message)]
struct TensorType {
    #[prost(int32, tag = "1")]
    elem_type: i32,
    #[prost(message, optional, tag = "2")]
    shape: Option<TensorShapeProto>,
}

#[derive(Clone, PartialEq, Message)]
struct TensorShapeProto {
    #[prost(message, repeated, tag = "1")]
    dim: Vec<Dimension>,
}

#[derive(Clone, PartialEq, Message)]
struct Dimension {
    #[prost(int64, tag = "1")]
    dim_value: i64,
}

/// Writes the network with the weights of a checkpoint, in any format of [`checkpoint::convert`].
///
/// # Errors
/// When the checkpoint cannot be read or lacks a tensor, and when the file cannot be written.
pub fn convert(checkpoint: &Path, file: &Path) -> anyhow::Result<()> {
    let bytes = model(checkpoint::read(checkpoint)?)?.encode_to_vec();
    std::fs::write(file, bytes).with_context(|| format!("writing {}", file.display()))
}

fn model(shards: [Tensors; 2]) -> anyhow::Result<ModelProto> {
    let mut network = Network {
        layers: Shard::ALL.iter().flat_map(|part| part.layers()).collect(),
        weights: shards.into_iter().flatten().collect(),
        graph: GraphProto { name: "facenet".into(), ..GraphProto::default() },
    };
    let embedding = network.facenet()?;
    if let Some(name) = network.weights.keys().next() {
        bail!("`{name}` is not used");
    }
    let mut graph = network.graph;
    graph.input.push(value_info(INPUT, &[1, 3, 160, 160]));
    graph.output.push(value_info(OUTPUT, &[1, 512]));
    let name_output = |name: &mut String| {
        if *name == embedding {
            OUTPUT.clone_into(name);
        }
    };
    graph.node.iter_mut().flat_map(|node| &mut node.output).for_each(name_output);
    let opset_import = vec![OperatorSetIdProto { version: OPSET }];
    Ok(ModelProto { ir_version: IR_VERSION, graph: Some(graph), opset_import })
}

fn value_info(name: &str, shape: &[i64]) -> ValueInfoProto {
    let dim = shape.iter().map(|&dim_value| Dimension { dim_value }).collect();
    let shape = Some(TensorShapeProto { dim });
    let tensor_type = Some(TensorType { elem_type: DATA_FLOAT, shape });
    ValueInfoProto { name: name.into(), r#type: Some(TypeProto { tensor_type }) }
}

fn int(name: &str, i: i64) -> AttributeProto {
    let (name, r#type) = (name.into(), ATTRIBUTE_INT);
    AttributeProto { name, i, r#type, ..AttributeProto::default() }
}

fn float(name: &str, f: f32) -> AttributeProto {
    let (name, r#type) = (name.into(), ATTRIBUTE_FLOAT);
    AttributeProto { name, f, r#type, ..AttributeProto::default() }
}

fn ints(name: &str, ints: &[usize]) -> AttributeProto {
    let (name, r#type) = (name.into(), ATTRIBUTE_INTS);
    let ints = ints.iter().map(|&value| value as i64).collect();
    AttributeProto { name, ints, r#type, ..AttributeProto::default() }
}

/// Builds the graph from front to back. Values are known by their names.
struct Network {
    layers: Vec<Layer>,
    /// Those that are not in the graph yet.
    weights: Tensors,
    graph: GraphProto,
}

impl Network {
    fn node(&mut self, op: &str, inputs: &[&str], attribute: Vec<AttributeProto>) -> String {
        let name = format!("value{}", self.graph.node.len());
        self.graph.node.push(NodeProto {
            input: inputs.iter().map(|&input| input.to_owned()).collect(),
            output: vec![name.clone()],
            op_type: op.into(),
            attribute,
        });
        name
    }

    fn constant(&mut self, name: &str, array: &Array) {
        self.graph.initializer.push(TensorProto {
            dims: array.shape.iter().map(|&size| size as i64).collect(),
            data_type: DATA_FLOAT,
            name: name.into(),
            raw_data: array.data.iter().flat_map(|number| number.to_le_bytes()).collect(),
        });
    }

    /// A layer whose further inputs are its tensors.
    fn layer(
        &mut self,
        (name, input): (&str, &str),
        op: &str,
        attribute: impl FnOnce(Kind) -> Vec<AttributeProto>,
    ) -> anyhow::Result<String> {
        let layer = self.layers.iter().find(|layer| layer.name == name);
        let layer = layer.with_context(|| format!("there is no layer `{name}`"))?.clone();
        let mut inputs = vec![input.to_owned()];
        for (tensor, _) in layer.tensors() {
            let missing = || format!("`{tensor}` is missing");
            let array = self.weights.remove(&tensor).with_context(missing)?;
            self.constant(&tensor, &array);
            inputs.push(tensor);
        }
        let inputs: Vec<&str> = inputs.iter().map(String::as_str).collect();
        Ok(self.node(op, &inputs, attribute(layer.kind)))
    }

    /// A convolution. It keeps the size of its input (`same`) or uses only what is there.
    fn conv(&mut self, layer: (&str, &str), stride: usize, same: bool) -> anyhow::Result<String> {
        self.layer(layer, "Conv", |kind| {
            let kernel = match kind {
                Kind::Conv2d { kernel, .. } => kernel,
                _ => [1, 1],
            };
            let [above, aside] = if same { kernel.map(|side| side / 2) } else { [0, 0] };
            vec![
                ints("kernel_shape", &kernel),
                ints("strides", &[stride, stride]),
                ints("pads", &[above, aside, above, aside]),
            ]
        })
    }

    fn relu(&mut self, input: &str) -> String {
        self.node("Relu", &[input], Vec::new())
    }

    fn valid(&mut self, name: &str, input: &str, stride: usize) -> anyhow::Result<String> {
        let sums = self.conv((name, input), stride, false)?;
        Ok(self.relu(&sums))
    }

    fn same(&mut self, name: &str, input: &str) -> anyhow::Result<String> {
        let sums = self.conv((name, input), 1, true)?;
        Ok(self.relu(&sums))
    }

    fn max_pool(&mut self, input: &str) -> String {
        let attributes = vec![ints("kernel_shape", &[3, 3]), ints("strides", &[2, 2])];
        self.node("MaxPool", &[input], attributes)
    }

    fn concat(&mut self, inputs: &[String]) -> String {
        let inputs: Vec<&str> = inputs.iter().map(String::as_str).collect();
        self.node("Concat", &inputs, vec![int("axis", 1)])
    }

    /// A residual block of so many branches, of which the first is one convolution and the others
    /// have the given lengths.
    fn block(
        &mut self,
        (name, x): (&str, &str),
        lengths: &[usize],
        (scale, relu): (f32, bool),
    ) -> anyhow::Result<String> {
        let mut branches = vec![self.same(&format!("{name}.branch0"), x)?];
        for (branch, &length) in (1..).zip(lengths) {
            let mut value = x.to_owned();
            for position in 0..length {
                value = self.same(&format!("{name}.branch{branch}.{position}"), &value)?;
            }
            branches.push(value);
        }
        let cat = self.concat(&branches);
        let mut sums = self.conv((&format!("{name}.conv2d"), &cat), 1, false)?;
        if scale < 1.0 {
            let factor = format!("{name}.scale");
            self.constant(&factor, &Array { shape: vec![], data: vec![scale] });
            sums = self.node("Mul", &[&sums, &factor], Vec::new());
        }
        let y = self.node("Add", &[&sums, x], Vec::new());
        Ok(if relu { self.relu(&y) } else { y })
    }

    fn facenet(&mut self) -> anyhow::Result<String> {
        let mut x = self.stem()?;
        for i in 0..5 {
            x = self.block((&format!("repeat_1.{i}"), &x), &[2, 3], (0.17, true))?;
        }
        x = self.mixed_6a(&x)?;
        for i in 0..10 {
            x = self.block((&format!("repeat_2.{i}"), &x), &[3], (0.10, true))?;
        }
        x = self.mixed_7a(&x)?;
        for i in 0..5 {
            x = self.block((&format!("repeat_3.{i}"), &x), &[3], (0.20, true))?;
        }
        x = self.block(("block8", &x), &[3], (1.0, false))?;
        x = self.node("GlobalAveragePool", &[&x], Vec::new());
        x = self.node("Flatten", &[&x], Vec::new());
        x = self.layer(("last_linear", &x), "MatMul", |_| Vec::new())?;
        let epsilon = vec![float("epsilon", BATCH_NORM_EPSILON as f32)];
        self.layer(("last_bn", &x), "BatchNormalization", |_| epsilon)
    }

    fn stem(&mut self) -> anyhow::Result<String> {
        let mut x = self.valid("conv2d_1a", INPUT, 2)?;
        x = self.valid("conv2d_2a", &x, 1)?;
        x = self.same("conv2d_2b", &x)?;
        x = self.max_pool(&x);
        x = self.valid("conv2d_3b", &x, 1)?;
        x = self.valid("conv2d_4a", &x, 1)?;
        self.valid("conv2d_4b", &x, 2)
    }

    fn mixed_6a(&mut self, x: &str) -> anyhow::Result<String> {
        let branch0 = self.valid("mixed_6a.branch0", x, 2)?;
        let mut branch1 = self.same("mixed_6a.branch1.0", x)?;
        branch1 = self.same("mixed_6a.branch1.1", &branch1)?;
        branch1 = self.valid("mixed_6a.branch1.2", &branch1, 2)?;
        let branch2 = self.max_pool(x);
        Ok(self.concat(&[branch0, branch1, branch2]))
    }

    fn mixed_7a(&mut self, x: &str) -> anyhow::Result<String> {
        let mut branch0 = self.same("mixed_7a.branch0.0", x)?;
        branch0 = self.valid("mixed_7a.branch0.1", &branch0, 2)?;
        let mut branch1 = self.same("mixed_7a.branch1.0", x)?;
        branch1 = self.valid("mixed_7a.branch1.1", &branch1, 2)?;
        let mut branch2 = self.same("mixed_7a.branch2.0", x)?;
        branch2 = self.same("mixed_7a.branch2.1", &branch2)?;
        branch2 = self.valid("mixed_7a.branch2.2", &branch2, 2)?;
        let branch3 = self.max_pool(x);
        Ok(self.concat(&[branch0, branch1, branch2, branch3]))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn weights(part: Shard) -> Tensors {
        let tensors = part.layers().iter().flat_map(Layer::tensors).collect::<Vec<_>>();
        let zeros = |(name, shape): (String, Vec<usize>)| {
            let data = vec![0.0; shape.iter().product()];
            (name, Array { shape, data })
        };
        tensors.into_iter().map(zeros).collect()
    }

    #[test]
    fn every_layer_is_in_the_graph_once() {
        let graph = model(Shard::ALL.map(weights)).unwrap().graph.unwrap();
        let count = |op| graph.node.iter().filter(|node| node.op_type == op).count();
        assert_eq!(count("Conv"), 95 + 37);
        // All but those at the ends of the residual blocks, and the blocks themselves but the last.
        assert_eq!(count("Relu"), 95 + 37 - 21 + 20);
        assert_eq!(count("Add"), 21);
        assert_eq!(graph.node.last().unwrap().output, [OUTPUT]);
        let decoded = GraphProto::decode(graph.encode_to_vec().as_slice()).unwrap();
        assert_eq!(decoded, graph);
    }

    #[test]
    fn missing_and_foreign_tensors_are_named() {
        let mut shards = Shard::ALL.map(weights);
        let array = shards[0].remove("conv2d_1a.bias").unwrap();
        let error = model(shards.clone()).unwrap_err().to_string();
        assert_eq!(error, "`conv2d_1a.bias` is missing");
        shards[0].insert("conv2d_1a.bias".into(), array.clone());
        shards[1].insert("logits.weight".into(), array);
        assert_eq!(model(shards).unwrap_err().to_string(), "`logits.weight` is not used");
    }
}
