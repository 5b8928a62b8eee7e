//! The faces of a picture, as crops for the model: found in a photograph, or sent as they are.

use face_finder::{Face as Found, Finder, Picture, Rectangle, crop};
use facenet::Face;
use facenet::layers::INPUT_SIDE;
use wire::limits::PHOTOGRAPH_FACES_MAX;
use wire::{Kind, Problem};

use crate::photograph::{self, Photograph, View};
use crate::picture;
use crate::seen::{Pictured, Purpose, Quality, Reading, Seen, SeenFace, Size};

/// The word for a picture without a face.
const NO_FACE: &str = "no_face";

/// The word for a picture that shows several faces of like size.
const SEVERAL_FACES: &str = "several_faces";

/// A second face with at least this share of the main one's area was photographed on purpose too,
/// so it is not clear whom the picture shows.
const LIKE_SIZE: f64 = 0.5;

/// How far around a crop the picture is looked at again, as a share of the crop's width and height:
/// its outermost pixels are mixed with some that lie beyond.
const MARGIN: f64 = 0.1;

/// How many pixels wide the picture is looked at again: the crop itself then has 160.
const WIDTH_WANTED: usize = INPUT_SIDE * 12 / 10;

/// Reads pictures.
pub(crate) struct Reader<'a> {
    /// What is wanted of them.
    pub(crate) reading: Reading,
    /// The weights of the finder, as a file of `face_finder::weights`.
    pub(crate) finder: &'a [u8],
}

impl Reader<'_> {
    /// Reads a picture file, and frees its memory as soon as it can.
    ///
    /// # Errors
    /// As of [`picture::decode`] or [`Photograph::open`], and 422 with reasons where no face is
    /// good enough for the purpose.
    pub(crate) fn read(&self, file: Vec<u8>) -> Result<Pictured, Problem> {
        if self.reading.detect {
            return self.photograph(&Photograph::open(file)?);
        }
        let face = picture::decode(file)?;
        if self.reading.purpose == Purpose::Enrolment && !self.finder()?.holds_face(&face) {
            return Err(no_face());
        }
        Ok(Pictured::crop(face))
    }

    fn finder(&self) -> Result<Finder, Problem> {
        Finder::load(self.finder).map_err(|_| Problem::internal())
    }

    fn photograph(&self, photograph: &Photograph) -> Result<Pictured, Problem> {
        let size = (photograph.width(), photograph.height());
        let mut faces = self.find(photograph)?;
        let mut wanted = match self.reading.purpose {
            Purpose::Faces(count) => count,
            Purpose::Main | Purpose::Enrolment => {
                let main = crop::choose(&faces, size.0, size.1).cloned().ok_or_else(no_face)?;
                if self.reading.purpose == Purpose::Enrolment && !is_alone(&main, &faces) {
                    return Err(several_faces());
                }
                faces = vec![main];
                1
            }
        };
        let mut crops = Vec::new();
        // Sharpness needs the crop's pixels. So a crop is cut out even if nobody wants it.
        for face in faces.iter_mut().take(PHOTOGRAPH_FACES_MAX) {
            let crop = cut(photograph, face)?;
            face.quality = face.quality.with_crop(&crop);
            if wanted > 0 {
                wanted -= 1;
                crops.push(crop);
            }
        }
        if let (Purpose::Enrolment, Some(face)) = (self.reading.purpose, faces.first()) {
            check_quality(face)?;
        }
        let pixels = |side: usize| u32::try_from(side).unwrap_or(u32::MAX);
        let image = Size { width: pixels(size.0), height: pixels(size.1) };
        let seen = Seen { image, faces: faces.iter().map(told).collect() };
        Ok(Pictured { crops, seen: Some(seen) })
    }

    /// All faces, in pixels of the whole picture.
    fn find(&self, photograph: &Photograph) -> Result<Vec<Found>, Problem> {
        let copy = photograph.copy();
        let found = self.finder()?.find(&picture_of(copy)?);
        let from = (copy.width, copy.height);
        let to = (copy.width * copy.scale, copy.height * copy.scale);
        Ok(found.iter().map(|face| face.in_copy(from, to)).collect())
    }
}

/// The crop of a face: from the small copy where its pixels suffice, else from the photograph.
fn cut(photograph: &Photograph, face: &Found) -> Result<Face, Problem> {
    let copy = photograph.copy();
    let suffices = copy.scale == 1 || face.crop.width >= (copy.scale * INPUT_SIDE) as f64;
    let again = if suffices { None } else { photograph.region(around(face.crop), WIDTH_WANTED)? };
    let view = again.as_ref().unwrap_or(copy);
    Ok(crop::cut(&picture_of(view)?, place_in(view, face.crop)))
}

/// The rectangle of a crop with a [`MARGIN`].
fn around(crop: Rectangle) -> photograph::Rectangle {
    let by = 1.0 + 2.0 * MARGIN;
    let Rectangle { x, y, width, height } =
        Rectangle::centred(crop.centre(), by * crop.width, by * crop.height);
    photograph::Rectangle { x, y, width, height }
}

/// Where a rectangle of the photograph is in a view of it.
fn place_in(view: &View, rectangle: Rectangle) -> Rectangle {
    let (x, y) = (rectangle.x - view.x as f64, rectangle.y - view.y as f64);
    let by = 1.0 / view.scale as f64;
    Rectangle { x, y, ..rectangle }.scaled([by, by])
}

fn picture_of(view: &View) -> Result<Picture<'_>, Problem> {
    Picture::from_rgb(view.width, view.height, &view.rgb).ok_or_else(Problem::internal)
}

/// Whether nobody else in the picture is of like size.
fn is_alone(main: &Found, faces: &[Found]) -> bool {
    let area = main.bounds.area();
    faces.iter().filter(|face| face.bounds.area() >= LIKE_SIZE * area).count() < 2
}

/// Whether a face is good enough to be stored.
fn check_quality(face: &Found) -> Result<(), Problem> {
    let reasons = reasons(face);
    if reasons.is_empty() {
        return Ok(());
    }
    let detail = format!(
        "The face is not good enough to be found again: {}. Send another picture.",
        reasons.join(", ").replace('_', " ")
    );
    Err(refused(&detail, reasons))
}

fn reasons(face: &Found) -> Vec<String> {
    face.quality.reasons().into_iter().map(|reason| reason.word().to_owned()).collect()
}

fn several_faces() -> Problem {
    let detail = "The picture shows several people. Send one that shows one person, or a part of \
                  this one.";
    refused(detail, vec![SEVERAL_FACES.into()])
}

fn no_face() -> Problem {
    let detail = "No face was found. Send an upright picture that shows one from the front.";
    refused(detail, vec![NO_FACE.into()])
}

fn refused(detail: &str, reasons: Vec<String>) -> Problem {
    Problem { reasons, ..Problem::new(Kind::Unusable, detail) }
}

fn told(face: &Found) -> SeenFace {
    let Rectangle { x, y, width, height } = face.bounds;
    let quality = &face.quality;
    let reasons = reasons(face);
    SeenFace {
        bounds: [x, y, width, height].map(|place| rounded(place, 10.0)),
        score: rounded(face.score, 1000.0),
        quality: Quality {
            usable: reasons.is_empty(),
            reasons,
            crop_width: rounded(quality.crop_width, 10.0),
            outside: rounded(quality.outside, 1000.0),
            yaw: quality.yaw.is_finite().then(|| rounded(quality.yaw, 1000.0)),
            roll: rounded(quality.roll, 1000.0),
            brightness: rounded(quality.brightness, 10.0),
            sharpness: quality.sharpness.map(|sharpness| rounded(sharpness, 1000.0)),
        },
    }
}

/// A number rounded to so many `parts` of one. NaN, which JSON does not have, becomes 0.
fn rounded(number: f64, parts: f64) -> f64 {
    if number.is_finite() { (number * parts).round() / parts } else { 0.0 }
}
