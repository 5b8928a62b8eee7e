//! The engine's parts without a record: convolutions against their definition.
//!
//! The functions are also a list, because they run twice: as tests natively and, where there is
//! no test harness, from the list in WebAssembly (`examples/engine`).
#![expect(clippy::float_cmp, reason = "pooling copies numbers")]

use super::conv::{Finish, convolve, max_pool_3x3_s2};
use super::kernels::tests::Numbers;
use super::kernels::{LANES, f16_to_f32};
use super::map::{Map, Shape};
use super::scratch::Scratch;
use super::weights::Conv;
use super::winograd::{self, Scheme};

pub(super) fn random_map(shape: Shape, numbers: &mut Numbers) -> Map {
    let mut map = Map::new(shape);
    let planes = numbers.floats(shape.pixels() * shape.channels);
    map.read_planes(&planes);
    map
}

pub(super) fn random_conv(
    input: usize,
    out: usize,
    kernel: [usize; 2],
    numbers: &mut Numbers,
) -> Conv {
    let mut conv = Conv::new(input, out, kernel);
    // Between -2 and 2, in steps that float16 has.
    for row in &mut conv.weights {
        for column in 0..LANES {
            row.set(column, (numbers.half() & 0x83ff) | 0x3400 | (numbers.half() & 0x0800));
        }
    }
    for bias in &mut conv.bias {
        *bias = numbers.float();
    }
    conv
}

/// One output of a convolution by its definition, before `ReLU`.
fn defined(conv: &Conv, stride: usize, input: &Map, (y, x, out): (usize, usize, usize)) -> f64 {
    let shape = input.shape;
    let mut sum = f64::from(conv.bias[out]);
    for ky in 0..conv.kernel[0] {
        for kx in 0..conv.kernel[1] {
            for channel in 0..shape.channels {
                let pixel = (y * stride + ky) * shape.row() + (x * stride + kx) * shape.channels;
                let weight = conv.get(out, ky * conv.kernel[1] + kx, channel);
                sum += f64::from(input.data[pixel + channel]) * f64::from(f16_to_f32(weight));
            }
        }
    }
    sum
}

/// How a convolution is to be computed.
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
        let conv = random_conv(input.channels, out, kernel, &mut numbers);
        let input = random_map(input, &mut numbers);
        let side = |side, border, kernel| (side + 2 * border - kernel) / stride + 1;
        let shape = input.shape;
        let height = side(shape.height, shape.border[0], kernel[0]);
        let width = side(shape.width, shape.border[1], kernel[1]);
        // Into the middle of more channels, within a border: the rest must stay as it is.
        let (at, border) = (LANES, [1, 2]);
        let target = Shape::new(height, width, out + 3 * LANES).within(border);
        let other = random_map(target, &mut numbers);
        let mut output = Map::new(target);
        output.data.fill(f32::NAN);
        let scale = 0.17;
        let finish = if residual {
            Finish::Residual { residual: &other, scale, relu: false }
        } else {
            Finish::Relu
        };
        let mut scratch = Scratch::new();
        if by_winograd {
            let scheme = winograd::scheme(&conv, stride, target);
            let scheme = scheme.expect("these are done by Winograd's");
            let output = (&mut output, at);
            winograd::convolve(scheme, &conv, &input, output, &mut scratch.winograd);
        } else {
            convolve(&conv, stride, &input, (&mut output, at), finish, &mut scratch.conv);
        }
        let tolerance = 1e-5 * conv.depth() as f64;
        for y in 0..height {
            for x in 0..width {
                for channel in 0..out {
                    let place = target.pixel(y, x) + at + channel;
                    let sum = defined(&conv, stride, &input, (y, x, channel));
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
    let scheme = |side, input, out, kernel, stride| {
        winograd::scheme(&Conv::new(input, out, kernel), stride, Shape::new(side, side, out))
    };
    assert_eq!(scheme(77, 32, 32, [3, 3], 1), Some(Scheme::F4x3), "conv2d_2a");
    assert_eq!(scheme(77, 32, 64, [3, 3], 1), Some(Scheme::F4x3), "conv2d_2b");
    assert_eq!(scheme(36, 80, 192, [3, 3], 1), Some(Scheme::F4x3), "conv2d_4a");
    assert_eq!(scheme(17, 32, 32, [3, 3], 1), Some(Scheme::F4x3), "block35");
    assert_eq!(scheme(17, 192, 192, [3, 3], 1), Some(Scheme::F4x3), "mixed_6a.branch1.1");
    assert_eq!(scheme(8, 256, 256, [3, 3], 1), Some(Scheme::F4x3), "mixed_7a.branch2.1");
    assert_eq!(scheme(17, 192, 256, [3, 3], 2), Some(Scheme::F3x3Stride2), "conv2d_4b");
    assert_eq!(scheme(8, 128, 128, [1, 7], 1), Some(Scheme::Across), "block17");
    assert_eq!(scheme(8, 128, 128, [7, 1], 1), Some(Scheme::Down), "block17");
    assert_eq!(scheme(79, 4, 32, [3, 3], 2), None, "conv2d_1a");
    assert_eq!(scheme(38, 64, 80, [1, 1], 1), None, "conv2d_3b");
    assert_eq!(scheme(8, 256, 384, [3, 3], 2), None, "mixed_6a.branch0");
    assert_eq!(scheme(3, 192, 192, [1, 3], 1), None, "block8");
}

fn pooling_takes_the_largest() {
    let input = random_map(Shape::new(7, 9, 8), &mut Numbers::new(1));
    let mut output = Map::new(Shape::new(3, 4, 24));
    max_pool_3x3_s2(&input, (&mut output, 8));
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
    tiles: crate::simd::kernels::tests::rows_are_dealt_out_evenly;
    madd: crate::simd::kernels::tests::madd_f32_x4_is_as_its_twin;
    decode: crate::simd::kernels::tests::decode_f16_x4_is_as_its_twin;
    decoded: crate::simd::kernels::tests::decoded_f16_is_what_the_format_says;
    direct: crate::simd::tests::direct_convolutions_are_as_defined;
    winograd: crate::simd::tests::winograd_is_as_defined;
    choice: crate::simd::tests::winograd_is_chosen_where_it_pays;
    pooling: crate::simd::tests::pooling_takes_the_largest;
}
