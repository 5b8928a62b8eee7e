//! Weights in bytes, rounded and packed channel by channel as they arrive.
//!
//! They are kept as panels of [`LANES`] output channels: `[out / LANES][height][width][in / QUAD]`
//! rows.

use super::{Factor, Panel};
use crate::layers::{Kind, Layer, Size, Window};
use crate::simd::feature_map::Shape;
use crate::simd::kernels::{DEPTH_MAX, LANES, QUAD, Quads};

/// The largest side of a feature map that is rounded. Those of the first three layers are larger,
/// and their values differ most. In integers these layers would save 5 % of an embedding's time,
/// and make 1 - cosine with its floats three times as large (`tools/evaluation/README.md`).
const SIDE_MAX: usize = 64;

/// Whether a layer is computed in integers. The matrix at the end is not, as its input has negative
/// values.
fn pays(layer: &Layer) -> bool {
    matches!(layer.kind, Kind::Conv2d(_)) && layer.input.height.max(layer.input.width) <= SIDE_MAX
}

/// Weights that differ by less count as equal: the inverse of their range has to be a finite float.
/// Different numbers of 16 bits differ by more.
const RANGE_MIN: f32 = 1e-30;

/// A convolution in integers.
#[derive(Debug)]
pub(in crate::simd) struct ByteConv {
    pub(in crate::simd) window: Window,
    pub(in crate::simd) out: usize,
    /// Input channels.
    input: usize,
    weights: Box<[Quads]>,
    /// What a weight of each channel has to be multiplied by.
    scales: Box<[f32]>,
    /// What has to be added to it then, with what rounding has taken from the weights of each
    /// channel on average.
    offsets: Box<[f32]>,
    biases: Box<[f32]>,
}

impl ByteConv {
    /// The convolution of a layer with weights of zero, or nothing where integers do not pay.
    pub(in crate::simd) fn of(layer: &Layer) -> Option<Self> {
        match layer.kind {
            Kind::Conv2d(conv) if pays(layer) => {
                Some(Self::new(layer.input.channels, conv.out, conv.window))
            }
            _ => None,
        }
    }

    /// All zero.
    ///
    /// # Panics
    /// When its sums could overflow, and when its channels are not whole quads or panels.
    pub(in crate::simd) fn new(input: usize, out: usize, window: Window) -> Self {
        let depth = depth(window, input);
        assert!(depth <= DEPTH_MAX, "no sum can overflow");
        assert!(input.is_multiple_of(QUAD) && out.is_multiple_of(LANES), "whole quads and panels");
        Self {
            window,
            out,
            input,
            weights: vec![Quads::default(); depth / QUAD * out / LANES].into_boxed_slice(),
            scales: vec![0.0; out].into_boxed_slice(),
            offsets: vec![0.0; out].into_boxed_slice(),
            biases: vec![0.0; out].into_boxed_slice(),
        }
    }

    /// How its input has to be rounded.
    pub(in crate::simd) const fn factor(&self) -> Factor {
        match self.window.kernel {
            [1, 1] => Factor::OfPixel,
            _ => Factor::OfMap,
        }
    }

    /// Multiply-accumulates for one output number.
    const fn depth(&self) -> usize {
        depth(self.window, self.input)
    }

    /// Asserts that the output of an input has the size of `output`, which may have more channels.
    ///
    /// # Panics
    /// When it has not.
    pub(super) fn check(&self, input: Shape, output: Shape) {
        assert_eq!(input.channels, self.input, "input channels");
        assert_eq!(input.border, self.window.padding, "the border is the padding");
        let Shape { height, width, channels, .. } = input;
        let Size { height, width, .. } =
            self.window.output(Size { channels, height, width }, self.out);
        assert_eq!([height, width], [output.height, output.width], "size of the output");
    }

    /// Output channels `LANES * index` and following.
    pub(super) fn panel(&self, index: usize) -> Panel<'_> {
        fn lanes<T>(all: &[T], index: usize) -> &[T; LANES] {
            all[index * LANES..].first_chunk().expect("a number for each channel")
        }
        let len = self.depth() / QUAD;
        Panel {
            weights: &self.weights[index * len..(index + 1) * len],
            scale: lanes(&self.scales, index),
            offset: lanes(&self.offsets, index),
            bias: lanes(&self.biases, index),
        }
    }

    /// Rounds the weights of an output channel, `[in][height][width]`, and keeps them.
    fn set(&mut self, out: usize, weights: &[f32]) {
        let least = weights.iter().copied().fold(f32::INFINITY, f32::min);
        let range = weights.iter().copied().fold(f32::NEG_INFINITY, f32::max) - least;
        let factor = if range < RANGE_MIN { 0.0 } else { f32::from(u8::MAX) / range };
        let scale = range / f32::from(u8::MAX);
        let (depth, input) = (self.depth(), self.input);
        let panel = &mut self.weights[out / LANES * (depth / QUAD)..][..depth / QUAD];
        let mut error = 0.0;
        for (channel, taps) in weights.chunks_exact(depth / input).enumerate() {
            for (tap, weight) in taps.iter().enumerate() {
                let exact = (weight - least) * factor;
                let rounded = exact.round_ties_even() as u8;
                error += exact - f32::from(rounded);
                let place = tap * input + channel;
                panel[place / QUAD].0[out % LANES][place % QUAD] = signed(rounded);
            }
        }
        self.scales[out] = scale;
        self.offsets[out] = least + (ZERO + error / depth as f32) * scale;
    }

    /// The rounded weight from `input` to `out` at `tap`.
    #[cfg(any(test, feature = "kernel-tests"))]
    pub(super) fn get(&self, out: usize, tap: usize, input: usize) -> i32 {
        let place = out / LANES * self.depth() + tap * self.input + input;
        i32::from(self.weights[place / QUAD].0[out % LANES][place % QUAD])
    }

    /// The scale of an output channel, its offset and its bias.
    #[cfg(any(test, feature = "kernel-tests"))]
    pub(super) fn channel(&self, out: usize) -> [f32; 3] {
        [self.scales[out], self.offsets[out], self.biases[out]]
    }
}

/// The byte that stands for the least weight of a channel, negated.
const ZERO: f32 = 128.0;

/// A byte less 128.
const fn signed(byte: u8) -> i8 {
    byte.wrapping_add(128).cast_signed()
}

const fn depth(Window { kernel: [height, width], .. }: Window, input: usize) -> usize {
    height * width * input
}

/// Takes the weights of a convolution, `[out][in][height][width]`, and then its biases. It holds
/// the floats of one output channel at a time.
pub(in crate::simd) struct Packer {
    conv: ByteConv,
    channel: Vec<f32>,
    /// The output channel that is not complete.
    out: usize,
    /// Biases so far.
    biases: usize,
}

impl Packer {
    /// For a layer, or nothing where integers do not pay.
    pub(in crate::simd) fn new(layer: &Layer) -> Option<Self> {
        ByteConv::of(layer).map(Self::of)
    }

    /// For a convolution of zeros.
    pub(super) fn of(conv: ByteConv) -> Self {
        let channel = Vec::with_capacity(conv.depth());
        Self { conv, channel, out: 0, biases: 0 }
    }

    /// Takes the next number.
    pub(in crate::simd) fn push(&mut self, number: f32) {
        if self.out < self.conv.out {
            self.channel.push(number);
            if self.channel.len() == self.conv.depth() {
                self.conv.set(self.out, &self.channel);
                self.channel.clear();
                self.out += 1;
            }
        } else {
            self.conv.biases[self.biases] = number;
            self.biases += 1;
        }
    }

    /// The convolution, after all numbers have come.
    pub(in crate::simd) fn finish(self) -> ByteConv {
        self.conv
    }
}
