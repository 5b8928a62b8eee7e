//! From lines of samples to lines of pixels, as libjpeg does it (`jdsample.c`, "fancy upsampling"):
//! a pixel is three quarters of the nearest sample and one of the next, across and down.

use crate::plane::Plane;

/// Where a channel's line of pixels is made.
#[derive(Default)]
pub(crate) struct Upsampler {
    /// A line of samples, with the first and the last one twice.
    samples: Vec<u16>,
    pixels: Vec<u8>,
}

impl Upsampler {
    /// Line `y` of a plane in which the row of units `unit` is.
    pub(crate) fn line<'a>(&'a mut self, plane: &'a Plane, y: usize, unit: usize) -> &'a [u8] {
        let [nearest, next] = plane.lines(y, unit);
        match plane.grain.pixels {
            [1, 1] => return nearest,
            [2, 1] if plane.is_smooth() => {
                self.pad(nearest.iter().map(|&sample| u16::from(sample)));
                self.double::<2>([1, 2]);
            }
            [2, 2] if plane.is_smooth() => {
                let mix = |(&nearest, &next)| 3 * u16::from(nearest) + u16::from(next);
                self.pad(nearest.iter().zip(next).map(mix));
                self.double::<4>([8, 7]);
            }
            [1, 2] if plane.is_smooth() => {
                let bias = if y.is_multiple_of(2) { 1 } else { 2 };
                let mix = |(&nearest, &next)| {
                    ((3 * u16::from(nearest) + u16::from(next) + bias) >> 2) as u8
                };
                self.pixels.clear();
                self.pixels.extend(nearest.iter().zip(next).map(mix));
            }
            [repeat, _] => {
                self.pixels.clear();
                let repeated = |&sample| std::iter::repeat_n(sample, repeat);
                self.pixels.extend(nearest.iter().flat_map(repeated));
            }
        }
        &self.pixels
    }

    fn pad(&mut self, samples: impl Iterator<Item = u16>) {
        self.samples.clear();
        self.samples.push(0);
        self.samples.extend(samples);
        let last = self.samples.last().copied().unwrap_or_default();
        self.samples.push(last);
        if let [first, second, ..] = self.samples.as_mut_slice() {
            *first = *second;
        }
    }

    /// Two pixels for each sample, which has `BITS - 2` bits behind the point. What is added before
    /// these and the quarters are cut off is `bias`, for the left and the right one.
    fn double<const BITS: u32>(&mut self, bias: [u16; 2]) {
        self.pixels.resize(2 * (self.samples.len() - 2), 0);
        let pixels = self.pixels.as_chunks_mut().0;
        for (samples, pixels) in self.samples.array_windows().zip(pixels) {
            let &[before, sample, behind] = samples;
            let mix = |next, bias| ((3 * sample + next + bias) >> BITS) as u8;
            *pixels = [mix(before, bias[0]), mix(behind, bias[1])];
        }
    }
}
