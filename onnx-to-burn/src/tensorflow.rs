//! Converts a frozen TensorFlow graph, the form in which `casia-webface` (20180408-102900) is
//! published, to the tensors of a shard. Batch norm is already folded into the convolutions, except
//! the last one.

use std::collections::HashMap;

use anyhow::Context as _;
use facenet::Shard;
use facenet::layers::{Kind, Layer};

use crate::shard::{Array, Tensors};

/// The tensors of a shard, in the layout of its record.
///
/// # Errors
/// Names the constant that is missing or that has another shape.
pub(crate) fn tensors(shard: Shard, constants: &HashMap<String, Array>) -> anyhow::Result<Tensors> {
    let mut tensors = Tensors::new();
    for layer in shard.layers() {
        for ((name, shape), constant) in layer.tensors().into_iter().zip(constants_of(&layer)) {
            let found = constants
                .get(&constant)
                .with_context(|| format!("the graph has no constant `{constant}`"))?;
            let array = match layer.kind {
                Kind::Conv2d(_) if shape.len() == 4 => oihw_from_hwio(found),
                _ => Some(found.clone()),
            };
            let array = array.filter(|array| array.shape == shape).with_context(|| {
                format!(
                    "the constant `{constant}` has the shape {:?}, which does not give {shape:?}",
                    found.shape
                )
            })?;
            tensors.insert(name, array);
        }
    }
    Ok(tensors)
}

/// The constants that hold a layer's tensors, in the order of [`Layer::tensors`].
fn constants_of(layer: &Layer) -> Vec<String> {
    let scope = format!("InceptionResnetV1/{}", scope(layer));
    let names: &[&str] = match layer.kind {
        // The residual blocks' last convolutions have a bias and no batch norm.
        Kind::Conv2d(_) if layer.name.ends_with(".conv2d") => &["weights", "biases"],
        Kind::Conv2d(_) => &["weights", "Conv2D_bn_offset"],
        Kind::Linear { .. } => &["weights"],
        // Trained without a scale, so gamma is a constant of ones.
        Kind::BatchNorm => &["Const", "beta", "moving_mean", "moving_variance"],
    };
    names.iter().map(|name| format!("{scope}/{name}")).collect()
}

/// TensorFlow's scope of a layer: what facenet-pytorch calls `repeat_1.0.branch1.1` is
/// `Repeat/block35_1/Branch_1/Conv2d_0b_3x3`.
fn scope(layer: &Layer) -> String {
    let [height, width] = match layer.kind {
        Kind::Linear { .. } => return "Bottleneck".into(),
        Kind::BatchNorm => return "Bottleneck/BatchNorm".into(),
        Kind::Conv2d(conv) => conv.window.kernel,
    };
    let size = format!("{height}x{width}");
    let mut path = layer.name.split('.').peekable();
    let top = path.next().unwrap_or_default();
    if let Some(number) = top.strip_prefix("conv2d_") {
        return format!("Conv2d_{number}_{size}");
    }
    // Repeated blocks are counted from 0 in our names and from 1 in TensorFlow's.
    let mut one_based = || {
        let index = path.next_if(|part| part.parse::<usize>().is_ok());
        index.and_then(|index| index.parse::<usize>().ok()).map_or(0, |index| index + 1)
    };
    let parent = match top {
        "repeat_1" => format!("Repeat/block35_{}", one_based()),
        "repeat_2" => format!("Repeat_1/block17_{}", one_based()),
        "repeat_3" => format!("Repeat_2/block8_{}", one_based()),
        "mixed_6a" => "Mixed_6a".into(),
        "mixed_7a" => "Mixed_7a".into(),
        _ => "Block8".into(),
    };
    let Some(branch) = path.next().and_then(|part| part.strip_prefix("branch")) else {
        return format!("{parent}/Conv2d_{size}");
    };
    let mixed = parent.starts_with("Mixed");
    let Some(position) = path.next().and_then(|part| part.parse::<usize>().ok()) else {
        let number = if mixed { "1a_" } else { "" };
        return format!("{parent}/Branch_{branch}/Conv2d_{number}{size}");
    };
    // In the mixed blocks the last convolution has stride 2 and is called 1a.
    let last = match (top, branch) {
        ("mixed_7a", "0" | "1") => 1,
        _ => 2,
    };
    let number = if mixed && position == last { "1a" } else { ["0a", "0b", "0c"][position % 3] };
    format!("{parent}/Branch_{branch}/Conv2d_{number}_{size}")
}

/// TensorFlow stores a kernel as `[height, width, in, out]`.
fn oihw_from_hwio(array: &Array) -> Option<Array> {
    let [height, width, input, out] = *array.shape else { return None };
    let mut data = Vec::with_capacity(array.data.len());
    for o in 0..out {
        for i in 0..input {
            for position in 0..height * width {
                data.push(*array.data.get((position * input + i) * out + o)?);
            }
        }
    }
    Some(Array { shape: vec![out, input, height, width], data })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scopes_are_those_of_the_graph() {
        let all: Vec<_> = Shard::ALL.into_iter().flat_map(Shard::layers).collect();
        let check = |name: &str, expected: &str| {
            let layer = all.iter().find(|layer| layer.name == name).unwrap();
            assert_eq!(scope(layer), expected);
        };
        check("conv2d_4a", "Conv2d_4a_3x3");
        check("repeat_1.0.branch0", "Repeat/block35_1/Branch_0/Conv2d_1x1");
        check("repeat_1.4.branch2.2", "Repeat/block35_5/Branch_2/Conv2d_0c_3x3");
        check("repeat_1.4.conv2d", "Repeat/block35_5/Conv2d_1x1");
        check("mixed_6a.branch0", "Mixed_6a/Branch_0/Conv2d_1a_3x3");
        check("mixed_6a.branch1.1", "Mixed_6a/Branch_1/Conv2d_0b_3x3");
        check("mixed_6a.branch1.2", "Mixed_6a/Branch_1/Conv2d_1a_3x3");
        check("repeat_2.9.branch1.1", "Repeat_1/block17_10/Branch_1/Conv2d_0b_1x7");
        check("mixed_7a.branch1.1", "Mixed_7a/Branch_1/Conv2d_1a_3x3");
        check("mixed_7a.branch2.1", "Mixed_7a/Branch_2/Conv2d_0b_3x3");
        check("repeat_3.2.branch1.2", "Repeat_2/block8_3/Branch_1/Conv2d_0c_3x1");
        check("block8.conv2d", "Block8/Conv2d_1x1");
        check("last_bn", "Bottleneck/BatchNorm");
    }

    #[test]
    fn kernels_change_their_order_not_their_values() {
        let data: Vec<f32> = (0..24u8).map(f32::from).collect();
        let hwio = Array { shape: vec![1, 2, 3, 4], data };
        let oihw = oihw_from_hwio(&hwio).unwrap();
        assert_eq!(oihw.shape, [4, 3, 1, 2]);
        // out 1, in 2, row 0, column 1 <- row 0, column 1, in 2, out 1.
        let (moved, original) = (oihw.data[(3 + 2) * 2 + 1], hwio.data[(3 + 2) * 4 + 1]);
        assert_eq!(moved.to_bits(), original.to_bits());
        assert_eq!(oihw_from_hwio(&Array { shape: vec![2], data: vec![0.0; 2] }), None);
    }

    /// A graph with every constant of the network, small numbers in all.
    fn graph() -> HashMap<String, Array> {
        let mut constants = HashMap::new();
        for layer in Shard::ALL.into_iter().flat_map(Shard::layers) {
            for ((_, shape), constant) in layer.tensors().into_iter().zip(constants_of(&layer)) {
                let shape = match *shape {
                    [out, input, height, width] => vec![height, width, input, out],
                    _ => shape,
                };
                let data = vec![0.125; shape.iter().product()];
                constants.insert(constant, Array { shape, data });
            }
        }
        constants
    }

    #[test]
    fn a_missing_or_misshapen_constant_is_named() {
        let refused = |constants: &HashMap<String, Array>| {
            format!("{:#}", tensors(Shard::Shard1, constants).unwrap_err())
        };
        assert!(tensors(Shard::Shard1, &graph()).is_ok());
        let name = "InceptionResnetV1/Repeat_1/block17_3/Branch_0/Conv2d_1x1/weights";
        let mut constants = graph();
        constants.get_mut(name).unwrap().shape = vec![1, 1, 128, 896];
        let text = refused(&constants);
        assert!(text.contains(name) && text.contains("[1, 1, 128, 896]"), "{text}");
        constants.remove(name);
        assert_eq!(refused(&constants), format!("the graph has no constant `{name}`"));
    }
}
