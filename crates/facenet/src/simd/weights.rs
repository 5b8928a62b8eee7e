//! Weights as they stay in memory, packed for the kernels as they arrive: 16-bit floats, and bytes
//! ([`int8`]) where the engine computes in integers.
//!
//! A convolution's weights come as `[out, in, height, width]` and are kept as panels of
//! [`LANES`] output channels: `[out / LANES][height][width][in]` rows, so that a kernel reads them
//! from front to back.

use super::choice::Simd;
use super::feature_map::{CHANNELS_MULTIPLE, Shape};
use super::int8::{self, ByteConv};
use super::kernels::{Halves, LANES, f16_to_f32};
use crate::layers::{self, BATCH_NORM_EPSILON, Kind, Layer, Size, Window};
use crate::record::RecordError;

/// A matrix multiplies like a convolution over one pixel.
const POINT: Window = Window { kernel: [1, 1], stride: 1, padding: [0, 0] };

/// A convolution, or a matrix as a convolution over one pixel.
#[derive(Debug)]
pub(super) struct Conv {
    pub(super) window: Window,
    /// Input channels as they are stored, see [`CHANNELS_MULTIPLE`].
    pub(super) input: usize,
    pub(super) out: usize,
    /// `[out / LANES][height][width][input]`.
    pub(super) weights: Box<[Halves]>,
    pub(super) bias: Box<[f32]>,
}

impl Conv {
    /// The convolution of a layer with weights of zero, or nothing for a batch norm.
    pub(super) fn of(layer: &Layer) -> Option<Self> {
        let input = layer.input.channels;
        match layer.kind {
            Kind::Conv2d(conv) => Some(Self::new(input, conv.out, conv.window)),
            Kind::Linear { out } => Some(Self::new(input, out, POINT)),
            Kind::BatchNorm => None,
        }
    }

    /// All zero.
    pub(super) fn new(input: usize, out: usize, window: Window) -> Self {
        let input = input.next_multiple_of(CHANNELS_MULTIPLE);
        let [height, width] = window.kernel;
        let len = height * width * input * out.div_ceil(LANES);
        Self {
            window,
            input,
            out,
            weights: vec![Halves::default(); len].into_boxed_slice(),
            bias: vec![0.0; out].into_boxed_slice(),
        }
    }

    /// Multiply-accumulates for one output number.
    pub(super) const fn depth(&self) -> usize {
        let [height, width] = self.window.kernel;
        height * width * self.input
    }

    /// The shape of the output without a border.
    pub(super) const fn output(&self, input: Shape) -> Shape {
        let Shape { height, width, channels, .. } = input;
        Shape::of(self.window.output(Size { channels, height, width }, self.out), [0, 0])
    }

    /// Asserts that the output of an input has the size of `output`, which may have more channels.
    ///
    /// # Panics
    /// When it has not, and when the input has no border as wide as the padding.
    pub(super) fn check(&self, input: Shape, output: Shape) {
        assert_eq!(input.channels, self.input, "input channels");
        assert_eq!(input.border, self.window.padding, "the border is the padding");
        let Shape { height, width, .. } = self.output(input);
        assert_eq!([height, width], [output.height, output.width], "size of the output");
    }

    /// The panel of output channels `LANES * index` and following.
    pub(super) fn panel(&self, index: usize) -> &[Halves] {
        let len = self.depth();
        &self.weights[index * len..(index + 1) * len]
    }

    /// Row and column of the weight from `input` to `out` at `tap`, which counts row by row.
    const fn position(&self, out: usize, tap: usize, input: usize) -> (usize, usize) {
        (out / LANES * self.depth() + tap * self.input + input, out % LANES)
    }

    #[cfg(any(test, feature = "kernel-tests"))]
    pub(super) fn get(&self, out: usize, tap: usize, input: usize) -> u16 {
        let (row, column) = self.position(out, tap, input);
        self.weights[row].get(column)
    }

    pub(super) fn set(&mut self, out: usize, tap: usize, input: usize, half: u16) {
        let (row, column) = self.position(out, tap, input);
        self.weights[row].set(column, half);
    }
}

/// A layer of a shard.
#[derive(Debug)]
pub(super) enum Packed {
    Conv(Conv),
    Bytes(ByteConv),
    /// One factor and one offset per channel.
    Affine {
        factor: Box<[f32]>,
        offset: Box<[f32]>,
    },
}

/// Takes the tensors of one layer, number by number.
pub(super) struct Packer {
    kind: Kind,
    /// Input channels.
    inputs: usize,
    /// Takes all, where a layer is computed in integers.
    bytes: Option<int8::Packer>,
    conv: Option<Conv>,
    /// The vectors of a batch norm, which are few and kept as they come.
    vectors: Vec<Vec<f32>>,
    /// Lengths of the layer's tensors.
    lengths: Vec<usize>,
    tensor: usize,
    cursor: Cursor,
}

/// Where the next weight belongs.
#[derive(Default)]
struct Cursor {
    done: usize,
    out: usize,
    input: usize,
    tap: usize,
}

impl Packer {
    pub(super) fn new(layer: &Layer, simd: Simd) -> Self {
        let lengths: Vec<usize> =
            layer.tensors().iter().map(|(_, shape)| shape.iter().product()).collect();
        let bytes = if simd == Simd::Int8 { int8::Packer::new(layer) } else { None };
        let conv = if bytes.is_some() { None } else { Conv::of(layer) };
        let is_affine = layer.kind == Kind::BatchNorm;
        let vectors = vec![Vec::new(); if is_affine { lengths.len() } else { 0 }];
        let (kind, inputs, cursor) = (layer.kind, layer.input.channels, Cursor::default());
        Self { kind, inputs, bytes, conv, vectors, lengths, tensor: 0, cursor }
    }

    /// Bytes that the current tensor still lacks, or nothing after the last one.
    pub(super) fn missing_bytes(&self) -> Option<usize> {
        self.lengths.get(self.tensor).map(|length| (length - self.cursor.done) * 2)
    }

    /// Takes the next floats of the current tensor, at most as many as it lacks.
    pub(super) fn push(&mut self, halves: &[[u8; 2]]) -> Result<(), RecordError> {
        for &bytes in halves {
            let half = normal_f16(u16::from_le_bytes(bytes))?;
            self.push_half(half);
        }
        self.cursor.done += halves.len();
        if self.lengths.get(self.tensor) == Some(&self.cursor.done) {
            self.tensor += 1;
            self.cursor = Cursor::default();
        }
        Ok(())
    }

    fn push_half(&mut self, half: u16) {
        if let Some(bytes) = &mut self.bytes {
            return bytes.push(f16_to_f32(half));
        }
        let Cursor { out, input, tap, .. } = &mut self.cursor;
        match (&mut self.conv, self.kind) {
            (Some(conv), Kind::Conv2d(layers::Conv { window, .. })) if self.tensor == 0 => {
                conv.set(*out, *tap, *input, half);
                *tap += 1;
                if *tap == window.kernel[0] * window.kernel[1] {
                    (*tap, *input) = (0, *input + 1);
                }
                if *input == self.inputs {
                    (*input, *out) = (0, *out + 1);
                }
            }
            (Some(conv), Kind::Linear { out: outs }) => {
                conv.set(*out, 0, *input, half);
                *out += 1;
                if *out == outs {
                    (*out, *input) = (0, *input + 1);
                }
            }
            (Some(conv), _) => {
                conv.bias[*out] = f16_to_f32(half);
                *out += 1;
            }
            (None, _) => self.vectors[self.tensor].push(f16_to_f32(half)),
        }
    }

    /// The packed layer, or nothing when numbers are missing.
    pub(super) fn finish(self) -> Option<Packed> {
        if self.tensor != self.lengths.len() {
            return None;
        }
        if let Some(bytes) = self.bytes {
            return Some(Packed::Bytes(bytes.finish()));
        }
        if let Some(conv) = self.conv {
            return Some(Packed::Conv(conv));
        }
        let [gamma, beta, mean, variance] = <[Vec<f32>; 4]>::try_from(self.vectors).ok()?;
        let factor: Box<[f32]> = gamma
            .iter()
            .zip(&variance)
            .map(|(gamma, variance)| gamma / (variance + BATCH_NORM_EPSILON as f32).sqrt())
            .collect();
        let offset =
            beta.iter().zip(&mean).zip(&factor).map(|((beta, mean), f)| beta - mean * f).collect();
        Some(Packed::Affine { factor, offset })
    }
}

/// Replaces a subnormal by zero, as the converter does, because arithmetic on subnormals is slow on
/// many processors. Infinities and NaNs are refused: no weight is one.
fn normal_f16(bits: u16) -> Result<u16, RecordError> {
    match bits & 0x7c00 {
        0 => Ok(bits & 0x8000),
        0x7c00 => Err(RecordError::Tensors("a weight is not finite".into())),
        _ => Ok(bits),
    }
}
