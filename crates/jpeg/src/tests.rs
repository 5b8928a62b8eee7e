//! Against a decoder in real numbers, against another decoder on photographs, and against files
//! that are damaged.

mod damage;
mod encoder;
mod photographs;
mod random;
mod reference;

use encoder::{Options, Picture};
use random::Random;

use crate::idct::transform;
use crate::{Jpeg, JpegError, Region, Scale};

/// Sampling factors of the channels, of every kind that is decoded.
const SAMPLINGS: [&[[usize; 2]]; 11] = [
    &[[1, 1]],
    &[[1, 1], [1, 1], [1, 1]],
    &[[2, 1], [1, 1], [1, 1]],
    &[[1, 2], [1, 1], [1, 1]],
    &[[2, 2], [1, 1], [1, 1]],
    &[[4, 1], [1, 1], [1, 1]],
    &[[1, 4], [1, 1], [1, 1]],
    &[[4, 2], [1, 1], [1, 1]],
    &[[1, 1], [1, 1], [1, 1], [1, 1]],
    &[[2, 2], [1, 1], [1, 1], [2, 2]],
    &[[2, 1], [1, 1], [1, 1], [1, 1]],
];

/// All pixels of a region, and its size.
fn decode(file: &[u8], scale: Scale, region: Region) -> Result<Vec<[u8; 3]>, JpegError> {
    let jpeg = Jpeg::new(file)?;
    let (mut pixels, mut next) = (Vec::new(), region.y);
    jpeg.decode(scale, region, |y, row| {
        assert_eq!(y, next, "rows come from above");
        next += 1;
        pixels.extend_from_slice(row);
    })?;
    Ok(pixels)
}

fn whole(file: &[u8], scale: Scale) -> Result<Vec<[u8; 3]>, JpegError> {
    let [width, height] = Jpeg::new(file)?.size(scale);
    decode(file, scale, Region { x: 0, y: 0, width, height })
}

/// Colours of channels, in real numbers. Those of four channels are inverted.
fn rgb(channels: &[f64], transformed: bool) -> [f64; 3] {
    let &[y, cb, cr, ..] = channels else { return [channels[0]; 3] };
    let mut rgb = [y, cb, cr];
    if transformed {
        let (cb, cr) = (cb - 128.0, cr - 128.0);
        let green = y - 0.114 * 1.772 / 0.587 * cb - 0.299 * 1.402 / 0.587 * cr;
        rgb = [y + 1.402 * cr, green, y + 1.772 * cb].map(|value| value.clamp(0.0, 255.0));
    }
    match channels.get(3) {
        Some(black) if transformed => rgb.map(|value| (255.0 - value) * black / 255.0),
        Some(black) => rgb.map(|value| value * black / 255.0),
        None => rgb,
    }
}

#[test]
fn every_sampling_is_decoded_at_every_scale() {
    let mut random = Random(1);
    for sampling in SAMPLINGS {
        for size in [[61, 45], [64, 64], [1, 1], [3, 70]] {
            let picture = Picture::random(size, sampling, &mut random);
            for adobe in [0, if sampling.len() == 4 { 2 } else { 1 }] {
                let file = picture.file(Options { adobe: Some(adobe), ..Options::default() });
                for scale in Scale::ALL {
                    let channels = reference::channels(&picture, 8 / scale.divisor());
                    let pixels = whole(&file, scale).unwrap();
                    assert_eq!(pixels.len(), channels[0].len());
                    for (index, pixel) in pixels.iter().enumerate() {
                        let channels: Vec<_> = channels.iter().map(|of| of[index]).collect();
                        let expected = rgb(&channels, adobe > 0 && channels.len() > 1);
                        for (value, expected) in pixel.iter().zip(expected) {
                            let difference = (f64::from(*value) - expected).abs();
                            // Each channel is rounded, and enters with up to 1.8.
                            let what = format!("{sampling:?} {size:?} {scale:?} {index}");
                            assert!(difference <= 3.5, "{what}: {pixel:?}, {expected}");
                        }
                    }
                }
            }
        }
    }
}

#[test]
fn scans_and_restarts_change_nothing() {
    let mut random = Random(2);
    for sampling in SAMPLINGS {
        let picture = Picture::random([100, 77], sampling, &mut random);
        for scale in Scale::ALL {
            let plain = whole(&picture.file(Options::default()), scale).unwrap();
            for (apart, restart_interval) in [(false, 1), (false, 3), (true, 0), (true, 2)] {
                let options = Options { apart, restart_interval, ..Options::default() };
                let pixels = whole(&picture.file(options), scale).unwrap();
                assert!(pixels == plain, "{sampling:?} {scale:?} {apart} {restart_interval}");
            }
        }
    }
}

#[test]
fn a_region_has_the_pixels_of_the_whole() {
    let mut random = Random(3);
    for sampling in SAMPLINGS {
        let picture = Picture::random([150, 131], sampling, &mut random);
        for apart in [false, true] {
            let file = picture.file(Options { apart, restart_interval: 5, ..Options::default() });
            for scale in Scale::ALL {
                let jpeg = Jpeg::new(&file).unwrap();
                let [across, down] = jpeg.size(scale);
                let mut all = Vec::new();
                let index = jpeg.decode_all(scale, |_, row| all.extend_from_slice(row)).unwrap();
                for _ in 0..20 {
                    let (x, y) = (random.below(across), random.below(down));
                    // Some end beyond the picture.
                    let (width, height) = (1 + random.below(across), 1 + random.below(down));
                    let region = Region { x, y, width, height };
                    let rows = all.chunks_exact(across).skip(y).take(height);
                    let expected = rows.flat_map(|row| row.iter().skip(x).take(width)).copied();
                    let expected: Vec<_> = expected.collect();
                    let pixels = decode(&file, scale, region).unwrap();
                    assert!(pixels == expected, "{sampling:?} {scale:?} {region:?}");
                    // An index belongs to the file, not to a scale.
                    let (scale, mut pixels) = (Scale::ALL[random.below(4)], Vec::new());
                    let take = |_: usize, row: &[[u8; 3]]| pixels.extend_from_slice(row);
                    jpeg.decode_from(&index, scale, region, take).unwrap();
                    let expected = decode(&file, scale, region).unwrap();
                    assert!(pixels == expected, "{sampling:?} {scale:?} {region:?}");
                }
            }
        }
    }
}

#[test]
fn a_region_beyond_the_picture_has_no_rows() {
    let picture = Picture::random([40, 40], SAMPLINGS[4], &mut Random(4));
    let file = picture.file(Options::default());
    for [x, y, width, height] in [[40, 0, 9, 9], [0, 40, 9, 9], [0, 0, 0, 9], [0, 0, 9, 0]] {
        let region = Region { x, y, width, height };
        assert_eq!(decode(&file, Scale::Whole, region), Ok(vec![]));
    }
    let region = Region { x: 39, y: 39, width: usize::MAX, height: usize::MAX };
    assert_eq!(decode(&file, Scale::Whole, region).unwrap().len(), 1);
}

#[test]
fn samples_are_those_of_the_transform_or_means_of_them() {
    fn check<const N: usize>(coefficients: &[i16; 64], last: usize) {
        let mut samples = [0; 64];
        transform::<N>(coefficients, last, &mut samples, N);
        let exact = reference::block(&coefficients.map(f64::from));
        for (sample, expected) in samples.iter().zip(reference::means(&exact, N)) {
            let difference = (f64::from(*sample) - expected.clamp(0.0, 255.0)).abs();
            assert!(difference <= 1.0, "{N}: {sample}, not {expected} of {coefficients:?}");
        }
    }
    let mut random = Random(5);
    for _ in 0..2_000 {
        let mut coefficients = [0; 64];
        let mut last = 0;
        for _ in 0..random.below(20) {
            let end = [10, 64][random.below(2)];
            let place = random.below(end);
            coefficients[usize::from(crate::scan::ZIGZAG[place])] = random.below(400) as i16 - 200;
            last = last.max(place);
        }
        check::<8>(&coefficients, last);
        check::<4>(&coefficients, last);
        check::<2>(&coefficients, last);
        // Means alone.
        check::<1>(&coefficients, 0);
    }
}
