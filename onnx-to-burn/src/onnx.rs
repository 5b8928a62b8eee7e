//! Converts the two ONNX files to the Burn modules that `facenet` compiles, and to records.
//!
//! `burn-onnx` (here under its alias `burn-import`) writes the code. It numbers the layers
//! (`conv2d42`). They are renamed as the ONNX nodes and facenet-pytorch name them
//! (`mixed_6a_branch0`), in code and records.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail, ensure};
#[expect(
    deprecated,
    reason = "the alias says so itself; ARCHITECTURE.md tells why it is used"
)]
use burn_import::onnx::{self, LoadStrategy, ModelGen};
use burn_pack::{DType, Reader, Tensor};
use facenet::Shard;
use facenet::layers::Kind;
use prost::Message;

use crate::shard::{self, Array, Precision, Tensors};

/// One shard as code and weights.
pub struct Converted {
    /// The source of the Burn module.
    pub code: String,
    /// The weights under the names of [`Shard::layers`].
    pub tensors: Tensors,
}

/// Converts `{onnx_dir}/shard1.onnx` or `shard2.onnx`.
///
/// # Errors
/// When the file cannot be read or does not hold the layers of `shard` in their order. A graph
/// that `burn-onnx` cannot convert makes it panic with its own message.
pub fn convert(shard: Shard, onnx_dir: &Path) -> anyhow::Result<Converted> {
    let input = onnx_dir.join(format!("{}.onnx", shard.name()));
    let names = names(shard, &input)?;
    let scratch = tempfile::tempdir().context("creating a temporary folder")?;
    ModelGen::new()
        .input(utf8(&input)?)
        .out_dir(utf8(scratch.path())?)
        .load_strategy(LoadStrategy::None)
        .register_op_override(ScaleConstant)
        .register_op_override(ScaleMul)
        .run_from_cli();
    let output = scratch.path().join(shard.name());
    let code = std::fs::read_to_string(output.with_extension("rs"))
        .context("burn-onnx has written no code")?;
    Ok(Converted {
        code: observed(&rename(shard, &code, &names)?),
        tensors: tensors(&output.with_extension("bpk"), &names)?,
    })
}

/// Writes the records of both shards that are in `onnx_dir`, as the checkpoint's own conversion
/// does.
///
/// # Errors
/// As [`convert`] and [`shard::write`].
pub fn write_records(onnx_dir: &Path, model: &str, out_dir: &Path) -> anyhow::Result<[PathBuf; 2]> {
    let [shard1, shard2] = Shard::ALL.map(|shard| convert(shard, onnx_dir));
    shard::write(Precision::F16, model, [shard1?.tensors, shard2?.tensors], out_dir)
}

fn utf8(path: &Path) -> anyhow::Result<&str> {
    path.to_str().with_context(|| format!("{} is not UTF-8", path.display()))
}

/// The name that `burn-onnx` gives to a layer, and ours.
struct Name {
    generated: String,
    field: String,
}

#[derive(Clone, PartialEq, Message)]
struct ModelProto {
    #[prost(message, optional, tag = "7")]
    graph: Option<GraphProto>,
}

#[derive(Clone, PartialEq, Message)]
struct GraphProto {
    #[prost(message, repeated, tag = "1")]
    node: Vec<NodeProto>,
}

#[derive(Clone, PartialEq, Message)]
struct NodeProto {
    #[prost(string, tag = "3")]
    name: String,
    #[prost(string, tag = "4")]
    op_type: String,
}

/// Pairs the n-th layer of a kind in the ONNX file with the n-th of the network, and checks
/// that the node stands for that layer.
fn names(shard: Shard, file: &Path) -> anyhow::Result<Vec<Name>> {
    let bytes = std::fs::read(file).with_context(|| format!("reading {}", file.display()))?;
    let graph = ModelProto::decode(&*bytes)
        .ok()
        .and_then(|model| model.graph)
        .with_context(|| format!("{} is not an ONNX model", file.display()))?;
    let mut nodes = graph
        .node
        .iter()
        .filter(|node| matches!(&*node.op_type, "Conv" | "MatMul" | "BatchNormalization"));
    let mut convolutions = 0;
    let mut names = Vec::new();
    for layer in shard.layers() {
        let node = nodes.next().with_context(|| format!("{} has no node", layer.name))?;
        let (op_type, generated) = match layer.kind {
            Kind::Conv2d(_) => {
                convolutions += 1;
                ("Conv", format!("conv2d{convolutions}"))
            }
            Kind::Linear { .. } => ("MatMul", "linear1".into()),
            Kind::BatchNorm => ("BatchNormalization", "batchnormalization1".into()),
        };
        let path = module_path(&node.name);
        ensure!(
            node.op_type == op_type && path == layer.name,
            "where {op_type} of {} belongs, the file has {} of {path}",
            layer.name,
            node.op_type
        );
        names.push(Name { generated, field: layer.field() });
    }
    if let Some(node) = nodes.next() {
        bail!("the file has a layer too many: {}", node.name);
    }
    Ok(names)
}

/// `/repeat_1/repeat_1.0/branch1/branch1.1/conv/Conv` is `repeat_1.0.branch1.1`.
fn module_path(node: &str) -> String {
    let mut parts: Vec<&str> = node.split('/').filter(|part| !part.is_empty()).collect();
    parts.pop();
    if parts.last() == Some(&"conv") {
        parts.pop();
    }
    let mut path: Vec<&str> = Vec::new();
    for part in parts {
        let repeats = path.last().is_some_and(|parent| {
            part.strip_prefix(parent).is_some_and(|rest| rest.starts_with('.'))
        });
        if repeats {
            path.pop();
        }
        path.push(part);
    }
    path.join(".")
}

/// Replaces the generated identifiers `conv2d7` and `conv2d7_out1` by the layer's own, and the
/// head by one that says where the file is from.
fn rename(shard: Shard, code: &str, names: &[Name]) -> anyhow::Result<String> {
    let body = code.find("extern crate").context("burn-onnx has changed the head of its code")?;
    let mut renamed = format!(
        "// @generated by onnx-to-burn from {}.onnx with burn-onnx. Do not edit.\n\
         // Made anew by `cargo xtask generate`.\n",
        shard.name()
    );
    let mut rest = &code[body..];
    while !rest.is_empty() {
        let is_word = |c: char| c.is_alphanumeric() || c == '_';
        let end = rest.find(|c| !is_word(c)).unwrap_or(rest.len());
        let (word, tail) = rest.split_at(end);
        let (stem, suffix) =
            word.split_once('_').map_or((word, ""), |(stem, _)| word.split_at(stem.len()));
        match names.iter().find(|name| name.generated == stem) {
            Some(name) => write!(renamed, "{}{suffix}", name.field)?,
            None => renamed.push_str(word),
        }
        let gap = tail.find(is_word).unwrap_or(tail.len());
        renamed.push_str(&tail[..gap]);
        rest = &tail[gap..];
    }
    Ok(renamed)
}

/// Adds a call that passes on the output of every layer, for comparisons: after `ReLU`, after the
/// sum of a residual block without `ReLU`, and after the layers that follow the blocks.
fn observed(code: &str) -> String {
    let mut result = String::with_capacity(2 * code.len());
    for line in code.split_inclusive('\n') {
        result.push_str(line);
        let Some((name, value)) =
            line.trim().strip_prefix("let ").and_then(|it| it.split_once(" = "))
        else {
            continue;
        };
        let is_sum = value.contains(".add(") && !code.contains(&format!("::relu({name})"));
        if value.contains("::relu(")
            || is_sum
            || matches!(name, "last_linear_out1" | "last_bn_out1")
        {
            let indent = &line[..line.len() - line.trim_start().len()];
            let _ = writeln!(result, "{indent}super::see(&{name});");
        }
    }
    result
}

/// Reads the weights that `burn-onnx` has written and gives them our names. `burn-onnx` divides a
/// large model into submodules of its own; their names are dropped.
fn tensors(file: &Path, names: &[Name]) -> anyhow::Result<Tensors> {
    let problem = |error| anyhow::anyhow!("{}: {error:?}", file.display());
    let packed = Reader::from_file(file).map_err(problem)?.into_tensors().map_err(problem)?;
    packed.into_iter().map(|tensor| named(tensor, names)).collect()
}

fn named(tensor: Tensor, names: &[Name]) -> anyhow::Result<(String, Array)> {
    let (path, dtype, shape, _, bytes) =
        tensor.into_parts().map_err(|error| anyhow::anyhow!("{error:?}"))?;
    ensure!(dtype == DType::F32, "`{path}` is {dtype:?}, not float32");
    let mut parts = path.rsplit('.');
    let (kind, generated) = parts.next().zip(parts.next()).context("a tensor without a layer")?;
    let name = names
        .iter()
        .find(|name| name.generated == generated)
        .with_context(|| format!("`{path}` is of no layer"))?;
    let data = bytes.as_chunks::<4>().0.iter().map(|word| f32::from_le_bytes(*word)).collect();
    Ok((format!("{}.{kind}", name.field), Array { shape: shape.to_vec(), data }))
}

/// Leaves out the constant scales of the residual blocks, which `burn-onnx` would make parameters
/// of one element. They are part of the network, so [`ScaleMul`] writes them into the code.
struct ScaleConstant;

impl onnx::ext::OpOverride for ScaleConstant {
    fn target(&self) -> onnx::ext::NodeType {
        onnx::ext::NodeType::Constant
    }

    fn forward(
        &self,
        _: &onnx::ext::Node,
        _: &mut onnx::ext::CodegenContext<'_, '_>,
    ) -> Result<onnx::ext::proc_macro2::TokenStream, onnx::ext::ProcessError> {
        Ok(onnx::ext::proc_macro2::TokenStream::new())
    }
}

/// Multiplies by the number of a constant scale.
struct ScaleMul;

impl onnx::ext::OpOverride for ScaleMul {
    fn target(&self) -> onnx::ext::NodeType {
        onnx::ext::NodeType::Mul
    }

    fn forward(
        &self,
        node: &onnx::ext::Node,
        context: &mut onnx::ext::CodegenContext<'_, '_>,
    ) -> Result<onnx::ext::proc_macro2::TokenStream, onnx::ext::ProcessError> {
        let refuse = || onnx::ext::ProcessError::Custom("not a product with one constant".into());
        let onnx::ext::Node::Mul(node) = node else { return Err(refuse()) };
        let ([tensor, scale], [output]) = (&*node.inputs, &*node.outputs) else {
            return Err(refuse());
        };
        let scale = scale.value().ok_or_else(refuse)?;
        let mut values = scale.iter::<f32>();
        let (Some(scale), None) = (values.next(), values.next()) else { return Err(refuse()) };
        let scale = onnx::ext::proc_macro2::Literal::f32_suffixed(scale);
        let tensor = context.arg(tensor);
        let output = onnx::ext::arg_to_ident(output);
        Ok(onnx::ext::quote::quote! { let #output = #tensor.mul_scalar(#scale); })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nodes_are_named_after_their_modules() {
        let check = |node: &str, path: &str| assert_eq!(module_path(node), path);
        check("/conv2d_1a/conv/Conv", "conv2d_1a");
        check("/repeat_1/repeat_1.0/branch1/branch1.1/conv/Conv", "repeat_1.0.branch1.1");
        check("/repeat_1/repeat_1.4/conv2d/Conv", "repeat_1.4.conv2d");
        check("/last_bn/BatchNormalization", "last_bn");
    }

    #[test]
    fn outputs_of_layers_are_passed_on() {
        let code = "  let a = self.x.forward(input);\n  let b = burn::relu(a);\n  \
            let c = a.add(b);\n  let d = burn::relu(c);\n  let e = d.add(b);\n";
        let shown: Vec<_> = observed(code)
            .lines()
            .filter_map(|line| {
                line.strip_prefix("  super::see(&")?.strip_suffix(");").map(str::to_owned)
            })
            .collect();
        assert_eq!(shown, ["b", "d", "e"]);
        let bottleneck = "let last_linear_out1 = f(x);\nlet last_bn_out1 = g(y);\n";
        assert_eq!(observed(bottleneck).lines().count(), 4);
    }

    #[test]
    fn identifiers_are_renamed_as_whole_words() {
        let names = [
            Name { generated: "conv2d1".into(), field: "conv2d_1a".into() },
            Name { generated: "conv2d11".into(), field: "mixed_6a_branch0".into() },
        ];
        let code =
            "head\nextern crate a;\nlet conv2d11_out1 = self.conv2d1.f(conv2d1_out1, xconv2d1);";
        let renamed = rename(Shard::Shard1, code, &names).unwrap();
        let body = renamed.split_once("crate a;\n").unwrap().1;
        let expected = "let mixed_6a_branch0_out1 = self.conv2d_1a.f(conv2d_1a_out1, xconv2d1);";
        assert_eq!(body, expected);
        assert!(renamed.starts_with("// @generated") && !renamed.contains("head"));
    }
}
