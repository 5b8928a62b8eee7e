//! Converts a state dict of facenet-pytorch, the form in which `vggface2` (20180402-114759) is
//! published, to the tensors of a shard. Batch norm follows every convolution except the last one
//! of a residual block. It is folded into the convolution here, in float64.
//!
//! The reader is the crate that `burn-store` uses, which needs no Burn itself.

use std::path::Path;

use anyhow::{Context as _, bail, ensure};
use facenet::Shard;
use facenet::layers::{BATCH_NORM_EPSILON, Conv, Kind, Layer, Window};
use pytorch_reader::{DType, PytorchReader};

use crate::shard::{Array, Tensors};

/// The names of batch norm's vectors in a state dict, in the order of a record.
const BATCH_NORM: [&str; 4] = ["weight", "bias", "running_mean", "running_var"];

/// An opened state dict. Tensors are read when they are asked for.
pub(crate) struct StateDict(PytorchReader);

impl StateDict {
    /// Opens a file that `torch.save` has written.
    ///
    /// # Errors
    /// When it is another file.
    pub(crate) fn open(file: &Path) -> anyhow::Result<Self> {
        PytorchReader::new(file).map(Self).context("not a state dict of PyTorch")
    }

    /// Checks that all tensors are known: a file that has more is of another network.
    ///
    /// # Errors
    /// Names a tensor that is not of the network.
    pub(crate) fn check_names(&self) -> anyhow::Result<()> {
        let layers = Shard::ALL.map(Shard::layers).concat();
        let known: Vec<String> = layers.iter().flat_map(names).collect();
        for name in self.0.keys() {
            // The classifier of the training, and a counter of its batches.
            let unused = name.starts_with("logits.") || name.ends_with(".num_batches_tracked");
            ensure!(unused || known.contains(&name), "the network has no tensor `{name}`");
        }
        Ok(())
    }

    /// The tensors of a shard, in the layout of its record.
    ///
    /// # Errors
    /// Names the tensor that is missing or that has another type or shape.
    pub(crate) fn tensors(&self, shard: Shard) -> anyhow::Result<Tensors> {
        let mut tensors = Tensors::new();
        for layer in shard.layers() {
            let names = layer.tensors().into_iter().map(|(name, _)| name);
            tensors.extend(names.zip(self.layer(&layer)?));
        }
        Ok(tensors)
    }

    /// The tensors of a layer, in the order of [`Layer::tensors`].
    fn layer(&self, layer: &Layer) -> anyhow::Result<Vec<Array>> {
        let (names, input) = (names(layer), layer.input.channels);
        match (layer.kind, &*names) {
            (Kind::Conv2d(Conv { out, window }), [weight, rest @ ..]) => {
                let Window { kernel: [height, width], .. } = window;
                let weight = self.array(weight, &[out, input, height, width])?;
                let rest: Vec<Array> = self.vectors(rest, out)?;
                fold(weight, rest).with_context(|| format!("the layer `{}`", layer.name))
            }
            (Kind::Linear { out }, [weight]) => {
                Ok(vec![transposed(&self.array(weight, &[out, input])?, input)])
            }
            (Kind::BatchNorm, vectors) => self.vectors(vectors, input),
            _ => bail!("the layer `{}` has {} tensors", layer.name, names.len()),
        }
    }

    fn vectors(&self, names: &[String], length: usize) -> anyhow::Result<Vec<Array>> {
        names.iter().map(|name| self.array(name, &[length])).collect()
    }

    fn array(&self, name: &str, shape: &[usize]) -> anyhow::Result<Array> {
        let tensor =
            self.0.get(name).with_context(|| format!("the state dict has no tensor `{name}`"))?;
        ensure!(tensor.dtype() == DType::F32, "`{name}` is {:?}, not float32", tensor.dtype());
        ensure!(
            tensor.shape() == shape,
            "`{name}` has the shape {:?} where the network has {shape:?}",
            tensor.shape()
        );
        let bytes = tensor.read()?;
        let data = bytes.as_chunks::<4>().0.iter().map(|word| f32::from_ne_bytes(*word)).collect();
        Ok(Array { shape: shape.to_vec(), data })
    }
}

/// The tensors of the state dict from which a layer is made.
fn names(layer: &Layer) -> Vec<String> {
    let name = &layer.name;
    let bn = |module: &str| BATCH_NORM.map(|vector| format!("{module}.{vector}"));
    match layer.kind {
        // The residual blocks' last convolutions have a bias and no batch norm.
        Kind::Conv2d(_) if name.ends_with(".conv2d") => {
            vec![format!("{name}.weight"), format!("{name}.bias")]
        }
        Kind::Conv2d(_) => {
            let mut names = vec![format!("{name}.conv.weight")];
            names.extend(bn(&format!("{name}.bn")));
            names
        }
        Kind::Linear { .. } => vec![format!("{name}.weight")],
        Kind::BatchNorm => bn(name).into(),
    }
}

/// A convolution's weight and bias, from its weight and the vectors after it: a bias, or those of
/// batch norm, which computes `gamma * (x - mean) / sqrt(variance + epsilon) + beta`.
fn fold(mut weight: Array, rest: Vec<Array>) -> anyhow::Result<Vec<Array>> {
    let [gamma, beta, mean, variance] = match <[Array; 4]>::try_from(rest) {
        Ok(batch_norm) => batch_norm,
        Err(rest) => {
            ensure!(
                rest.len() == 1,
                "{} vectors, which are neither bias nor batch norm",
                rest.len()
            );
            return Ok([weight].into_iter().chain(rest).collect());
        }
    };
    let mut bias = beta;
    let channel = weight.data.len() / bias.data.len().max(1);
    let statistics = gamma.data.iter().zip(&mean.data).zip(&variance.data);
    let channels = weight.data.chunks_exact_mut(channel).zip(&mut bias.data);
    for ((kernel, bias), ((&gamma, &mean), &variance)) in channels.zip(statistics) {
        ensure!(variance >= 0.0, "a variance of {variance}");
        let factor = f64::from(gamma) / (f64::from(variance) + BATCH_NORM_EPSILON).sqrt();
        for value in kernel {
            *value = (f64::from(*value) * factor) as f32;
        }
        *bias = (f64::from(*bias) - f64::from(mean) * factor) as f32;
    }
    Ok(vec![weight, bias])
}

/// PyTorch stores a matrix as `[out, in]`.
fn transposed(matrix: &Array, input: usize) -> Array {
    let out = matrix.data.len() / input.max(1);
    let column = |i| matrix.data.iter().skip(i).step_by(input).copied();
    Array { shape: vec![input, out], data: (0..input).flat_map(column).collect() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn array(shape: &[usize], data: &[f32]) -> Array {
        Array { shape: shape.to_vec(), data: data.to_vec() }
    }

    #[test]
    fn batch_norm_goes_into_weight_and_bias() {
        let weight = array(&[2, 1, 1, 2], &[1.0, 2.0, 3.0, 4.0]);
        let vector = |a, b| array(&[2], &[a, b]);
        // sqrt(0.249 + 0.001) is a half, and sqrt(3.999 + 0.001) is two.
        let rest =
            vec![vector(1.0, 4.0), vector(5.0, 6.0), vector(0.5, -1.0), vector(0.249, 3.999)];
        let folded = fold(weight.clone(), rest).unwrap();
        let expected = [vec![2.0, 4.0, 6.0, 8.0], vec![4.0, 8.0]];
        for (array, expected) in folded.iter().zip(expected) {
            for (a, b) in array.data.iter().zip(expected) {
                assert!((a - b).abs() < 1e-6, "{a} and {b}");
            }
        }
        // A convolution with a bias stays as it is.
        let bias = vector(7.0, 8.0);
        assert_eq!(fold(weight.clone(), vec![bias.clone()]).unwrap(), [weight.clone(), bias]);
        let zero = vector(0.0, 0.0);
        assert!(fold(weight.clone(), vec![zero.clone(); 2]).is_err());
        let negative = vec![zero.clone(), zero.clone(), zero, vector(1.0, -0.5)];
        assert_eq!(fold(weight, negative).unwrap_err().to_string(), "a variance of -0.5");
    }

    #[test]
    fn a_matrix_is_turned() {
        let matrix = array(&[2, 3], &[1.0, 2.0, 3.0, 4.0, 5.0, 6.0]);
        assert_eq!(transposed(&matrix, 3), array(&[3, 2], &[1.0, 4.0, 2.0, 5.0, 3.0, 6.0]));
    }

    #[test]
    fn layers_are_named_as_facenet_pytorch_does() {
        let all = Shard::ALL.map(Shard::layers).concat();
        let check = |name: &str, expected: &[&str]| {
            let layer = all.iter().find(|layer| layer.name == name).unwrap();
            assert_eq!(names(layer), expected);
        };
        check("repeat_1.0.conv2d", &["repeat_1.0.conv2d.weight", "repeat_1.0.conv2d.bias"]);
        check("last_linear", &["last_linear.weight"]);
        let conv = "mixed_6a.branch1.2.conv.weight";
        let bn = BATCH_NORM.map(|vector| format!("mixed_6a.branch1.2.bn.{vector}"));
        check("mixed_6a.branch1.2", &[conv, &bn[0], &bn[1], &bn[2], &bn[3]]);
        check(
            "last_bn",
            &BATCH_NORM.map(|vector| format!("last_bn.{vector}")).each_ref().map(|s| &**s),
        );
        // 132 convolutions, 22 of them without batch norm, a matrix, and the last batch norm.
        assert_eq!(all.iter().flat_map(names).count(), 111 * 5 + 21 * 2 + 1 + 4);
    }
}
