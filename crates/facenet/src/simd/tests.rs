//! The engine's parts without a record: convolutions against their definition.
//!
//! The tests run twice: natively by the test harness, and in WebAssembly, where there is no
//! harness, from the list [`ALL`] (`examples/engine`). So they are compiled into the library,
//! behind the feature `kernel-tests`.

#![expect(clippy::float_cmp, reason = "pooling copies numbers")]

use super::direct::{convolve, max_pool};
use super::feature_map::{FeatureMap, Shape};
use super::finish::Finish;
use super::kernels::tests::Numbers;
use super::kernels::{LANES, f16_to_f32};
use super::scratch::{Scratch, Sizes};
use super::weights::Conv;
use super::winograd::{self, Scheme};
use crate::Shard;
use crate::layers::Window;

pub(super) fn random_map(shape: Shape, numbers: &mut Numbers) -> FeatureMap {
    let mut map = FeatureMap::new(shape);
    let planes = numbers.floats(shape.pixels() * shape.channels);
    map.read_planes(&planes);
    map
}

/// Fills a convolution with weights from -2 to 2 that float16 has, and biases.
pub(super) fn randomise(conv: &mut Conv, numbers: &mut Numbers) {
    for row in &mut conv.weights {
        for column in 0..LANES {
            row.set(column, (numbers.half() & 0x83ff) | 0x3400 | (numbers.half() & 0x0800));
        }
    }
    for bias in &mut conv.bias {
        *bias = numbers.float();
    }
}

/// One output of a convolution by its definition, before `ReLU`.
fn defined(conv: &Conv, input: &FeatureMap, (y, x, out): (usize, usize, usize)) -> f64 {
    let Window { kernel: [height, width], stride, .. } = conv.window;
    let shape = input.shape;
    let mut sum = f64::from(conv.bias[out]);
    for ky in 0..height {
        for kx in 0..width {
            for channel in 0..shape.channels {
                let pixel = (y * stride + ky) * shape.row() + (x * stride + kx) * shape.channels;
                let weight = conv.get(out, ky * width + kx, channel);
                sum += f64::from(input.data[pixel + channel]) * f64::from(f16_to_f32(weight));
            }
        }
    }
    sum
}

/// A convolution whose padding is the border of its input.
#[derive(Clone, Copy, Debug)]
struct Case {
    input: Shape,
    kernel: [usize; 2],
    out: usize,
    stride: usize,
}

impl Case {
    #[track_caller]
    fn check(self, residual: bool, by_winograd: bool) {
        let Self { input, kernel, out, stride } = self;
        let mut numbers = Numbers::new(input.len() + out);
        let window = Window { kernel, stride, padding: input.border };
        let mut conv = Conv::new(input.channels, out, window);
        randomise(&mut conv, &mut numbers);
        let input = random_map(input, &mut numbers);
        let Shape { height, width, .. } = conv.output(input.shape);
        // The output has more channels on both sides, and a border, which must stay as they are.
        let (at, border) = (LANES, [1, 2]);
        let target = Shape::new(height, width, out + 3 * LANES).within(border);
        let other = random_map(target, &mut numbers);
        let mut output = FeatureMap::new(target);
        output.data.fill(f32::NAN);
        let scale = 0.17;
        let finish = if residual {
            Finish::Residual { residual: &other, scale, relu: false }
        } else {
            Finish::Relu
        };
        let mut sizes = Sizes::default();
        if by_winograd {
            let scheme = winograd::scheme(&conv, target).expect("Winograd's pays here");
            sizes.winograd.include(scheme, &conv, target);
            let output = (&mut output, at);
            winograd::convolve(scheme, &conv, &input, output, &mut Scratch::new(sizes).winograd);
        } else {
            sizes.direct.include(&conv, target);
            let output = (&mut output, at);
            convolve(&conv, &input, output, finish, &mut Scratch::new(sizes).direct);
        }
        let tolerance = 1e-5 * conv.depth() as f64;
        for y in 0..height {
            for x in 0..width {
                for channel in 0..out {
                    let place = target.pixel(y, x) + at + channel;
                    let sum = defined(&conv, &input, (y, x, channel));
                    let expected = if residual {
                        f64::from(other.data[place]) + f64::from(scale) * sum
                    } else {
                        sum.max(0.0)
                    };
                    let actual = std::mem::replace(&mut output.data[place], f32::NAN);
                    let difference = (f64::from(actual) - expected).abs();
                    assert!(difference <= tolerance, "{self:?} {y} {x} {channel}: {difference}");
                }
            }
        }
        assert!(output.data.iter().all(|value| value.is_nan()), "{self:?}: written elsewhere");
    }
}

fn direct_convolutions_are_as_defined() {
    let check = |input, kernel, out, stride| {
        let case = Case { input, kernel, out, stride };
        case.check(false, false);
        case.check(true, false);
    };
    // Every kernel, stride and padding of the network, on few pixels and channels.
    check(Shape::new(9, 7, 4), [3, 3], 8, 2);
    check(Shape::new(5, 5, 8), [3, 3], 16, 1);
    check(Shape::new(4, 5, 8).within([1, 1]), [3, 3], 8, 1);
    check(Shape::new(3, 3, 24), [1, 1], 24, 1);
    check(Shape::new(4, 4, 12).within([0, 3]), [1, 7], 8, 1);
    check(Shape::new(4, 4, 12).within([3, 0]), [7, 1], 8, 1);
    check(Shape::new(3, 3, 12).within([0, 1]), [1, 3], 8, 1);
    check(Shape::new(3, 3, 12).within([1, 0]), [3, 1], 8, 1);
    // More input than is decoded at a time.
    check(Shape::new(3, 3, 516), [1, 1], 8, 1);
    check(Shape::new(7, 7, 88), [3, 3], 16, 2);
    // Every number of pixels around the tiles.
    for pixels in 1..=14 {
        check(Shape::new(1, pixels, 4), [1, 1], 8, 1);
    }
}

fn winograd_is_as_defined() {
    let check = |input: Shape, kernel, out, stride| {
        Case { input, kernel, out, stride }.check(false, true);
    };
    // Whole tiles, and every remainder; several blocks of tiles; the most channels.
    check(Shape::new(16, 16, 32).within([1, 1]), [3, 3], 8, 1);
    check(Shape::new(19, 17, 32), [3, 3], 16, 1);
    check(Shape::new(14, 15, 40).within([1, 1]), [3, 3], 8, 1);
    check(Shape::new(54, 51, 32), [3, 3], 8, 1);
    check(Shape::new(17, 17, 192).within([1, 1]), [3, 3], 8, 1);
    check(Shape::new(8, 8, 256).within([1, 1]), [3, 3], 8, 1);
    for width in 4..=9 {
        check(Shape::new(3, width, 32).within([0, 3]), [1, 7], 8, 1);
        check(Shape::new(width, 3, 32).within([3, 0]), [7, 1], 16, 1);
    }
    for side in [31, 32, 33, 34, 35, 36] {
        check(Shape::new(side, 37, 32), [3, 3], 8, 2);
    }
    check(Shape::new(36, 36, 192), [3, 3], 8, 2);
}

fn winograd_is_chosen_where_it_pays() {
    let layers = Shard::ALL.map(Shard::layers).concat();
    let scheme = |name: &str| {
        let layer = layers.iter().find(|layer| layer.name == name).expect("a layer's name");
        let conv = Conv::of(layer).expect("a convolution");
        winograd::scheme(&conv, Shape::of(layer.output(), [0, 0]))
    };
    assert_eq!(scheme("conv2d_2a"), Some(Scheme::F4x3));
    assert_eq!(scheme("conv2d_2b"), Some(Scheme::F4x3));
    assert_eq!(scheme("conv2d_4a"), Some(Scheme::F4x3));
    assert_eq!(scheme("repeat_1.0.branch1.1"), Some(Scheme::F4x3));
    assert_eq!(scheme("mixed_6a.branch1.1"), Some(Scheme::F4x3));
    assert_eq!(scheme("mixed_7a.branch2.1"), Some(Scheme::F4x3));
    assert_eq!(scheme("conv2d_4b"), Some(Scheme::F3x3Stride2));
    assert_eq!(scheme("repeat_2.0.branch1.1"), Some(Scheme::Across));
    assert_eq!(scheme("repeat_2.0.branch1.2"), Some(Scheme::Down));
    assert_eq!(scheme("conv2d_1a"), None);
    assert_eq!(scheme("conv2d_3b"), None);
    assert_eq!(scheme("mixed_6a.branch0"), None);
    assert_eq!(scheme("block8.branch1.1"), None);
}

fn pooling_takes_the_largest() {
    let input = random_map(Shape::new(7, 9, 8), &mut Numbers::new(1));
    let mut output = FeatureMap::new(Shape::new(3, 4, 24));
    max_pool(&input, (&mut output, 8));
    for (y, x, channel) in [(0, 0, 0), (2, 3, 7), (1, 2, 3)] {
        let window = (0..9).map(|tap| (2 * y + tap / 3, 2 * x + tap % 3));
        let values = window.map(|(y, x)| input.data[input.shape.pixel(y, x) + channel]);
        let largest = values.fold(f32::NEG_INFINITY, f32::max);
        assert_eq!(output.data[output.shape.pixel(y, x) + 8 + channel], largest);
        assert_eq!(output.data[output.shape.pixel(y, x) + channel], 0.0);
    }
}

macro_rules! all {
    ($($name:ident: $test:path;)*) => {
        /// Every test of the kernels and what stands on them, by name.
        #[cfg(feature = "kernel-tests")]
        pub const ALL: &[(&str, fn())] = &[$((stringify!($name), $test)),*];

        #[cfg(test)]
        mod run {
            $(
                #[test]
                fn $name() {
                    $test();
                }
            )*
        }
    };
}

all! {
    gemm: crate::simd::kernels::tests::gemm_f32_rx8_is_as_its_twin;
    tiles: crate::simd::kernels::tests::rows_are_cut_evenly;
    madd: crate::simd::kernels::tests::madd_f32_x4_is_as_its_twin;
    decode: crate::simd::kernels::tests::decode_f16_x4_is_as_its_twin;
    decoded: crate::simd::kernels::tests::decoded_f16_is_what_the_format_says;
    gemm_bytes: crate::simd::kernels::tests::gemm_i8_rx8_is_as_its_twin;
    round_bytes: crate::simd::kernels::tests::round_bytes_is_as_its_twin;
    largest_bits: crate::simd::kernels::tests::largest_bits_is_as_its_twin;
    overflow: crate::simd::kernels::tests::no_sum_overflows;
    round: crate::simd::kernels::tests::numbers_are_rounded_to_the_nearest_byte;
    largest: crate::simd::kernels::tests::the_largest_is_noticed_anywhere;
    direct: crate::simd::tests::direct_convolutions_are_as_defined;
    winograd: crate::simd::tests::winograd_is_as_defined;
    integers: crate::simd::int8::tests::integer_convolutions_are_as_defined;
    extremes: crate::simd::int8::tests::extreme_sums_are_those_of_floats;
    rounded_weights: crate::simd::int8::tests::weights_are_rounded_by_channel;
    rounded_maps: crate::simd::int8::tests::maps_are_rounded_by_pixel_or_as_a_whole;
    rounded_borders: crate::simd::int8::tests::borders_are_rounded_to_zeros;
    choice: crate::simd::tests::winograd_is_chosen_where_it_pays;
    pooling: crate::simd::tests::pooling_takes_the_largest;
}
