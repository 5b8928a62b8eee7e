//! All faces of a picture: the detector at several sizes, their results brought together, and the
//! landmarks of each face.

use crate::crop;
use crate::detector::{self, Detection, Detector};
use crate::geometry::{Point, Rectangle};
use crate::landmarks::{self, Landmarks};
use crate::picture::Picture;
use crate::presence;
use crate::quality::Quality;
use crate::scale::{CELL, Square};
use crate::weights::{Reader, WeightsError};

/// Input sizes of the detector in pixels, as on the page. It sees nearly all faces that are 45 to
/// 125 pixels high in its input, and few others; so each size is about twice the one before. They
/// are odd numbers of cells: a face in the middle of the picture is in the middle of a cell.
pub const SIZES: [usize; 3] = [96, 224, 480];

/// The size that sees faces of a twentieth of the picture's height, in pixels. It takes three times
/// as long as the others together, so it is used only when no face is [large](LARGE), or when there
/// may be more of them: when something else has nearly been found.
///
/// Of 184 photographs in which MTCNN sees one face, a large one, 4 are looked at in this size.
/// Where there are several faces, this rule loses 2 of 989.
pub const SIZE_FOR_SMALL: usize = 960;

/// The height of a box from which a face is large, as a share of the picture's longer side. The
/// sizes before the last see such faces well.
pub const LARGE: f64 = 0.1;

/// Score from which a detection counts as nearly found. Faces that are too small for a size score
/// little.
pub const HINT_MIN: f64 = 0.2;

/// A face below this score is looked at a second time, alone. That drops three of four false faces,
/// and one of two hundred real ones.
const SURE: f64 = 0.8;

/// How much the last size may enlarge a picture, so that faces of 30 pixels are seen. More than
/// that brings hardly more faces but false ones. The other sizes enlarge nothing.
pub const ENLARGE_MAX: f64 = 1.5;

/// How much of a box may lie in another one, as a share of its area. Two faces are side by side.
const INSIDE_MAX: f64 = 0.7;

/// Detections below this score are dropped, as on the page.
pub const SCORE_MIN: f64 = 0.4;

/// A face. All places are in pixels of the picture in which it was found.
#[derive(Clone, Debug, PartialEq)]
pub struct Face {
    /// The box that the detector has found.
    pub bounds: Rectangle,
    /// How surely it is a face, 0 to 1.
    pub score: f64,
    /// See [`landmarks::COUNT`].
    pub landmarks: [Point; landmarks::COUNT],
    /// The rectangle that becomes the crop.
    pub crop: Rectangle,
    /// How good it is.
    pub quality: Quality,
}

impl Face {
    fn new(
        Detection { rectangle: bounds, score }: Detection,
        landmarks: &[Point; landmarks::COUNT],
        size: (usize, usize),
        brightness: f64,
    ) -> Self {
        let crop = crop::rectangle(landmarks);
        let quality = Quality::new(landmarks, crop, size, brightness);
        Self { bounds, score, landmarks: *landmarks, crop, quality }
    }

    /// The same face in another copy of the picture. It was found in a copy of the size `from`; the
    /// other one has the size `to` (width and height in pixels). Whoever cuts the crop from that
    /// copy can measure its sharpness anew, by [`Quality::with_crop`].
    #[must_use]
    pub fn in_copy(&self, from: (usize, usize), to: (usize, usize)) -> Self {
        let by = [to.0 as f64 / from.0 as f64, to.1 as f64 / from.1 as f64];
        let rectangle = self.bounds.scaled(by);
        let landmarks = self.landmarks.map(|Point { x, y }| Point { x: x * by[0], y: y * by[1] });
        let detection = Detection { rectangle, score: self.score };
        let mut face = Self::new(detection, &landmarks, to, self.quality.brightness);
        face.quality.sharpness = self.quality.sharpness;
        face
    }
}

/// Both networks with their weights.
pub struct Finder {
    detector: Detector,
    landmarks: Landmarks,
}

impl Finder {
    /// Takes a file of [`weights`](crate::weights).
    ///
    /// # Errors
    /// When it is another file, or damaged.
    pub fn load(file: &[u8]) -> Result<Self, WeightsError> {
        let mut reader = Reader::new(file)?;
        let detector = Detector::read(&mut reader);
        Ok(Self { detector, landmarks: Landmarks::read(&mut reader) })
    }

    /// All faces, the largest first. Each counts once, at the size that sees it best.
    ///
    /// Measured beside facenet-pytorch's MTCNN on 418 pictures of people from public repositories,
    /// most of them hard: crowds, old prints, drawings, masks. Of the faces that MTCNN is sure of,
    /// and that are a tenth of the picture's height or more, 533 of 580 are found, and in pictures
    /// with masks 94 of 127. From a twentieth to a tenth it is 294 of 645, and below that 46 of
    /// 1,241. In 636 pictures of animals and things, 15 finds are none of MTCNN's, mostly dogs;
    /// MTCNN is sure of 31 that are not found here.
    #[must_use]
    pub fn find(&self, picture: &Picture<'_>) -> Vec<Face> {
        let longer = picture.width().max(picture.height()) as f64;
        let mut sizes = SIZES.map(|size| limited(size, longer)).to_vec();
        sizes.dedup();
        let hinted = merge(self.detect(picture, &sizes, HINT_MIN));
        let is_found = |detection: &Detection| detection.score > SCORE_MIN;
        let mut found: Vec<Detection> = hinted.iter().copied().filter(is_found).collect();
        let is_large = |detection: &Detection| detection.rectangle.height >= LARGE * longer;
        let size = limited(SIZE_FOR_SMALL, ENLARGE_MAX * longer);
        let is_more = size > limited(SIZES[SIZES.len() - 1], longer);
        if is_more && (found.len() < hinted.len() || !found.iter().any(is_large)) {
            found.extend(self.detector.detect(&Square::of(picture, size), SCORE_MIN));
            found = merge(found);
        }
        let mut faces = self.faces(picture, found);
        faces.retain(|face| {
            let looks_like_one = || {
                let crop = crop::cut(picture, face.crop);
                presence::holds_face(&self.detector, &crop, presence::FOUND_SCORE_MIN)
            };
            face.score >= SURE || looks_like_one()
        });
        faces
    }

    /// The same at these sizes of the detector's input. One alone gives what face-api.js gives.
    ///
    /// # Panics
    /// When a size is 0 or not a multiple of 32.
    #[must_use]
    pub fn find_at(&self, picture: &Picture<'_>, sizes: &[usize]) -> Vec<Face> {
        self.faces(picture, merge(self.detect(picture, sizes, SCORE_MIN)))
    }

    /// The detections at these sizes that score at least so much.
    fn detect(&self, picture: &Picture<'_>, sizes: &[usize], score_min: f64) -> Vec<Detection> {
        let detect = |&size: &usize| self.detector.detect(&Square::of(picture, size), score_min);
        sizes.iter().flat_map(detect).collect()
    }

    fn faces(&self, picture: &Picture<'_>, found: Vec<Detection>) -> Vec<Face> {
        let face = |detection: Detection| {
            let landmarks = self.landmarks.find(picture, detection.rectangle)?;
            let brightness = picture.brightness(detection.rectangle);
            let size = (picture.width(), picture.height());
            let mut face = Face::new(detection, &landmarks, size, brightness);
            face.quality = face.quality.with_crop(&crop::cut(picture, face.crop));
            Some(face)
        };
        let mut faces: Vec<Face> = found.into_iter().filter_map(face).collect();
        faces.sort_by(|a, b| b.bounds.area().total_cmp(&a.bounds.area()));
        faces
    }

    /// Whether a crop holds a face, so that a wall or a landscape can be refused.
    ///
    /// Measured on pictures of public repositories. It refuses none of 1,017 crops that the recipe
    /// gave; one of 1,201 that were cut by MTCNN's boxes, in which a camera hides the face; and 2
    /// of 339 that were blurred, darkened, turned, or enlarged from 40 pixels. It accepts 26 of
    /// 1,104 crops of pictures in which MTCNN finds nobody, mostly animals: 2.4 %.
    #[must_use]
    pub fn holds_face(&self, crop: &facenet::Face) -> bool {
        presence::holds_face(&self.detector, crop, presence::CROP_SCORE_MIN)
    }
}

/// A size, or the smallest one that holds a picture of this side.
fn limited(size: usize, longer: f64) -> usize {
    size.min((longer.ceil() as usize).next_multiple_of(CELL))
}

/// Brings together what several sizes have found. Where boxes overlap, or one lies in another, only
/// the best stays.
fn merge(found: Vec<Detection>) -> Vec<Detection> {
    let mut kept: Vec<Detection> = Vec::new();
    for detection in detector::suppress(found) {
        let Detection { rectangle, .. } = detection;
        let inside = |other: &Detection| {
            let smaller = rectangle.area().min(other.rectangle.area());
            rectangle.shared_area(other.rectangle) > INSIDE_MAX * smaller
        };
        if !kept.iter().any(inside) {
            kept.push(detection);
        }
    }
    kept
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::crop::tests::constant;
    use crate::detector::OVERLAP_MAX;

    /// How the page searches.
    pub(crate) const PAGE: &str = include_str!("../../../site/js/finder/search.js");

    #[test]
    #[expect(clippy::float_cmp, reason = "the same numbers, not computed ones")]
    fn the_page_searches_in_the_same_way() {
        let search = format!(
            "{{ sizes: {SIZES:?}, more: {SIZE_FOR_SMALL}, large: {LARGE:?}, hint: {HINT_MIN:?} }}"
        );
        assert!(PAGE.contains(&search), "{search}");
        assert_eq!(constant(PAGE, "ENLARGE_MAX"), ENLARGE_MAX);
        assert_eq!(constant(PAGE, "SURE"), SURE);
        assert_eq!(constant(PAGE, "INSIDE_MAX"), INSIDE_MAX);
        assert_eq!(constant(PAGE, "OVERLAP_MAX"), OVERLAP_MAX);
        assert_eq!(constant(PAGE, "CELL"), CELL as f64);
    }

    fn detection([x, y, side]: [f64; 3], score: f64) -> Detection {
        let rectangle = Rectangle { x, y, width: side, height: side };
        Detection { rectangle, score }
    }

    #[test]
    fn a_face_counts_once() {
        let face = detection([0.0, 0.0, 100.0], 0.9);
        let at_another_size = detection([10.0, 5.0, 90.0], 0.7);
        let eye = detection([20.0, 30.0, 20.0], 0.8);
        let beside = detection([95.0, 0.0, 100.0], 0.6);
        assert_eq!(merge(vec![eye, at_another_size, beside, face]), [face, beside]);
        // The best stays, whichever is larger.
        let better = Detection { score: 0.95, ..eye };
        assert_eq!(merge(vec![face, better]), [better]);
        assert_eq!(merge(vec![]), []);
    }
}
