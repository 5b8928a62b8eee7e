//! Feature maps in bytes.

use crate::layers::Window;
use crate::simd::aligned::Aligned;
use crate::simd::feature_map::{FeatureMap, Shape};
use crate::simd::kernels::{VALUE_MAX, largest, round};

/// Which values of a feature map are rounded by one factor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::simd) enum Factor {
    /// Those of a pixel. It is nearer, and enough for a layer whose outputs read one pixel each.
    OfPixel,
    /// All of them: sums are of values with one factor.
    OfMap,
}

/// A feature map without negative values, rounded to bytes, with what the layers that read it need.
#[derive(Debug)]
pub(in crate::simd) struct ByteMap {
    pub(super) shape: Shape,
    pub(super) factor: Factor,
    pub(super) bytes: Aligned<u8>,
    /// Those of the border too. They are zero, with the scale of the map.
    pub(super) pixels: Box<[Pixel]>,
}

/// What the values of a pixel have in common.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Pixel {
    /// The sum of its bytes.
    pub(super) sum: i32,
    /// What a byte has to be multiplied by.
    pub(super) scale: f32,
}

/// A largest value below this counts as zero: its inverse has to be a finite float.
const LARGEST_MIN: f32 = 1e-30;

/// What values whose largest one is given are multiplied by to become bytes, and what bytes are
/// multiplied by to become values.
fn factors(largest: f32) -> [f32; 2] {
    if largest < LARGEST_MIN {
        return [0.0, 0.0];
    }
    [VALUE_MAX as f32 / largest, largest / VALUE_MAX as f32]
}

impl ByteMap {
    pub(in crate::simd) fn new(shape: Shape, factor: Factor) -> Self {
        let pixels = vec![Pixel::default(); shape.pixels_with_border()].into_boxed_slice();
        Self { shape, factor, bytes: Aligned::new(shape.len()), pixels }
    }

    /// Bytes of a map.
    #[cfg(test)]
    pub(in crate::simd) const fn bytes_of(shape: Shape) -> usize {
        Aligned::<u8>::bytes(shape.len()) + shape.pixels_with_border() * size_of::<Pixel>()
    }

    /// Rounds a feature map of this shape. A NaN or an infinity makes the scale of its pixel, or of
    /// the map, NaN or infinite, and so all that is computed with it.
    ///
    /// # Panics
    /// When the map has another shape.
    pub(in crate::simd) fn round(&mut self, map: &FeatureMap) {
        assert_eq!(map.shape, self.shape, "the map to round");
        let of_map = match self.factor {
            Factor::OfMap => Some(factors(largest(&map.data))),
            Factor::OfPixel => None,
        };
        let channels = self.shape.channels;
        let pixels = map.data.chunks_exact(channels).zip(self.bytes.chunks_exact_mut(channels));
        for ((source, target), pixel) in pixels.zip(&mut self.pixels) {
            let [factor, scale] = of_map.unwrap_or_else(|| factors(largest(source)));
            *pixel = Pixel { sum: round(source, factor, target), scale };
        }
    }

    /// The sum of all bytes in a window that begins at this pixel.
    pub(super) fn sum(&self, pixel: usize, window: Window) -> i32 {
        let Window { kernel: [height, width], .. } = window;
        let line = self.shape.line();
        let rows = (0..height).map(|y| &self.pixels[pixel + y * line..][..width]);
        rows.flatten().map(|pixel| pixel.sum).sum()
    }
}
