//! Convolutions in integers: 7-bit inputs and 8-bit weights. One instruction multiplies and adds
//! four times as many of these as of floats.
//!
//! ```text
//! a = round(input / input scale)             input scale: the largest input / 127
//! q = round((weight - least) / scale) - 128  scale: (the greatest weight - the least) / 255
//! output = ReLU((sum of a * q * scale + sum of a * offset) * input scale + bias)
//! ```
//!
//! A pixel's largest input gives the scale of the pixel where a layer reads one pixel for each
//! output, and else the largest of the feature map that of all pixels. Weights have a scale and an
//! offset for each output channel: `q * scale + offset` is the weight. The offset also has what
//! rounding has taken from the channel's weights on average, because values are never negative, so
//! that this adds up.
//!
//! [`ByteMap`] rounds a feature map once for all layers that read it. The sums are exact, and the
//! multiplications after them are not fused, so all machines give the same numbers. Only maps
//! without negative values are rounded: those that come after a `ReLU`.

mod map;
#[cfg(any(test, feature = "kernel-tests"))]
pub(super) mod tests;
mod weights;

pub(super) use map::{ByteMap, Factor};
pub(super) use weights::{ByteConv, Packer};

use super::feature_map::{FeatureMap, Shape};
use super::finish::{Finish, store};
use super::kernels::{LANES, QUAD, Quads, Sums, byte_tiles, gemm_i8_rx8, with_rows};
use super::reads::Reads;

/// How much memory convolutions need.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Sizes {
    /// Pixels of the largest output.
    pixels: usize,
}

impl Sizes {
    /// Makes it enough for an output.
    pub(super) fn include(&mut self, output: Shape) {
        self.pixels = self.pixels.max(output.pixels());
    }

    /// Bytes of all that.
    #[cfg(test)]
    pub(super) const fn bytes(self) -> usize {
        self.pixels * size_of::<Place>()
    }
}

/// Memory for one convolution after the other.
#[derive(Debug)]
pub(super) struct Scratch(Box<[Place]>);

impl Scratch {
    pub(super) fn new(sizes: Sizes) -> Self {
        Self(vec![Place::default(); sizes.pixels].into_boxed_slice())
    }
}

/// What is the same for all channels of an output pixel.
#[derive(Clone, Copy, Debug, Default)]
struct Place {
    /// Where its window begins in the input, border included.
    row: u32,
    /// Where its channels begin in the output.
    target: u32,
    /// See [`Reads::line`].
    line: u32,
    /// The sum of its inputs in bytes.
    sum: f32,
    /// What a byte of its inputs has to be multiplied by.
    scale: f32,
}

/// What is the same for all tiles of a panel.
struct Panel<'a> {
    weights: &'a [Quads],
    /// What a weight of each channel has to be multiplied by.
    scale: &'a [f32; LANES],
    /// What has to be added to it then.
    offset: &'a [f32; LANES],
    bias: &'a [f32; LANES],
}

/// Computes `conv` over all of `input` into the channels of `output` from `at` on.
///
/// # Panics
/// When the shapes do not fit together.
pub(super) fn convolve(
    conv: &ByteConv,
    input: &ByteMap,
    (output, at): (&mut FeatureMap, usize),
    finish: Finish<'_>,
    Scratch(places): &mut Scratch,
) {
    assert_eq!(input.factor, conv.factor(), "a sum has one scale");
    conv.check(input.shape, output.shape);
    assert!(at + conv.out <= output.shape.channels, "output channels");
    if let Finish::Residual { residual, .. } = finish {
        assert_eq!(residual.shape, output.shape, "the residual has the shape of the output");
    }
    let places = &mut places[..output.shape.pixels()];
    let reads = Reads::new(conv.window, input.shape);
    for (index, place) in places.iter_mut().enumerate() {
        let [y, x] = reads.place(index, output.shape);
        let pixel = reads.pixel([y, x]);
        *place = Place {
            row: (pixel * input.shape.channels) as u32,
            target: (output.shape.pixel(y, x) + at) as u32,
            line: reads.line([y, x]) as u32,
            sum: input.sum(pixel, conv.window) as f32,
            scale: input.pixels[pixel].scale,
        };
    }
    for index in 0..conv.out / LANES {
        let panel = conv.panel(index);
        for pixels in byte_tiles(0..places.len()) {
            let places = &places[pixels];
            with_rows!(places.len(), R => {
                tile::<R>(input, &reads, &panel, places, (&mut *output, index * LANES), finish);
            });
        }
    }
}

#[inline(never)]
fn tile<const R: usize>(
    input: &ByteMap,
    reads: &Reads,
    panel: &Panel<'_>,
    places: &[Place],
    (output, channel): (&mut FeatureMap, usize),
    finish: Finish<'_>,
) {
    let places: &[Place; R] = places.first_chunk().expect("a place for each pixel");
    let cut = reads.cut(places[0].line as usize, places[R - 1].line as usize);
    let rows = places.map(|place| place.row as usize + cut.row);
    let weights = &panel.weights[cut.depth / QUAD..];
    let mut tile: Sums<R> = [[0; LANES]; R];
    gemm_i8_rx8(&input.bytes, &rows, cut.runs, weights, &mut tile);
    for (sums, place) in tile.iter().zip(places) {
        let sums = std::array::from_fn(|lane| {
            let sum = sums[lane] as f32 * panel.scale[lane] + place.sum * panel.offset[lane];
            sum * place.scale + panel.bias[lane]
        });
        store(&sums, &mut output.data, place.target as usize + channel, finish);
    }
}
