//! Frames and their numbers, pixel by pixel. What lies outside of the picture is not drawn.

use image::{Rgb, RgbImage};

use crate::Frame;

/// The longer side of the picture for each pixel of a frame's line.
const SIDE_PER_LINE: u32 = 300;

const LINE_MIN: i64 = 2;

/// The ten digits: five rows of three points, the left one in the highest bit.
const DIGITS: [[u8; 5]; 10] = [
    [0b111, 0b101, 0b101, 0b101, 0b111],
    [0b010, 0b110, 0b010, 0b010, 0b111],
    [0b111, 0b001, 0b111, 0b100, 0b111],
    [0b111, 0b001, 0b111, 0b001, 0b111],
    [0b101, 0b101, 0b111, 0b001, 0b001],
    [0b111, 0b100, 0b111, 0b001, 0b111],
    [0b111, 0b100, 0b111, 0b101, 0b111],
    [0b111, 0b001, 0b010, 0b010, 0b010],
    [0b111, 0b101, 0b111, 0b101, 0b111],
    [0b111, 0b101, 0b111, 0b001, 0b111],
];

const DIGIT_WIDTH: i64 = 3;
const DIGIT_HEIGHT: i64 = 5;

/// Places beyond this are outside every picture.
const FAR: f64 = 1e9;

const BLACK: Rgb<u8> = Rgb([0, 0, 0]);

/// Green for a match, amber for a possible one, else light grey. Black is readable on each.
pub(crate) fn colour(verdict: &str) -> Rgb<u8> {
    match verdict {
        "match" => Rgb([64, 208, 96]),
        "possible" => Rgb([255, 184, 0]),
        _ => Rgb([224, 224, 224]),
    }
}

/// Draws frames, which are numbered from 1.
pub(crate) fn frames(picture: &mut RgbImage, frames: &[Frame]) {
    let side = picture.width().max(picture.height());
    let line = i64::from(side / SIDE_PER_LINE).max(LINE_MIN);
    for (index, frame) in frames.iter().enumerate() {
        let colour = colour(&frame.verdict);
        let edges = [frame.x, frame.y, frame.x + frame.width, frame.y + frame.height];
        let [left, top, right, bottom] = edges.map(|edge| edge.round().clamp(-FAR, FAR) as i64);
        // The line goes around the box, so that nothing of the face is hidden.
        fill(picture, [left - line, top - line, right + line, top], colour);
        fill(picture, [left - line, bottom, right + line, bottom + line], colour);
        fill(picture, [left - line, top, left, bottom], colour);
        fill(picture, [right, top, right + line, bottom], colour);
        // Above the frame, or within it when that is not in the picture.
        let height = (DIGIT_HEIGHT + 2) * line;
        let label = [left - line, top - line - height];
        let inside = [(left - line).max(0), (top - line).max(0)];
        number(picture, index + 1, if label[1] < 0 { inside } else { label }, line, colour);
    }
}

/// Draws a number on a background, whose left upper corner is given. A point of a digit has `size`
/// pixels a side.
fn number(
    picture: &mut RgbImage,
    number: usize,
    [left, top]: [i64; 2],
    size: i64,
    ground: Rgb<u8>,
) {
    let digits: Vec<&[u8; 5]> = number
        .to_string()
        .bytes()
        .filter_map(|digit| DIGITS.get(usize::from(digit.wrapping_sub(b'0'))))
        .collect();
    let width = (digits.len() as i64 * (DIGIT_WIDTH + 1) + 1) * size;
    fill(picture, [left, top, left + width, top + (DIGIT_HEIGHT + 2) * size], ground);
    for (place, rows) in (0..).zip(digits) {
        for (y, row) in (0..).zip(rows) {
            for x in 0..DIGIT_WIDTH {
                if row >> (DIGIT_WIDTH - 1 - x) & 1 == 1 {
                    let left = left + (place * (DIGIT_WIDTH + 1) + 1 + x) * size;
                    let top = top + (y + 1) * size;
                    fill(picture, [left, top, left + size, top + size], BLACK);
                }
            }
        }
    }
}

/// Fills the part of a rectangle that is in the picture. Its right and bottom lines are not filled.
fn fill(picture: &mut RgbImage, [left, top, right, bottom]: [i64; 4], colour: Rgb<u8>) {
    let (width, height) = (i64::from(picture.width()), i64::from(picture.height()));
    for y in top.clamp(0, height)..bottom.clamp(0, height) {
        for x in left.clamp(0, width)..right.clamp(0, width) {
            picture.put_pixel(x as u32, y as u32, colour);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GROUND: Rgb<u8> = Rgb([9, 9, 9]);

    fn frame(verdict: &str, [x, y, width, height]: [f64; 4]) -> Frame {
        Frame { verdict: verdict.into(), x, y, width, height }
    }

    #[test]
    fn a_frame_goes_around_its_box() {
        let mut picture = RgbImage::from_pixel(100, 80, GROUND);
        frames(&mut picture, &[frame("match", [30.0, 30.0, 40.0, 20.0])]);
        let at = |x, y| *picture.get_pixel(x, y);
        let green = colour("match");
        for (x, y) in [(28, 28), (71, 28), (28, 51), (71, 51), (50, 29), (29, 40), (70, 40)] {
            assert_eq!(at(x, y), green, "{x}, {y}");
        }
        for (x, y) in [(30, 30), (69, 49), (50, 40), (27, 40), (72, 40), (50, 52), (50, 27)] {
            assert_eq!(at(x, y), GROUND, "{x}, {y}");
        }
        // The 1 above it: a point of two pixels a side, in the second column of the first row.
        assert_eq!(at(32, 16), BLACK);
        assert_eq!((at(28, 14), at(34, 16)), (green, green));
    }

    #[test]
    fn frames_beyond_the_edges_are_cut_off() {
        let mut picture = RgbImage::from_pixel(60, 60, GROUND);
        let all = [
            frame("possible", [-20.0, -20.0, 50.0, 50.0]),
            frame("none", [40.0, 40.0, 1e300, 1e300]),
        ];
        frames(&mut picture, &all);
        assert_eq!(*picture.get_pixel(30, 20), colour("possible"));
        assert_eq!(*picture.get_pixel(0, 0), colour("possible"), "its number is inside");
        assert_eq!(*picture.get_pixel(39, 50), colour("none"));
        assert_eq!(*picture.get_pixel(50, 50), GROUND);
    }

    #[test]
    fn digits_differ() {
        for (index, digit) in DIGITS.iter().enumerate() {
            assert!(DIGITS[..index].iter().all(|other| other != digit), "{index}");
            assert!(digit.iter().all(|row| *row < 8));
        }
        let mut picture = RgbImage::from_pixel(60, 60, GROUND);
        number(&mut picture, 10, [0, 0], 1, colour("none"));
        assert_eq!(picture.pixels().filter(|pixel| **pixel == BLACK).count(), 8 + 12);
    }
}
