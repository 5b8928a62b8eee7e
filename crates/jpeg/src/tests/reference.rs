//! A decoder in real numbers, as the standard has it, of pictures whose coefficients are known.

use std::f64::consts::PI;

use super::encoder::{Channel, Picture};

/// A channel's samples.
pub(super) struct Samples {
    size: [usize; 2],
    values: Vec<f64>,
}

/// The samples of a block, 8 x 8 (ITU-T T.81, A.3.3).
pub(super) fn block(coefficients: &[f64; 64]) -> [f64; 64] {
    let factor = |k: usize| if k == 0 { 0.5_f64.sqrt() } else { 1.0 };
    let cosine = |x: usize, k: usize| ((2 * x + 1) as f64 * k as f64 * PI / 16.0).cos();
    std::array::from_fn(|place| {
        let (y, x) = (place / 8, place % 8);
        let terms = coefficients.iter().enumerate().map(|(place, coefficient)| {
            let (v, u) = (place / 8, place % 8);
            factor(u) * factor(v) * coefficient * cosine(x, u) * cosine(y, v)
        });
        128.0 + terms.sum::<f64>() / 4.0
    })
}

/// Means of squares of samples, so that there are `side` x `side`.
pub(super) fn means(block: &[f64; 64], side: usize) -> Vec<f64> {
    let square = 8 / side;
    let mean = |place: usize| {
        let (y, x) = (place / side * square, place % side * square);
        let places = (0..square * square).map(|i| (y + i / square) * 8 + x + i % square);
        places.map(|place| block[place]).sum::<f64>() / (square * square) as f64
    };
    (0..side * side).map(mean).collect()
}

impl Samples {
    fn new(channel: &Channel, quantisation: &[u8; 64], side: usize, real: [usize; 2]) -> Self {
        let stride = channel.size[0] * side;
        let mut values = vec![0.0; stride * channel.size[1] * side];
        for (index, coefficients) in channel.coefficients.iter().enumerate() {
            let (row, column) = (index / channel.size[0], index % channel.size[0]);
            let dequantised = std::array::from_fn(|place| {
                f64::from(coefficients[place]) * f64::from(quantisation[place])
            });
            for (place, value) in means(&block(&dequantised), side).into_iter().enumerate() {
                let (y, x) = (row * side + place / side, column * side + place % side);
                values[y * stride + x] = value.clamp(0.0, 255.0);
            }
        }
        let rows = values.chunks_exact(stride).take(real[1]);
        Self { size: real, values: rows.flat_map(|row| &row[..real[0]]).copied().collect() }
    }

    fn at(&self, x: isize, y: isize) -> f64 {
        let [x, y] = [(x, 0), (y, 1)]
            .map(|(place, axis)| place.clamp(0, self.size[axis] as isize - 1) as usize);
        self.values[y * self.size[0] + x]
    }

    /// Twice as many across or down, three quarters of the nearest and one of the next.
    fn double(&self, axis: usize) -> Self {
        let mut size = self.size;
        size[axis] *= 2;
        let value = |place: usize| {
            let place = [place % size[0], place / size[0]];
            let nearest = [0, 1].map(|of| (place[of] / if of == axis { 2 } else { 1 }) as isize);
            let mut next = nearest;
            next[axis] += if place[axis].is_multiple_of(2) { -1 } else { 1 };
            0.75 * self.at(nearest[0], nearest[1]) + 0.25 * self.at(next[0], next[1])
        };
        Self { size, values: (0..size[0] * size[1]).map(value).collect() }
    }

    /// Each repeated.
    fn repeat(&self, times: [usize; 2]) -> Self {
        let size = [0, 1].map(|axis| self.size[axis] * times[axis]);
        let value = |place: usize| {
            let [x, y] = [place % size[0] / times[0], place / size[0] / times[1]];
            self.values[y * self.size[0] + x]
        };
        Self { size, values: (0..size[0] * size[1]).map(value).collect() }
    }
}

/// The channels of a picture, as large as it is, where a block of the finest one becomes `side` x
/// `side` pixels.
pub(super) fn channels(picture: &Picture, side: usize) -> Vec<Vec<f64>> {
    let all = &picture.channels;
    let finest = [0, 1].map(|axis| all.iter().map(|channel| channel.blocks[axis]).max().unwrap());
    let scaled = picture.size.map(|of| (of * side).div_ceil(8));
    let channel = |channel: &Channel| {
        let coarser = [0, 1].map(|axis| finest[axis] / channel.blocks[axis]);
        // A block may have up to 8 x 8 samples before they are repeated.
        let (mut block, mut times) = (side, coarser);
        while block < 8 && times.iter().all(|times| times % 2 == 0) {
            block *= 2;
            times = times.map(|times| times / 2);
        }
        let real = [0, 1].map(|axis| {
            (picture.size[axis] * channel.blocks[axis] * block).div_ceil(8 * finest[axis])
        });
        let samples = Samples::new(channel, &picture.quantisation, block, real);
        let large = match times {
            [1, 1] => samples,
            // As libjpeg does it.
            _ if real[0] <= 2 || side == 1 => samples.repeat(times),
            [2, 1] => samples.double(0),
            [1, 2] => samples.double(1),
            [2, 2] => samples.double(0).double(1),
            times => samples.repeat(times),
        };
        let rows = large.values.chunks_exact(large.size[0]).take(scaled[1]);
        rows.flat_map(|row| &row[..scaled[0]]).copied().collect()
    };
    all.iter().map(channel).collect()
}
