//! Convolutions in integers against their definition.

use super::{ByteConv, ByteMap, Factor, Packer, Scratch, Sizes, convolve};
use crate::layers::{Size, Window};
use crate::simd::feature_map::{FeatureMap, Shape};
use crate::simd::finish::Finish;
use crate::simd::kernels::LANES;
use crate::simd::kernels::tests::Numbers;
use crate::simd::tests::random_map;

/// A map without negative values.
fn positive_map(shape: Shape, numbers: &mut Numbers) -> FeatureMap {
    let mut map = random_map(shape, numbers);
    for value in &mut *map.data {
        *value = value.max(0.0);
    }
    map
}

fn rounded(map: &FeatureMap, factor: Factor) -> ByteMap {
    let mut bytes = ByteMap::new(map.shape, factor);
    bytes.round(map);
    bytes
}

/// The floats that a convolution is packed from, `[out][in][height][width]` and the biases. The
/// second channel is zero, the third a thousand times the others, and the fourth nowhere negative.
fn numbers_of(input: usize, out: usize, window: Window, numbers: &mut Numbers) -> Vec<f32> {
    let each = input * window.kernel[0] * window.kernel[1];
    let weight = |place: usize| {
        let number = numbers.float();
        match place / each {
            1 => 0.0,
            2 => 1e3 * number,
            3 => 2.0 + number,
            _ => number,
        }
    };
    let weights = (0..out * each).map(weight).collect::<Vec<_>>();
    [weights, numbers.floats(out)].concat()
}

fn packed(input: usize, out: usize, window: Window, all: &[f32]) -> ByteConv {
    let mut packer = Packer::of(ByteConv::new(input, out, window));
    for &number in all {
        packer.push(number);
    }
    packer.finish()
}

/// A convolution whose padding is the border of its input.
#[track_caller]
fn check(input: Shape, kernel: [usize; 2], out: usize, stride: usize) {
    let mut numbers = Numbers::new(input.len() + out);
    let window = Window { kernel, stride, padding: input.border };
    let all = numbers_of(input.channels, out, window, &mut numbers);
    let conv = packed(input.channels, out, window, &all);
    let map = positive_map(input, &mut numbers);
    let bytes = rounded(&map, conv.factor());
    let Shape { height, width, channels, .. } = input;
    let Size { height, width, .. } = window.output(Size { channels, height, width }, out);
    // The output has more channels on both sides, and a border, which must stay as they are.
    let (at, border) = (LANES, [1, 2]);
    let target = Shape::new(height, width, out + 3 * LANES).within(border);
    let other = random_map(target, &mut numbers);
    let mut sizes = Sizes::default();
    sizes.include(target);
    let mut scratch = Scratch::new(sizes);
    let residual = |relu| Finish::Residual { residual: &other, scale: 0.17, relu };
    for finish in [Finish::Relu, residual(true), residual(false)] {
        let mut output = FeatureMap::new(target);
        output.data.fill(f32::NAN);
        convolve(&conv, &bytes, (&mut output, at), finish, &mut scratch);
        for place in (0..target.pixels() * out).map(|it| (it / out, it % out)) {
            let (y, x, channel) = (place.0 / target.width, place.0 % target.width, place.1);
            let (mut sum, mut inputs) = (0, 0);
            for tap in 0..kernel[0] * kernel[1] {
                let row = (y * stride + tap / kernel[1]) * input.row();
                let pixel = row + (x * stride + tap % kernel[1]) * channels;
                for from in 0..channels {
                    let value = i32::from(bytes.bytes[pixel + from]);
                    sum += value * conv.get(channel, tap, from);
                    inputs += value;
                }
            }
            let [scale, offset, bias] = conv.channel(channel);
            let of_input = bytes.pixels[y * stride * input.line() + x * stride].scale;
            let sum = (sum as f32 * scale + inputs as f32 * offset) * of_input + bias;
            let place = target.pixel(y, x) + at + channel;
            let expected = match finish {
                Finish::Relu => sum.max(0.0),
                Finish::Residual { scale, relu, .. } => {
                    let sum = other.data[place] + scale * sum;
                    if relu { sum.max(0.0) } else { sum }
                }
            };
            let actual = std::mem::replace(&mut output.data[place], f32::NAN);
            assert_eq!(actual.to_bits(), expected.to_bits(), "{input:?} {y} {x} {channel}");
        }
        assert!(output.data.iter().all(|value| value.is_nan()), "{input:?}: written elsewhere");
    }
}

pub(in crate::simd) fn integer_convolutions_are_as_defined() {
    check(Shape::new(3, 3, 24), [1, 1], 24, 1);
    check(Shape::new(9, 7, 8), [3, 3], 8, 2);
    check(Shape::new(8, 8, 32), [3, 3], 16, 2);
    check(Shape::new(2, 2, 1792), [1, 1], 8, 1);
    check(Shape::new(5, 5, 256), [3, 3], 8, 2);
    check(Shape::new(8, 8, 16), [3, 3], 8, 1);
    // The border is read as zeros, or left out.
    check(Shape::new(9, 7, 8).within([1, 1]), [3, 3], 16, 1);
    check(Shape::new(8, 8, 8).within([0, 3]), [1, 7], 8, 1);
    check(Shape::new(8, 8, 8).within([3, 0]), [7, 1], 8, 1);
    check(Shape::new(3, 3, 16).within([0, 1]), [1, 3], 8, 1);
    check(Shape::new(3, 3, 16).within([1, 0]), [3, 1], 8, 1);
    // Every number of pixels around the tiles.
    for pixels in 1..=14 {
        check(Shape::new(1, pixels, 4), [1, 1], 8, 1);
    }
}

pub(in crate::simd) fn weights_are_rounded_by_channel() {
    let mut numbers = Numbers::new(7);
    let window = Window { kernel: [3, 3], stride: 2, padding: [0, 0] };
    let all = numbers_of(8, 16, window, &mut numbers);
    let conv = packed(8, 16, window, &all);
    for out in 0..16 {
        let [scale, offset, bias] = conv.channel(out);
        assert_eq!(bias.to_bits(), all[16 * 72 + out].to_bits());
        let weights = &all[out * 72..][..72];
        let rounded: Vec<i32> = (0..72).map(|at| conv.get(out, at % 9, at / 9)).collect();
        let mut lost = 0.0;
        for (weight, &rounded) in weights.iter().zip(&rounded) {
            let lost_here = weight - (rounded as f32 * scale + offset);
            // The offset has what was lost on average, at most half a step.
            assert!(lost_here.abs() <= 1.001 * scale, "{out}: {lost_here}, {scale}");
            lost += lost_here;
        }
        assert!(lost.abs() <= 0.01 * scale, "{out}: {lost}");
        let ends = [rounded.iter().min(), rounded.iter().max()];
        assert_eq!(ends, [Some(&-128), Some(if out == 1 { &-128 } else { &127 })], "{out}");
    }
}

/// What is rounded is as near as a byte can be, and what has no numbers gives none.
pub(in crate::simd) fn maps_are_rounded_by_pixel_or_as_a_whole() {
    // Without a border all values are in their places one after the other.
    let shape = Shape::new(3, 5, 36);
    for factor in [Factor::OfPixel, Factor::OfMap] {
        let mut map = positive_map(shape, &mut Numbers::new(3));
        let largest = |values: &[f32]| values.iter().copied().fold(0.0, f32::max);
        let of_map = largest(&map.data);
        let bytes = rounded(&map, factor);
        for (index, pixel) in bytes.pixels.iter().enumerate() {
            let values = &map.data[index * 36..][..36];
            let expected = if factor == Factor::OfMap { of_map } else { largest(values) } / 127.0;
            assert_eq!(pixel.scale.to_bits(), expected.to_bits());
            let mut sum = 0;
            for (&value, &byte) in values.iter().zip(&bytes.bytes[index * 36..]) {
                let byte = i32::from(byte);
                sum += byte;
                let back = byte as f32 * pixel.scale;
                assert!((back - value).abs() <= 0.5001 * pixel.scale, "{value}, {back}");
            }
            assert_eq!(pixel.sum, sum);
        }
        for nothing in [0.0, -0.0, 1e-40] {
            map.data.fill(nothing);
            let bytes = rounded(&map, factor);
            assert!(bytes.bytes.iter().all(|&byte| byte == 0));
            assert!(bytes.pixels.iter().all(|pixel| pixel.scale.to_bits() == 0));
        }
        for value in [f32::NAN, f32::INFINITY] {
            map.data[77] = value;
            // The third pixel has it.
            for (index, pixel) in rounded(&map, factor).pixels.iter().enumerate() {
                let has_it = index == 2 || factor == Factor::OfMap;
                let expected = if has_it { value } else { 0.0 };
                assert_eq!(pixel.scale.to_bits(), expected.to_bits());
            }
        }
    }
}

/// A border is zeros, and has the scale of the map.
pub(in crate::simd) fn borders_are_rounded_to_zeros() {
    let shape = Shape::new(3, 4, 20).within([2, 1]);
    let bytes = rounded(&positive_map(shape, &mut Numbers::new(5)), Factor::OfMap);
    let inside = (0..12).map(|place| shape.pixel(place / 4, place % 4));
    let inside: Vec<usize> = inside.flat_map(|pixel| pixel..pixel + 20).collect();
    for (place, &byte) in bytes.bytes[..shape.len()].iter().enumerate() {
        assert!(byte == 0 || inside.contains(&place), "{place}");
    }
    let sum: i32 = inside.iter().map(|&place| i32::from(bytes.bytes[place])).sum();
    assert!(sum > 0);
    assert_eq!(bytes.pixels.len(), 7 * 6);
    assert_eq!(bytes.pixels.iter().map(|pixel| pixel.sum).sum::<i32>(), sum);
    let scale = bytes.pixels[0].scale.to_bits();
    assert!(bytes.pixels.iter().all(|pixel| pixel.scale.to_bits() == scale));
}

/// Where every value and every weight of a channel is the largest, rounding changes nothing, and
/// sums are as large as they get: those of floats come out.
pub(in crate::simd) fn extreme_sums_are_those_of_floats() {
    // The deepest layers of the network.
    for (channels, kernel, stride) in [(1792, [1, 1], 1), (256, [3, 3], 2)] {
        let depth = channels * kernel[0] * kernel[1];
        let window = Window { kernel, stride, padding: [0, 0] };
        let signs = [1.0, -1.0, 0.0, 1e4, -1e4, 1e-4, -1e-4, 1.0];
        let weights = signs.into_iter().flat_map(|weight| vec![weight; depth]);
        let conv =
            packed(channels, LANES, window, &weights.chain([0.5; LANES]).collect::<Vec<_>>());
        let input = Shape::new(kernel[0], kernel[1], channels);
        let mut sizes = Sizes::default();
        let target = Shape::new(1, 1, LANES);
        sizes.include(target);
        for value in [0.0, 1e-20, 1.0, 3e4] {
            let mut map = FeatureMap::new(input);
            map.data.fill(value);
            let mut output = FeatureMap::new(target);
            let mut scratch = Scratch::new(sizes);
            let to = (&mut output, 0);
            let bytes = rounded(&map, conv.factor());
            convolve(&conv, &bytes, to, Finish::Relu, &mut scratch);
            for (weight, &actual) in signs.into_iter().zip(&*output.data) {
                let expected = (weight * value * depth as f32 + 0.5).max(0.0);
                let difference = (actual - expected).abs();
                assert!(difference <= 1e-5 * expected, "{value} * {weight}: {actual}, {expected}");
            }
        }
    }
}
