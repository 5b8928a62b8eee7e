//! From the network's numbers to boxes, of which those that overlap a better one are left out. All
//! constants and the order of the computations are face-api's (`tinyFaceDetector/const.ts`,
//! `TinyYolov2Base.ts`, `nonMaxSuppression.ts`).

use crate::detector::OUTPUTS;
use crate::geometry::{Point, Rectangle};
use crate::scale::{CELL, Square};

/// The shapes of boxes: width and height in cells. The network tells how much a box differs.
pub(super) const ANCHORS: [[f64; 2]; 5] = [
    [1.603_231, 2.094_468],
    [6.041_143, 7.080_126],
    [2.882_459, 3.518_061],
    [4.266_906, 5.178_857],
    [9.041_765, 10.663_08],
];

/// Boxes that overlap more than this (intersection over union) are taken for one face.
pub(crate) const OVERLAP_MAX: f64 = 0.4;

/// A box that the detector has found.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Detection {
    /// In pixels of the picture. It may reach over the picture's edges.
    pub(crate) rectangle: Rectangle,
    /// How surely it is a face, 0 to 1.
    pub(crate) score: f64,
}

/// The boxes that score more than `score_min`.
pub(super) fn decode(cells: &[f32], square: &Square, score_min: f64) -> Vec<Detection> {
    let side = square.side() / CELL;
    let scale = square.picture_per_cell();
    let mut found = Vec::new();
    for (index, cell) in cells.chunks_exact(OUTPUTS).enumerate() {
        let [row, column] = [index / side, index % side].map(|cell| cell as f64);
        for (numbers, anchor) in cell.as_chunks::<5>().0.iter().zip(ANCHORS) {
            let [x, y, width, height, score] = numbers.map(f64::from);
            let score = sigmoid(score);
            if score > score_min {
                let centre = Point { x: column + sigmoid(x), y: row + sigmoid(y) };
                let [width, height] = [width.exp() * anchor[0], height.exp() * anchor[1]];
                let rectangle = Rectangle::centred(centre, width, height).scaled(scale);
                found.push(Detection { rectangle, score });
            }
        }
    }
    found
}

/// Leaves out boxes that overlap a better one. The best come first.
pub(crate) fn suppress(mut found: Vec<Detection>) -> Vec<Detection> {
    // Of equal scores the last box comes first, as in face-api.js.
    found.reverse();
    found.sort_by(|a, b| b.score.total_cmp(&a.score));
    let mut kept: Vec<Detection> = Vec::new();
    for detection in found {
        let overlap = |other: &Detection| other.rectangle.overlap(detection.rectangle);
        if kept.iter().all(|other| overlap(other) <= OVERLAP_MAX) {
            kept.push(detection);
        }
    }
    kept
}

fn sigmoid(x: f64) -> f64 {
    1.0 / (1.0 + (-x).exp())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn detection(x: f64, width: f64, score: f64) -> Detection {
        Detection { rectangle: Rectangle { x, y: 0.0, width, height: 10.0 }, score }
    }

    #[test]
    fn the_best_of_overlapping_boxes_is_kept() {
        let [low, best, apart] =
            [detection(0.0, 10.0, 0.6), detection(4.0, 10.0, 0.9), detection(9.0, 10.0, 0.7)];
        // The first overlaps the second by 6 of 14, the third overlaps it by 5 of 15.
        assert_eq!(suppress(vec![low, best, apart]), [best, apart]);
        assert_eq!(suppress(vec![apart, low]), [apart, low]);
        assert_eq!(suppress(vec![]), []);
    }

    #[test]
    fn what_is_suppressed_suppresses_nothing() {
        // Each overlaps its neighbours only.
        let [a, b, c] =
            [detection(0.0, 10.0, 0.9), detection(4.0, 10.0, 0.8), detection(8.0, 10.0, 0.7)];
        assert_eq!(suppress(vec![c, b, a]), [a, c]);
    }

    #[test]
    fn boxes_are_where_the_network_says() {
        // A picture of 400x200 in a square of 64: two by two cells, and only the upper ones have
        // any of the picture.
        let bytes = vec![0; 400 * 200 * 3];
        let picture = crate::Picture::from_rgb(400, 200, &bytes).unwrap();
        let square = Square::of(&picture, 64);
        let mut cells = vec![-9.0; 4 * OUTPUTS];
        // The second cell, the third anchor: half as wide as the anchor and as high.
        cells[OUTPUTS + 10..][..5].copy_from_slice(&[0.0, 0.0, 0.5_f32.ln(), 0.0, 3.0]);
        let found = decode(&cells, &square, 0.5);
        let [Detection { rectangle, score }] = found[..] else { panic!("{found:?}") };
        assert!((score - 0.952_574).abs() < 1e-6);
        let centre = rectangle.centre();
        assert!((centre.x - 300.0).abs() < 1e-9 && (centre.y - 100.0).abs() < 1e-9, "{centre:?}");
        assert!((rectangle.width - 200.0 * 2.882_459 / 2.0).abs() < 1e-4);
        assert!((rectangle.height - 200.0 * 3.518_061).abs() < 1e-9);
        assert!(decode(&cells, &square, 0.96).is_empty());
    }
}
