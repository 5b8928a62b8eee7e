//! Pictures in: the 160x160 RGB crop that FaceNet takes, and its input tensor. With the feature
//! `image` a crop can be read from a picture file and written to one.

#[cfg(feature = "image")]
mod file;

#[cfg(feature = "image")]
pub use file::{BACKGROUND, ImageError};

use crate::layers::INPUT_SIDE;

/// Bytes of a [`Face`]: 160 x 160 pixels of RGB.
pub const FACE_BYTES: usize = INPUT_SIDE * INPUT_SIDE * 3;

/// Which pictures to decode. They are checked against the file's header before any pixel is
/// decoded, because a small file can hold a huge picture.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Smallest width and height in pixels.
    pub side_min: u32,
    /// Largest width and height in pixels.
    pub side_max: u32,
    /// Largest width times height in pixels.
    pub pixels_max: u64,
    /// Most bytes that the pixels may take as the file stores them (with 16 bits a channel and
    /// transparency, eight a pixel), and that a PNG's compressed metadata may expand to.
    pub decoded_bytes_max: u64,
}

impl Limits {
    /// Only crops: pictures that are 160x160 already.
    pub const CROP: Self = {
        let side = INPUT_SIDE as u32;
        Self {
            side_min: side,
            side_max: side,
            pixels_max: side as u64 * side as u64,
            decoded_bytes_max: 1 << 20,
        }
    };
}

/// A picture of one face, 160x160 pixels, RGB, eight bits a channel.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Face(Vec<u8>);

impl Face {
    /// A face from raw pixels, or nothing when there are not [`FACE_BYTES`] of them.
    #[must_use]
    pub fn from_rgb(bytes: Vec<u8>) -> Option<Self> {
        (bytes.len() == FACE_BYTES).then_some(Self(bytes))
    }

    /// The pixels, row by row, RGB.
    #[must_use]
    pub fn rgb(&self) -> &[u8] {
        &self.0
    }

    /// The input of shard 1, `[1, 3, 160, 160]`: `(x - 127.5) / 128`, the fixed standardisation
    /// that the published weights were trained with.
    #[must_use]
    pub fn input(&self) -> Vec<f32> {
        let (pixels, _) = self.0.as_chunks::<3>();
        let mut input = vec![0.0; FACE_BYTES];
        for (channel, plane) in input.chunks_exact_mut(pixels.len()).enumerate() {
            for (number, pixel) in plane.iter_mut().zip(pixels) {
                *number = (f32::from(pixel[channel]) - 127.5) / 128.0;
            }
        }
        input
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_face_has_all_its_pixels() {
        assert_eq!(Face::from_rgb(vec![7; FACE_BYTES]).unwrap().rgb(), vec![7; FACE_BYTES]);
        assert_eq!(Face::from_rgb(vec![0; FACE_BYTES - 1]), None);
        assert_eq!(Face::from_rgb(vec![0; FACE_BYTES + 1]), None);
    }

    #[test]
    fn the_input_is_planar_and_standardised() {
        let face = Face::from_rgb([0u8, 255, 128].repeat(INPUT_SIDE * INPUT_SIDE)).unwrap();
        let input = face.input();
        let plane = INPUT_SIDE * INPUT_SIDE;
        assert_eq!(input.len(), 3 * plane);
        let planes = [-127.5 / 128.0, 127.5 / 128.0, 0.5 / 128.0];
        for (values, expected) in input.chunks(plane).zip(planes) {
            assert!(values.iter().all(|value| (value - expected).abs() < 1e-7));
        }
    }
}
