//! Reads the constants of a frozen TensorFlow graph. Only the messages and fields that constants
//! need are declared; the decoder skips the rest. Field numbers are those of TensorFlow's
//! `graph.proto`, `node_def.proto`, `attr_value.proto`, `tensor.proto` and `tensor_shape.proto`.

use std::collections::HashMap;

use anyhow::{Context as _, ensure};
use prost::Message;

use crate::shard::Array;

#[derive(Clone, PartialEq, Message)]
struct GraphDef {
    #[prost(message, repeated, tag = "1")]
    node: Vec<NodeDef>,
}

#[derive(Clone, PartialEq, Message)]
struct NodeDef {
    #[prost(string, tag = "1")]
    name: String,
    #[prost(string, tag = "2")]
    op: String,
    #[prost(map = "string, message", tag = "5")]
    attr: HashMap<String, AttrValue>,
}

#[derive(Clone, PartialEq, Message)]
struct AttrValue {
    #[prost(message, optional, tag = "8")]
    tensor: Option<TensorProto>,
}

#[derive(Clone, PartialEq, Message)]
struct TensorProto {
    #[prost(int32, tag = "1")]
    dtype: i32,
    #[prost(message, optional, tag = "2")]
    tensor_shape: Option<TensorShapeProto>,
    #[prost(bytes = "vec", tag = "4")]
    tensor_content: Vec<u8>,
    #[prost(float, repeated, tag = "5")]
    float_val: Vec<f32>,
}

#[derive(Clone, PartialEq, Message)]
struct TensorShapeProto {
    #[prost(message, repeated, tag = "2")]
    dim: Vec<Dim>,
}

#[derive(Clone, PartialEq, Message)]
struct Dim {
    #[prost(int64, tag = "1")]
    size: i64,
}

/// `DT_FLOAT` of types.proto.
const FLOAT: i32 = 1;

/// Every float32 constant of the graph by name.
pub(crate) fn read_constants(bytes: &[u8]) -> anyhow::Result<HashMap<String, Array>> {
    let graph = GraphDef::decode(bytes).context("not a frozen TensorFlow graph")?;
    let mut constants = HashMap::new();
    for mut node in graph.node {
        if node.op != "Const" {
            continue;
        }
        let Some(tensor) = node.attr.remove("value").and_then(|value| value.tensor) else {
            continue;
        };
        if tensor.dtype == FLOAT {
            let array = array(tensor).with_context(|| format!("constant `{}`", node.name))?;
            constants.insert(node.name, array);
        }
    }
    Ok(constants)
}

fn array(tensor: TensorProto) -> anyhow::Result<Array> {
    let shape = tensor
        .tensor_shape
        .unwrap_or_default()
        .dim
        .iter()
        .map(|dim| usize::try_from(dim.size).context("a negative dimension"))
        .collect::<Result<Vec<_>, _>>()?;
    let count = shape
        .iter()
        .try_fold(1usize, |count, &size| count.checked_mul(size))
        .context("too many elements")?;
    let data = if tensor.tensor_content.is_empty() {
        match *tensor.float_val {
            // TensorFlow writes a constant of equal elements as a single value.
            [value] => {
                ensure!(count < 1 << 24, "too many elements");
                vec![value; count]
            }
            _ => tensor.float_val,
        }
    } else {
        let (words, rest) = tensor.tensor_content.as_chunks::<4>();
        ensure!(rest.is_empty(), "the content is not of whole floats");
        words.iter().map(|word| f32::from_le_bytes(*word)).collect()
    };
    ensure!(data.len() == count, "the shape {shape:?} and {} elements", data.len());
    Ok(Array { shape, data })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A graph of constants.
    fn encode(constants: &HashMap<String, Array>) -> Vec<u8> {
        let node = constants
            .iter()
            .map(|(name, array)| {
                let dim = array.shape.iter().map(|&size| Dim { size: size as i64 }).collect();
                let tensor = TensorProto {
                    dtype: FLOAT,
                    tensor_shape: Some(TensorShapeProto { dim }),
                    tensor_content: array.data.iter().flat_map(|x| x.to_le_bytes()).collect(),
                    float_val: Vec::new(),
                };
                let value = AttrValue { tensor: Some(tensor) };
                let attr = HashMap::from([("value".to_owned(), value)]);
                NodeDef { name: name.clone(), op: "Const".into(), attr }
            })
            .collect();
        GraphDef { node }.encode_to_vec()
    }

    #[test]
    fn constants_are_read_by_name() {
        let array = |data: &[f32]| Array { shape: vec![1, data.len()], data: data.to_vec() };
        let constants =
            HashMap::from([("a/b".into(), array(&[0.5, -2.0])), ("c".into(), array(&[3.0]))]);
        assert_eq!(read_constants(&encode(&constants)).unwrap(), constants);
    }

    #[test]
    fn single_values_fill_their_shape() {
        let shape = TensorShapeProto { dim: vec![Dim { size: 2 }, Dim { size: 3 }] };
        let tensor = TensorProto {
            dtype: FLOAT,
            tensor_shape: Some(shape.clone()),
            float_val: vec![0.25],
            ..TensorProto::default()
        };
        assert_eq!(array(tensor.clone()).unwrap().data, [0.25; 6]);
        assert!(array(TensorProto { float_val: vec![0.25; 2], ..tensor.clone() }).is_err());
        assert!(array(TensorProto { tensor_content: vec![0; 23], ..tensor.clone() }).is_err());
        assert!(array(TensorProto { tensor_content: vec![0; 20], ..tensor }).is_err());
    }

    #[test]
    fn rubbish_is_an_error() {
        assert!(read_constants(b"this is no graph").is_err());
        assert!(read_constants(&[0xff; 64]).is_err());
    }
}
