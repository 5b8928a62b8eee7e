//! What is told of a photograph: its size, and the faces that were found in it.

use facenet::Face;
use serde::{Deserialize, Serialize};

/// A photograph in which faces were looked for.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Seen {
    /// The upright picture.
    pub image: Size,
    /// The faces, the largest first.
    pub faces: Vec<SeenFace>,
}

/// The size of a picture in pixels.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Size {
    /// From left to right.
    pub width: u32,
    /// From top to bottom.
    pub height: u32,
}

/// A face in a photograph.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SeenFace {
    /// Left edge, upper edge, width and height in pixels of the upright picture, in tenths. It may
    /// reach over the picture's edges.
    #[serde(rename = "box")]
    pub bounds: [f64; 4],
    /// How surely it is a face, 0 to 1, in thousandths.
    pub score: f64,
    /// How good it is.
    pub quality: Quality,
}

/// How good a face is. Shares and radians are in thousandths, all else in tenths.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Quality {
    /// Whether there is no reason against it.
    pub usable: bool,
    /// What is wrong, the worst first, in the words of `face_finder::Reason`.
    pub reasons: Vec<String>,
    /// The width of the crop in pixels of the picture.
    pub crop_width: f64,
    /// How much of the crop is outside the picture, on the side where most is, as a share of its
    /// width or height. Less than 0 when all of it is inside.
    pub outside: f64,
    /// How far the nose is from the middle between the eyes, as a share of their distance. Nothing
    /// when the eyes are in one place.
    pub yaw: Option<f64>,
    /// The slope of the line through the eyes in radians.
    pub roll: f64,
    /// The mean brightness, 0 to 255.
    pub brightness: f64,
    /// How sharp the crop is, as `face_finder::quality` measures it. Nothing for a face that is
    /// too small.
    pub sharpness: Option<f64>,
}

/// A picture that was read: crops of faces, and for a photograph what was seen in it.
#[derive(Clone, Debug, PartialEq)]
pub struct Pictured {
    /// The crops of the first faces, or the picture itself if it came as a crop.
    pub crops: Vec<Face>,
    /// Nothing for a picture that came as a crop.
    pub seen: Option<Seen>,
}

impl Pictured {
    /// A picture that came as a crop.
    #[must_use]
    pub fn crop(face: Face) -> Self {
        Self { crops: vec![face], seen: None }
    }

    /// The first crop, and the face that it was cut from where the picture is a photograph.
    #[must_use]
    pub fn first(self) -> Option<(Face, Option<SeenFace>)> {
        let face = self.seen.and_then(|seen| seen.faces.into_iter().next());
        Some((self.crops.into_iter().next()?, face))
    }
}

/// How a route wants a picture to be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reading {
    /// Whether the picture is a photograph in which faces are to be found, or a crop of one.
    pub detect: bool,
    /// What it is for.
    pub purpose: Purpose,
    /// Its number among the pictures of a form, from 0 on.
    pub image: usize,
}

/// What a picture is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Purpose {
    /// Tell of all faces, and cut so many out, the largest first.
    Faces(usize),
    /// Cut the main face out, which is the one that the page would take.
    Main,
    /// Store the face. So there must be one that is good enough, and no other of like size.
    Enrolment,
}

impl Reading {
    /// A crop of a face.
    pub const CROP: Self = Self { detect: false, purpose: Purpose::Main, image: 0 };
}
