//! The layers that both networks are made of, a row at a time. The channels of a pixel lie together
//! (NHWC). A kernel of `facenet` multiplies the matrices; the rest are loops over arrays of four,
//! which the compiler turns into vectors.

use facenet::simd::row::{self, LANES, Panel, Runs};

use crate::weights::Reader;

/// Numbers in a vector of WebAssembly.
pub(crate) const WIDTH: usize = 4;

/// Rows and columns of each kernel.
pub(crate) const KERNEL: usize = 3;

/// A convolution whose weights are packed into panels of eight output channels.
pub(crate) struct Convolution {
    /// Panel after panel, `depth` rows each.
    panels: Vec<[f32; LANES]>,
    bias: Vec<[f32; LANES]>,
    depth: usize,
}

impl Convolution {
    /// Packs weights, which are given as a row of all output channels for each number that is read.
    /// Where the channels do not fill the last panel, the rest of it is zero.
    pub(crate) fn new(weights: &[f32], bias: &[f32]) -> Self {
        let (channels, count) = (bias.len(), bias.len().div_ceil(LANES));
        let depth = weights.len() / channels;
        let mut panels = vec![[0.0; LANES]; count * depth];
        for (k, weights) in weights.chunks_exact(channels).enumerate() {
            for (channel, &weight) in weights.iter().enumerate() {
                panels[channel / LANES * depth + k][channel % LANES] = weight;
            }
        }
        let mut biases = vec![[0.0; LANES]; count];
        biases.as_flattened_mut()[..channels].copy_from_slice(bias);
        Self { panels, bias: biases, depth }
    }

    /// How many numbers each output pixel reads.
    pub(crate) const fn depth(&self) -> usize {
        self.depth
    }

    /// Output channels, in whole panels.
    pub(crate) fn channels(&self) -> usize {
        self.bias.len() * LANES
    }

    /// Computes `pixels` output pixels. Each reads `runs`: the first from the beginning of the
    /// input, each further one `step` floats later.
    pub(crate) fn row(
        &self,
        input: &[f32],
        (runs, step, pixels): (Runs, usize, usize),
        output: &mut [f32],
    ) {
        let (output, _) = output.as_chunks_mut();
        let every = self.bias.len();
        for (index, bias) in self.bias.iter().enumerate() {
            let weights = &self.panels[index * self.depth..][..self.depth];
            let panel = Panel { weights, bias };
            row::convolve(input, (runs, step, pixels), panel, &mut output[index..], every);
        }
    }
}

/// A depthwise separable convolution: a kernel of 3x3 for each channel, then one of 1x1 over all.
pub(crate) struct Separable {
    /// For each tap, row by row, the weights of all channels.
    filter: Vec<[f32; WIDTH]>,
    pointwise: Convolution,
}

impl Separable {
    /// Takes the three tensors of a layer.
    pub(crate) fn read(reader: &mut Reader<'_>, name: &str) -> Self {
        let filter = reader.next(&format!("{name}/depthwise_filter"));
        let pointwise = reader.next(&format!("{name}/pointwise_filter"));
        let bias = reader.next(&format!("{name}/bias"));
        let filter = filter.as_chunks().0.to_vec();
        Self { filter, pointwise: Convolution::new(&pointwise, &bias) }
    }

    /// Input channels.
    pub(crate) const fn channels_in(&self) -> usize {
        self.filter.len() * WIDTH / (KERNEL * KERNEL)
    }

    /// Output channels.
    pub(crate) fn channels(&self) -> usize {
        self.pointwise.channels()
    }

    /// Computes a row of `pixels` pixels. The first output reads the first three pixels of each
    /// row, and each further one those `stride` pixels later. `middle` is memory for the numbers
    /// between the two steps.
    pub(crate) fn row(
        &self,
        rows: [&[f32]; KERNEL],
        (stride, pixels): (usize, usize),
        middle: &mut [f32],
        output: &mut [f32],
    ) {
        let channels = self.channels_in();
        let middle = &mut middle[..pixels * channels];
        depthwise(
            rows.map(|row| row.as_chunks().0),
            &self.filter,
            stride,
            middle.as_chunks_mut().0,
        );
        self.pointwise.row(middle, (Runs::one(channels), channels, pixels), output);
    }
}

/// `output[x][c] = sum over y, t of rows[y][x * stride + t][c] * filter[y][t][c]`. For four
/// channels at a time the nine weights stay in registers.
fn depthwise(
    rows: [&[[f32; WIDTH]]; KERNEL],
    filter: &[[f32; WIDTH]],
    stride: usize,
    output: &mut [[f32; WIDTH]],
) {
    let vectors = filter.len() / (KERNEL * KERNEL);
    for vector in 0..vectors {
        let taps: [[[f32; WIDTH]; KERNEL]; KERNEL] = std::array::from_fn(|y| {
            std::array::from_fn(|t| filter[(y * KERNEL + t) * vectors + vector])
        });
        let rows = rows.map(|row| &row[vector..]);
        for (x, output) in output[vector..].iter_mut().step_by(vectors).enumerate() {
            let at = x * stride * vectors;
            let mut sum = [0.0; WIDTH];
            for (row, taps) in rows.iter().zip(&taps) {
                let row = &row[at..=at + (KERNEL - 1) * vectors];
                for (t, weights) in taps.iter().enumerate() {
                    let values = row[t * vectors];
                    for lane in 0..WIDTH {
                        sum[lane] += values[lane] * weights[lane];
                    }
                }
            }
            *output = sum;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Numbers from -1 to 1 that look random and are the same everywhere.
    fn floats(len: usize, seed: u32) -> Vec<f32> {
        let mut state = seed;
        let next = |_| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (state >> 8) as f32 / (1 << 23) as f32 - 1.0
        };
        (0..len).map(next).collect()
    }

    #[track_caller]
    fn assert_close(actual: &[f32], expected: &[f32]) {
        assert_eq!(actual.len(), expected.len());
        for (place, (actual, expected)) in actual.iter().zip(expected).enumerate() {
            assert!((actual - expected).abs() < 1e-4, "{place}: {actual}, not {expected}");
        }
    }

    #[test]
    fn convolutions_are_as_defined() {
        let check = |channels_in: usize, channels: usize, pixels: usize, kernel: usize| {
            let width = pixels + kernel - 1;
            let input = floats(kernel * width * channels_in, 1);
            let weights = floats(kernel * kernel * channels_in * channels, 2);
            let bias = floats(channels, 3);
            let convolution = Convolution::new(&weights, &bias);
            assert_eq!(convolution.channels(), channels.next_multiple_of(LANES));
            let (stride, length) = (width * channels_in, kernel * channels_in);
            let runs = Runs { count: kernel, stride, length };
            let mut output = vec![f32::NAN; pixels * convolution.channels()];
            convolution.row(&input, (runs, channels_in, pixels), &mut output);
            for (x, output) in output.chunks(convolution.channels()).enumerate() {
                let mut expected = bias.clone();
                for (k, weights) in weights.chunks(channels).enumerate() {
                    let value = input[k / length * stride + x * channels_in + k % length];
                    for (sum, weight) in expected.iter_mut().zip(weights) {
                        *sum += value * weight;
                    }
                }
                assert_close(&output[..channels], &expected);
                assert!(output[channels..].iter().all(|&value| value == 0.0));
            }
        };
        // The first layers, the last one, and every number of pixels around the tiles.
        check(3, 16, 40, 3);
        check(3, 32, 14, 3);
        check(512, 25, 13, 1);
        check(128, 136, 1, 1);
        for pixels in 1..=14 {
            check(16, 32, pixels, 1);
        }
    }

    #[test]
    fn separable_convolutions_are_as_defined() {
        let check = |channels: usize, out: usize, pixels: usize, stride: usize| {
            let width = (pixels - 1) * stride + KERNEL;
            let input = floats(KERNEL * width * channels, 4);
            let filter = floats(KERNEL * KERNEL * channels, 5);
            let (pointwise, bias) = (floats(channels * out, 6), floats(out, 7));
            let layer = Separable {
                filter: filter.as_chunks().0.to_vec(),
                pointwise: Convolution::new(&pointwise, &bias),
            };
            assert_eq!((layer.channels_in(), layer.channels()), (channels, out));
            let rows = std::array::from_fn(|y| &input[y * width * channels..][..width * channels]);
            let mut middle = vec![f32::NAN; pixels * channels + 3];
            let mut output = vec![f32::NAN; pixels * out];
            layer.row(rows, (stride, pixels), &mut middle, &mut output);
            for (x, output) in output.chunks(out).enumerate() {
                let mut expected = bias.clone();
                for channel in 0..channels {
                    let mut sum = 0.0;
                    for (y, row) in rows.iter().enumerate() {
                        for t in 0..KERNEL {
                            let value = row[(x * stride + t) * channels + channel];
                            sum += value * filter[(y * KERNEL + t) * channels + channel];
                        }
                    }
                    for (expected, weight) in expected.iter_mut().zip(&pointwise[channel * out..]) {
                        *expected += sum * weight;
                    }
                }
                assert_close(output, &expected);
            }
        };
        check(16, 32, 7, 1);
        check(32, 64, 14, 2);
        check(128, 256, 3, 1);
        check(64, 128, 1, 2);
    }
}
