//! The whole network as one ONNX file in float32, for other runtimes, with which ours is compared.
//! The graph follows from the description of the network (`facenet::layers`) and the weights come
//! from a checkpoint, so PyTorch is not needed. The operators are those of PyTorch's export, with
//! batch norm folded into the convolutions.
//!
//! Only the messages and fields that are needed are declared. Field numbers are those of ONNX's
//! `onnx.proto`.

use std::path::Path;

use anyhow::{Context as _, bail};
use facenet::Shard;
use facenet::layers::{
    BATCH_NORM_EPSILON, Block, Branch, Kind, Layer, MAX_POOL, Module, Step, Window,
};
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
    let mut builder = Builder {
        weights: shards.into_iter().flatten().collect(),
        graph: GraphProto { name: "facenet".into(), ..GraphProto::default() },
    };
    let mut embedding = INPUT.to_owned();
    for module in Shard::ALL.into_iter().flat_map(Shard::modules) {
        embedding = builder.module(&module, &embedding)?;
    }
    let Builder { weights, mut graph } = builder;
    if let Some(name) = weights.keys().next() {
        bail!("`{name}` is not used");
    }
    graph.input.push(value_info(INPUT, &Shard::Shard1.input_shape()));
    graph.output.push(value_info(OUTPUT, &[1, Shard::Shard2.output_len()]));
    let name_output = |name: &mut String| {
        if *name == embedding {
            OUTPUT.clone_into(name);
        }
    };
    graph.node.iter_mut().flat_map(|node| &mut node.output).for_each(name_output);
    let opset_import = vec![OperatorSetIdProto { version: OPSET }];
    Ok(ModelProto { ir_version: IR_VERSION, graph: Some(graph), opset_import })
}

fn value_info(name: &str, shape: &[usize]) -> ValueInfoProto {
    let dim = shape.iter().map(|&size| Dimension { dim_value: size as i64 }).collect();
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

/// Adds nodes to the graph from front to back. Values are referred to by their names.
struct Builder {
    /// The tensors that are not in the graph yet.
    weights: Tensors,
    graph: GraphProto,
}

impl Builder {
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
    fn layer(&mut self, layer: &Layer, input: &str) -> anyhow::Result<String> {
        let mut inputs = vec![input.to_owned()];
        for (tensor, _) in layer.tensors() {
            let missing = || format!("`{tensor}` is missing");
            let array = self.weights.remove(&tensor).with_context(missing)?;
            self.constant(&tensor, &array);
            inputs.push(tensor);
        }
        let inputs: Vec<&str> = inputs.iter().map(String::as_str).collect();
        let (op, attribute) = match layer.kind {
            Kind::Conv2d(conv) => ("Conv", window(conv.window)),
            Kind::Linear { .. } => ("MatMul", Vec::new()),
            Kind::BatchNorm => {
                ("BatchNormalization", vec![float("epsilon", BATCH_NORM_EPSILON as f32)])
            }
        };
        Ok(self.node(op, &inputs, attribute))
    }

    fn relu(&mut self, input: &str) -> String {
        self.node("Relu", &[input], Vec::new())
    }

    fn max_pool(&mut self, input: &str) -> String {
        let Window { kernel, stride, .. } = MAX_POOL;
        let attributes = vec![ints("kernel_shape", &kernel), ints("strides", &[stride, stride])];
        self.node("MaxPool", &[input], attributes)
    }

    /// The step of a module on its input. Returns its output.
    fn module(&mut self, module: &Module, x: &str) -> anyhow::Result<String> {
        let mut layers = module.layers().into_iter();
        match module.step {
            Step::MaxPool => Ok(self.max_pool(x)),
            Step::Block(block) => self.block(module, block, x),
            Step::AveragePool => {
                let mean = self.node("GlobalAveragePool", &[x], Vec::new());
                Ok(self.node("Flatten", &[&mean], Vec::new()))
            }
            Step::Conv(_) | Step::Linear(_) | Step::BatchNorm => {
                let layer = layers.next().context("a module without its layer")?;
                let value = self.layer(&layer, x)?;
                Ok(if matches!(module.step, Step::Conv(_)) { self.relu(&value) } else { value })
            }
        }
    }

    fn block(&mut self, module: &Module, block: Block, x: &str) -> anyhow::Result<String> {
        let mut layers = module.layers().into_iter();
        let mut branches = Vec::new();
        for branch in block.branches {
            branches.push(match branch {
                Branch::MaxPool => self.max_pool(x),
                Branch::Convs(convs) => {
                    let mut value = x.to_owned();
                    for layer in layers.by_ref().take(convs.len()) {
                        value = self.layer(&layer, &value)?;
                        value = self.relu(&value);
                    }
                    value
                }
            });
        }
        let branches: Vec<&str> = branches.iter().map(String::as_str).collect();
        let concatenated = self.node("Concat", &branches, vec![int("axis", 1)]);
        let (Some(end), Some(conv2d)) = (block.residual, layers.next()) else {
            return Ok(concatenated);
        };
        let mut sums = self.layer(&conv2d, &concatenated)?;
        if end.scale < 1.0 {
            let factor = format!("{}.scale", module.name);
            self.constant(&factor, &Array { shape: vec![], data: vec![end.scale] });
            sums = self.node("Mul", &[&sums, &factor], Vec::new());
        }
        let y = self.node("Add", &[&sums, x], Vec::new());
        Ok(if end.relu { self.relu(&y) } else { y })
    }
}

/// The attributes of a convolution.
fn window(window: Window) -> Vec<AttributeProto> {
    let Window { kernel, stride, padding: [above, aside] } = window;
    vec![
        ints("kernel_shape", &kernel),
        ints("strides", &[stride, stride]),
        ints("pads", &[above, aside, above, aside]),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn weights(shard: Shard) -> Tensors {
        let tensors = shard.layers().iter().flat_map(Layer::tensors).collect::<Vec<_>>();
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
