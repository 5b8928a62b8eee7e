//! The network's convolutions one by one, each shape once, on random numbers. Behind the feature
//! `kernel-tests`, for the benchmark `kernels`.

use super::feature_map::{FeatureMap, Shape};
use super::kernels::tests::Numbers;
use super::network::convolve;
use super::scratch::{Scratch, Sizes};
use super::tests::{random_map, randomise};
use super::weights::Conv;
use crate::{Shard, layers};

/// One convolution with `ReLU`, as the network runs it.
pub struct Layer {
    /// The first layer of this shape.
    pub name: String,
    /// Multiply-accumulates by the definition of a convolution.
    pub macs: u64,
    conv: Conv,
    input: FeatureMap,
    output: FeatureMap,
    scratch: Scratch,
}

/// The convolutions of both shards, and the matrix, without those that are of the same shape as an
/// earlier one.
#[must_use]
pub fn all() -> Vec<Layer> {
    let mut numbers = Numbers::new(1);
    let mut distinct: Vec<layers::Layer> = Vec::new();
    for layer in Shard::ALL.into_iter().flat_map(Shard::layers) {
        if !distinct.iter().any(|it| (it.kind, it.input) == (layer.kind, layer.input)) {
            distinct.push(layer);
        }
    }
    distinct.iter().filter_map(|layer| Layer::new(layer, &mut numbers)).collect()
}

impl Layer {
    fn new(layer: &layers::Layer, numbers: &mut Numbers) -> Option<Self> {
        let mut conv = Conv::of(layer)?;
        randomise(&mut conv, numbers);
        let input = random_map(Shape::of(layer.input, conv.window.padding), numbers);
        let output = Shape::of(layer.output(), [0, 0]);
        let mut sizes = Sizes::default();
        sizes.include(&conv, output);
        let (output, scratch) = (FeatureMap::new(output), Scratch::new(sizes));
        Some(Self { name: layer.name.clone(), macs: layer.macs(), conv, input, output, scratch })
    }

    /// Computes it. Returns the first number of the output.
    pub fn run(&mut self) -> f32 {
        let output = (&mut self.output, 0);
        convolve(&self.conv, self.macs, &self.input, output, &mut self.scratch);
        self.output.data[0]
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn every_shape_is_measured_once() {
        let names: Vec<_> = super::all().into_iter().map(|layer| layer.name).collect();
        assert_eq!(names.len(), 26);
        assert_eq!(names[0], "conv2d_1a");
        assert_eq!(names[25], "last_linear");
    }
}
