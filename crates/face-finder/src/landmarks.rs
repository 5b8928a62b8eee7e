//! The landmarks of a face: face-api's tiny network for 68 points. Three blocks of three layers;
//! within a block the outputs of all earlier layers are added up.

use facenet::simd::row::Runs;

use crate::geometry::{Point, Rectangle};
use crate::layers::{Convolution, KERNEL, Separable};
use crate::picture::{Picture, Region};
use crate::scale;
use crate::weights::Reader;

/// How many landmarks a face has, in the order of the iBUG 300-W annotation: chin 0 to 16, eyebrows
/// 17 to 26, nose 27 to 35, eyes 36 to 47, mouth 48 to 67.
pub const COUNT: usize = 68;

/// Side of the input in pixels.
pub(crate) const SIDE: usize = 112;

/// What is subtracted from red, green and blue; then all are divided by [`DIVISOR`]. Both are
/// face-api's (`TinyFaceFeatureExtractor.ts`).
const MEANS: [f32; 3] = [122.782, 117.001, 104.298];
const DIVISOR: f32 = 255.0;

/// Channels of the input.
const COLOURS: usize = MEANS.len();

pub(crate) struct Landmarks {
    first: Convolution,
    /// The layers of each block; of the first block, without the first layer.
    blocks: [Block; 3],
    last: Convolution,
}

struct Block {
    /// Of stride 2. The first block has none: its first layer is an ordinary convolution.
    first: Option<Separable>,
    second: Separable,
    third: Separable,
}

impl Landmarks {
    /// Takes its tensors, which are next.
    pub(crate) fn read(reader: &mut Reader<'_>) -> Self {
        let name = "dense0/conv0";
        let filters = reader.next(&format!("{name}/filters"));
        Self {
            first: Convolution::new(&filters, &reader.next(&format!("{name}/bias"))),
            blocks: std::array::from_fn(|block| {
                let mut layer =
                    |index| Separable::read(reader, &format!("dense{block}/conv{index}"));
                Block { first: (block > 0).then(|| layer(0)), second: layer(1), third: layer(2) }
            }),
            last: Convolution::new(&reader.next("fc/weights"), &reader.next("fc/bias")),
        }
    }

    /// The landmarks of the face in a box, or nothing when the box is outside the picture.
    ///
    /// face-api.js cuts the box out at whole pixels inside the picture. But it places the landmarks
    /// from the corner of the box as it was found, even where that is outside: then they are off
    /// towards that corner. This does the same, so that a face gets the same crop everywhere.
    pub(crate) fn find(&self, picture: &Picture<'_>, face: Rectangle) -> Option<[Point; COUNT]> {
        let region = Region::inside(face, picture)?;
        let shares = self.forward(&scale::centred(picture, region, SIDE));
        let [width, height] = scale::fitted(region, SIDE);
        let place = |share: f32, length: f64, of: usize| {
            let side = SIDE as f64;
            // Without the parts of the square that are beside the region.
            (f64::from(share) * side - (side - length) / 2.0) / length * of as f64
        };
        Some(shares.map(|[x, y]| Point {
            x: face.x + place(x, width, region.width),
            y: face.y + place(y, height, region.height),
        }))
    }

    /// The landmarks in a square of [`SIDE`] pixels, as shares of it from its left upper corner.
    pub(crate) fn forward(&self, square: &[[u8; 3]]) -> [[f32; 2]; COUNT] {
        let mut middle = Vec::new();
        let mut map = self.first_layer(square);
        for block in &self.blocks {
            let first = match &block.first {
                None => map,
                Some(layer) => {
                    let mut first = map.convolve(layer, 2, &mut middle);
                    first.relu();
                    first
                }
            };
            let second = first.convolve(&block.second, 1, &mut middle);
            let mut sum = second.plus(&first);
            sum.relu();
            let third = sum.convolve(&block.third, 1, &mut middle);
            map = second.plus(&third).plus(&first);
            map.relu();
        }
        let mean = map.mean();
        let mut output = vec![0.0; self.last.channels()];
        self.last.row(&mean, (Runs::one(mean.len()), 0, 1), &mut output);
        let (points, _) = output.as_chunks();
        std::array::from_fn(|index| points[index])
    }

    fn first_layer(&self, square: &[[u8; 3]]) -> Map {
        let mut input = Map::new(SIDE, COLOURS);
        for (y, pixels) in square.chunks_exact(SIDE).enumerate() {
            let row = input.row_mut(y).as_chunks_mut::<COLOURS>().0;
            for (values, pixel) in row.iter_mut().zip(pixels) {
                *values = std::array::from_fn(|colour| {
                    (f32::from(pixel[colour]) - MEANS[colour]) / DIVISOR
                });
            }
        }
        let mut output = Map::new(SIDE / 2, self.first.channels());
        let (stride, length) = (input.stride(), KERNEL * COLOURS);
        let runs = Runs { count: KERNEL, stride, length };
        for y in 0..output.side {
            let pixels = output.side;
            self.first.row(
                input.from((2 * y) as isize, 0),
                (runs, 2 * COLOURS, pixels),
                output.row_mut(y),
            );
        }
        output.relu();
        output
    }
}

/// A square feature map with a border of one zero pixel.
struct Map {
    side: usize,
    channels: usize,
    data: Vec<f32>,
}

impl Map {
    fn new(side: usize, channels: usize) -> Self {
        Self { side, channels, data: vec![0.0; (side + 2) * (side + 2) * channels] }
    }

    /// Numbers from one row to the next.
    const fn stride(&self) -> usize {
        (self.side + 2) * self.channels
    }

    /// All numbers from a pixel on. The border is at -1.
    fn from(&self, y: isize, x: isize) -> &[f32] {
        &self.data[self.place(y, x)..]
    }

    fn place(&self, y: isize, x: isize) -> usize {
        let [y, x] = [y, x].map(|place| (place + 1) as usize);
        y * self.stride() + x * self.channels
    }

    /// A row without the border.
    fn row_mut(&mut self, y: usize) -> &mut [f32] {
        let place = self.place(y as isize, 0);
        &mut self.data[place..][..self.side * self.channels]
    }

    fn rows_mut(&mut self) -> impl Iterator<Item = &mut [f32]> {
        let (stride, channels, length) = (self.stride(), self.channels, self.side * self.channels);
        let rows = self.data.chunks_exact_mut(stride).skip(1).take(self.side);
        rows.map(move |row| &mut row[channels..][..length])
    }

    /// A layer over the map. The padding is TensorFlow's `same`: with stride 1 a pixel on each
    /// side, with stride 2 one pixel at the right and below.
    fn convolve(&self, layer: &Separable, stride: usize, middle: &mut Vec<f32>) -> Self {
        let mut output = Self::new(self.side / stride, layer.channels());
        middle.resize(output.side * self.channels, 0.0);
        let before = if stride == 1 { -1 } else { 0 };
        for y in 0..output.side {
            let first = (stride * y) as isize + before;
            let rows = [0, 1, 2].map(|row| self.from(first + row, before));
            let pixels = output.side;
            layer.row(rows, (stride, pixels), middle, output.row_mut(y));
        }
        output
    }

    /// The sum with a map of the same shape.
    fn plus(&self, other: &Self) -> Self {
        let data = self.data.iter().zip(&other.data).map(|(a, b)| a + b).collect();
        Self { data, ..*self }
    }

    fn relu(&mut self) {
        for value in &mut self.data {
            *value = if *value < 0.0 { 0.0 } else { *value };
        }
    }

    /// The mean of each channel.
    fn mean(&mut self) -> Vec<f32> {
        let mut means = vec![0.0; self.channels];
        let (channels, pixels) = (self.channels, self.side * self.side);
        for row in self.rows_mut() {
            for pixel in row.chunks_exact(channels) {
                for (sum, value) in means.iter_mut().zip(pixel) {
                    *sum += value;
                }
            }
        }
        for sum in &mut means {
            *sum /= pixels as f32;
        }
        means
    }
}

#[cfg(test)]
mod tests;
