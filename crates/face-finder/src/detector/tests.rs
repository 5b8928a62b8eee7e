//! The detector against its layers as plain loops.

use super::{CELL, Detector, OUTPUTS};
use crate::picture::Picture;
use crate::scale::Square;
use crate::twin::{Map, assert_close};
use crate::weights::Reader;
use crate::weights::tests::random;

/// A picture that looks random.
pub(crate) fn noise(width: usize, height: usize) -> Vec<u8> {
    let mut state = 7_u32;
    let byte = |_| {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 24) as u8
    };
    (0..width * height * 3).map(byte).collect()
}

fn twin(file: &[u8], square: &Square) -> Map {
    let mut reader = Reader::new(file).unwrap();
    let leaky = |value: f64| if value > 0.0 { value } else { 0.1 * value };
    let side = square.side();
    let mut map = Map::new(side, side, 3);
    for (values, pixel) in map.data.chunks_mut(3).zip(square.rows().flatten()) {
        for ((value, &byte), mean) in values.iter_mut().zip(pixel).zip([117.001, 114.697, 97.404]) {
            *value = (f64::from(byte) - mean) / 255.0;
        }
    }
    let (filter, bias) = (reader.next("conv0/filters"), reader.next("conv0/bias"));
    map = map.convolve((&filter, &bias), (1, 0), [side - 2, side - 2]).map(leaky).pool(2);
    for index in 1..=5 {
        map = map.separable(&mut reader, &format!("conv{index}"), (1, 1)).map(leaky);
        map = map.pool(if index == 5 { 1 } else { 2 });
    }
    let (filter, bias) = (reader.next("conv8/filters"), reader.next("conv8/bias"));
    map.pointwise(&filter, &bias)
}

#[test]
fn rows_through_all_layers_give_what_whole_maps_give() {
    let file = random();
    let detector = Detector::read(&mut Reader::new(&file).unwrap());
    // Maps of even and odd sides, and the smallest. Squares that are black below, or at the right,
    // or nearly everywhere: what is black is not computed anew for each row.
    let sizes: [(usize, usize); 8] =
        [(32, 27), (64, 59), (96, 91), (256, 85), (85, 256), (288, 3), (3, 288), (1, 1)];
    for (width, height) in sizes {
        let side = width.max(height).next_multiple_of(CELL);
        let bytes = noise(width, height);
        // One pixel of it is one of the square.
        let rows = bytes.chunks(3 * width).map(|row| [row, &vec![0; 3 * (side - width)]].concat());
        let mut whole: Vec<u8> = rows.flatten().collect();
        whole.resize(3 * side * side, 0);
        let square = Square::of(&Picture::from_rgb(side, side, &whole).unwrap(), side);
        let expected = twin(&file, &square);
        assert_eq!(expected.channels, OUTPUTS);
        assert_close(detector.forward(&square), &expected.data);
    }
}
