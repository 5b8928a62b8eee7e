//! Feature maps in bytes.

use crate::simd::aligned::Aligned;
use crate::simd::feature_map::{FeatureMap, Shape};
use crate::simd::kernels::{BYTES_MAX, largest, round};

/// A feature map without negative values, rounded to bytes, with what the layers that read it need.
#[derive(Debug)]
pub(in crate::simd) struct ByteMap {
    /// Without a border.
    pub(super) shape: Shape,
    /// Each value less 128.
    pub(super) bytes: Aligned<i8>,
    /// The sum of the values of each pixel.
    pub(super) sums: Box<[i32]>,
    /// What a value has to be multiplied by.
    pub(super) scale: f32,
}

/// A largest value below this counts as zero: its inverse has to be a finite float.
const LARGEST_MIN: f32 = 1e-30;

impl ByteMap {
    pub(in crate::simd) fn new(shape: Shape) -> Self {
        assert_eq!(shape.border, [0, 0], "layers in integers have no padding");
        let sums = vec![0; shape.pixels()].into_boxed_slice();
        Self { shape, bytes: Aligned::new(shape.len()), sums, scale: 0.0 }
    }

    /// Bytes of a map.
    #[cfg(test)]
    pub(in crate::simd) const fn bytes_of(shape: Shape) -> usize {
        Aligned::<i8>::bytes(shape.len()) + shape.pixels() * size_of::<i32>()
    }

    /// Rounds a feature map of this shape. A NaN or an infinity anywhere makes the scale NaN or
    /// infinite, and so all that is computed with it.
    ///
    /// # Panics
    /// When the map has another shape.
    pub(in crate::simd) fn round(&mut self, map: &FeatureMap) {
        assert_eq!(map.shape, self.shape, "the map to round");
        let largest = largest(&map.data);
        let is_zero = largest < LARGEST_MIN;
        self.scale = if is_zero { 0.0 } else { largest / BYTES_MAX as f32 };
        let factor = if is_zero { 0.0 } else { BYTES_MAX as f32 / largest };
        let channels = self.shape.channels;
        let pixels = map.data.chunks_exact(channels).zip(self.bytes.chunks_exact_mut(channels));
        for ((source, target), sum) in pixels.zip(&mut self.sums) {
            *sum = round(source, factor, target);
        }
    }
}
