//! A convolution over one row of pixels with weights in float32, for the project's other networks.
//! They have few weights, so these stay decoded.

pub use super::kernels::{LANES, Runs};
use super::kernels::{Tile, gemm_f32_rx8, tiles, with_rows};

/// The weights of eight output channels.
#[derive(Clone, Copy, Debug)]
pub struct Panel<'a> {
    /// For each float that is read, in this order, the weight of each channel.
    pub weights: &'a [[f32; LANES]],
    /// The value of each channel before anything is added.
    pub bias: &'a [f32; LANES],
}

/// Computes eight channels of `pixels` output pixels. The first pixel reads `runs` from the
/// beginning of `input`, and each further one `step` floats later. The results go to `output`: the
/// first to its beginning, and each further one `every` places later.
///
/// # Panics
/// When the input or the panel is shorter than what is read, or the output than what is written.
pub fn convolve(
    input: &[f32],
    (runs, step, pixels): (Runs, usize, usize),
    panel: Panel<'_>,
    output: &mut [[f32; LANES]],
    every: usize,
) {
    for pixels in tiles(0..pixels) {
        let first = pixels.start * step;
        with_rows!(pixels.len(), R => {
            for (pixel, sums) in pixels.zip(tile::<R>(input, (first, step), runs, panel)) {
                output[pixel * every] = sums;
            }
        });
    }
}

#[inline(never)]
fn tile<const R: usize>(
    input: &[f32],
    (first, step): (usize, usize),
    runs: Runs,
    panel: Panel<'_>,
) -> Tile<R> {
    let rows = std::array::from_fn(|row| first + row * step);
    let mut tile = [*panel.bias; R];
    gemm_f32_rx8(input, &rows, runs, panel.weights, &mut tile);
    tile
}
