//! The layers as plain loops over whole maps, in float64, which define what they compute. The
//! networks are tested against these.

use crate::weights::Reader;

/// A feature map: rows, columns, channels.
#[derive(Clone)]
pub(crate) struct Map {
    pub(crate) height: usize,
    pub(crate) width: usize,
    pub(crate) channels: usize,
    pub(crate) data: Vec<f64>,
}

impl Map {
    pub(crate) fn new(height: usize, width: usize, channels: usize) -> Self {
        Self { height, width, channels, data: vec![0.0; height * width * channels] }
    }

    fn at(&self, y: isize, x: isize, channel: usize) -> Option<f64> {
        let [height, width] = [self.height, self.width].map(|side| side as isize);
        let inside = (0..height).contains(&y) && (0..width).contains(&x);
        let place = (y * width + x) * self.channels as isize;
        inside.then(|| self.data[place as usize + channel])
    }

    /// A value for each place of a map of another shape.
    fn filled(
        height: usize,
        width: usize,
        channels: usize,
        value: impl Fn(isize, isize, usize) -> f64,
    ) -> Self {
        let mut map = Self::new(height, width, channels);
        for (place, target) in map.data.iter_mut().enumerate() {
            let pixel = place / channels;
            *target = value((pixel / width) as isize, (pixel % width) as isize, place % channels);
        }
        map
    }

    /// A convolution of 3x3 that begins `before` pixels above and left of the map.
    pub(crate) fn convolve(
        &self,
        (filter, bias): (&[f32], &[f32]),
        (stride, before): (isize, isize),
        [height, width]: [usize; 2],
    ) -> Self {
        let channels = bias.len();
        Self::filled(height, width, channels, |y, x, channel| {
            let mut sum = f64::from(bias[channel]);
            for tap in 0..9 {
                let (down, right) = (tap as isize / 3, tap as isize % 3);
                let (y, x) = (stride * y + down - before, stride * x + right - before);
                for from in 0..self.channels {
                    let weight = filter[(tap * self.channels + from) * channels + channel];
                    sum += self.at(y, x, from).unwrap_or(0.0) * f64::from(weight);
                }
            }
            sum
        })
    }

    /// The next separable convolution of a file.
    pub(crate) fn separable(
        &self,
        reader: &mut Reader<'_>,
        name: &str,
        (stride, before): (isize, isize),
    ) -> Self {
        let filter = reader.next(&format!("{name}/depthwise_filter"));
        let pointwise = reader.next(&format!("{name}/pointwise_filter"));
        let bias = reader.next(&format!("{name}/bias"));
        let [height, width] = [self.height, self.width].map(|side| side / stride as usize);
        let middle = Self::filled(height, width, self.channels, |y, x, channel| {
            let tap = |tap: usize| {
                let (down, right) = (tap as isize / 3, tap as isize % 3);
                let value =
                    self.at(stride * y + down - before, stride * x + right - before, channel);
                value.unwrap_or(0.0) * f64::from(filter[tap * self.channels + channel])
            };
            (0..9).map(tap).sum()
        });
        middle.pointwise(&pointwise, &bias)
    }

    /// A convolution of 1x1.
    pub(crate) fn pointwise(&self, weights: &[f32], bias: &[f32]) -> Self {
        let channels = bias.len();
        Self::filled(self.height, self.width, channels, |y, x, channel| {
            let product = |from: usize| {
                let weight = weights[from * channels + channel];
                self.at(y, x, from).unwrap_or(0.0) * f64::from(weight)
            };
            f64::from(bias[channel]) + (0..self.channels).map(product).sum::<f64>()
        })
    }

    /// The largest of 2x2.
    pub(crate) fn pool(&self, stride: usize) -> Self {
        let [height, width] = [self.height, self.width].map(|side| side.div_ceil(stride));
        Self::filled(height, width, self.channels, |y, x, channel| {
            let stride = stride as isize;
            let taps = [(0, 0), (0, 1), (1, 0), (1, 1)];
            let values =
                taps.map(|(down, right)| self.at(stride * y + down, stride * x + right, channel));
            values.into_iter().flatten().fold(f64::NEG_INFINITY, f64::max)
        })
    }

    /// Each value changed.
    pub(crate) fn map(mut self, change: impl Fn(f64) -> f64) -> Self {
        for value in &mut self.data {
            *value = change(*value);
        }
        self
    }

    /// The sum of two maps.
    pub(crate) fn plus(mut self, other: &Self) -> Self {
        for (value, other) in self.data.iter_mut().zip(&other.data) {
            *value += other;
        }
        self
    }
}

/// Asserts that numbers are as they should be, to a share of the largest.
#[track_caller]
pub(crate) fn assert_close(actual: impl IntoIterator<Item = f32>, expected: &[f64]) {
    let largest = expected.iter().fold(0.0, |largest: f64, value| largest.max(value.abs()));
    assert!(largest > 0.01, "there is something to compare");
    let actual: Vec<f32> = actual.into_iter().collect();
    assert_eq!(actual.len(), expected.len());
    for (place, (&actual, expected)) in actual.iter().zip(expected).enumerate() {
        let difference = (f64::from(actual) - expected).abs();
        assert!(difference < 1e-4 * largest, "{place}: {actual}, not {expected}");
    }
}
