//! Feature maps: the values between two layers. Pixels lie row by row, the channels of a pixel
//! together (NHWC), inside a border of zeros as wide as the padding of the convolution that reads
//! them.

use std::ops::Range;

use super::aligned::Aligned;
use crate::layers::Size;

/// Channels are stored in multiples of this, so that pixels begin at a whole vector. Only the
/// picture has fewer, three; the fourth is zero.
pub(super) const CHANNELS_MULTIPLE: usize = 4;

/// The dimensions of a [`FeatureMap`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Shape {
    pub(super) height: usize,
    pub(super) width: usize,
    pub(super) channels: usize,
    /// Zero pixels above and below, and left and right.
    pub(super) border: [usize; 2],
}

impl Shape {
    pub(super) const fn new(height: usize, width: usize, channels: usize) -> Self {
        Self { height, width, channels, border: [0, 0] }
    }

    /// The same with a border.
    pub(super) const fn within(self, border: [usize; 2]) -> Self {
        Self { border, ..self }
    }

    /// A feature map of the network, read with this padding.
    pub(super) const fn of(size: Size, padding: [usize; 2]) -> Self {
        let channels = size.channels.next_multiple_of(CHANNELS_MULTIPLE);
        Self::new(size.height, size.width, channels).within(padding)
    }

    /// Floats from one row to the next.
    pub(super) const fn row(self) -> usize {
        self.line() * self.channels
    }

    /// Floats in all.
    pub(super) const fn len(self) -> usize {
        self.pixels_with_border() * self.channels
    }

    /// Bytes of a feature map.
    #[cfg(test)]
    pub(super) const fn bytes(self) -> usize {
        Aligned::<f32>::bytes(self.len())
    }

    pub(super) const fn pixels(self) -> usize {
        self.height * self.width
    }

    /// Pixels from the start of a row to the start of the next.
    pub(super) const fn line(self) -> usize {
        self.width + 2 * self.border[1]
    }

    pub(super) const fn pixels_with_border(self) -> usize {
        (self.height + 2 * self.border[0]) * self.line()
    }

    /// Where a pixel begins, counted without the border.
    pub(super) const fn pixel(self, y: usize, x: usize) -> usize {
        (y + self.border[0]) * self.row() + (x + self.border[1]) * self.channels
    }
}

/// A feature map. Its border is zero from the start and never written.
#[derive(Debug)]
pub(super) struct FeatureMap {
    pub(super) shape: Shape,
    pub(super) data: Aligned,
}

impl FeatureMap {
    pub(super) fn new(shape: Shape) -> Self {
        Self { shape, data: Aligned::new(shape.len()) }
    }

    /// Copies planes (CHW) in. Channels that the planes do not have stay as they are.
    pub(super) fn read_planes(&mut self, planes: &[f32]) {
        let Self { shape, data } = self;
        for (channel, plane) in planes.chunks_exact(shape.pixels()).enumerate() {
            for (y, row) in plane.chunks_exact(shape.width).enumerate() {
                for (x, &value) in row.iter().enumerate() {
                    data[shape.pixel(y, x) + channel] = value;
                }
            }
        }
    }

    /// Copies all planes (CHW) out.
    pub(super) fn to_planes(&self) -> Vec<f32> {
        self.planes(0..self.shape.channels)
    }

    /// Copies the planes (CHW) of some channels out.
    pub(super) fn planes(&self, channels: Range<usize>) -> Vec<f32> {
        let Self { shape, data } = self;
        let mut planes = vec![0.0; shape.pixels() * channels.len()];
        for (channel, plane) in channels.zip(planes.chunks_exact_mut(shape.pixels())) {
            for (y, row) in plane.chunks_exact_mut(shape.width).enumerate() {
                for (x, value) in row.iter_mut().enumerate() {
                    *value = data[shape.pixel(y, x) + channel];
                }
            }
        }
        planes
    }
}
