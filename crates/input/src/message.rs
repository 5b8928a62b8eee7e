//! The messages between the Worker and its sandbox: a question with the bytes that a caller sent,
//! and an answer with checked values. Each message is a frame: the length of a head, the head as
//! JSON, and then bytes.

use facenet::image::FACE_BYTES;
use facenet::{Embedding, Face};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use wire::Problem;
use wire::problem::Document;

use crate::fields::Fields;
use crate::seen::{Pictured, Reading, Seen};

/// What is to be made of the bytes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Question {
    /// A picture file becomes [`Answer::Picture`].
    Picture(Reading),
    /// A form becomes [`Answer::Form`].
    Form {
        /// The header `Content-Type`, which names the boundary.
        content_type: String,
        /// The fields that the route takes.
        known: Vec<String>,
        /// What is wanted of its pictures. The form's field `detect` can make them photographs
        /// too.
        reading: Reading,
    },
    /// JSON becomes [`Answer::Embedding`].
    Vector,
    /// The pixels of a face become [`Answer::Jpeg`].
    Encode,
}

/// Checked values, or the problem that the caller is told.
#[derive(Clone, Debug, PartialEq)]
pub enum Answer {
    /// A picture.
    Picture(Pictured),
    /// A form whose pictures are decoded.
    Form(Fields),
    /// An embedding that a caller brought.
    Embedding(Embedding),
    /// A JPEG file.
    Jpeg(Vec<u8>),
    /// Why the bytes cannot be used.
    Problem(Problem),
}

/// A question without the bytes after it: the finder's weights, and what the caller sent.
#[derive(Debug, Serialize, Deserialize)]
pub struct Asked {
    /// What is to be made of what the caller sent.
    pub question: Question,
    /// The length of the finder's weights in bytes; 0 where no face will have to be found.
    pub finder_bytes: usize,
}

/// An answer without its bytes.
#[derive(Serialize, Deserialize)]
enum Head {
    Picture(Crops),
    /// The texts, and which pictures follow.
    Form {
        fields: Fields,
        image: Option<Crops>,
        other: Option<Crops>,
    },
    Embedding,
    Jpeg,
    Problem(Document),
}

/// A picture without the pixels of its crops.
#[derive(Serialize, Deserialize)]
struct Crops {
    count: usize,
    seen: Option<Seen>,
}

impl Question {
    /// The beginning of the question's frame. The weights of the finder follow it if they are
    /// [needed](Self::needs_finder), and then the bytes that the caller sent.
    ///
    /// # Errors
    /// When it cannot be written as JSON.
    pub fn begin(&self, finder_bytes: usize) -> serde_json::Result<Vec<u8>> {
        begin(&Asked { question: self.clone(), finder_bytes })
    }

    /// Whether faces may have to be found.
    #[must_use]
    pub fn needs_finder(&self) -> bool {
        match self {
            Self::Picture(reading) => reading.detect,
            Self::Form { .. } => true,
            Self::Vector | Self::Encode => false,
        }
    }
}

impl Answer {
    /// Reads the frame of an answer. Nothing when it is not one.
    #[must_use]
    pub fn read(frame: &[u8]) -> Option<Self> {
        let (head, bytes) = split(frame)?;
        Some(match head {
            Head::Picture(crops) => Self::Picture(crops.with(&mut bytes.chunks_exact(FACE_BYTES))?),
            Head::Form { fields, image, other } => {
                let mut faces = bytes.chunks_exact(FACE_BYTES);
                let mut next = |crops: Option<Crops>| match crops {
                    Some(crops) => crops.with(&mut faces).map(Some),
                    None => Some(None),
                };
                let (image, other) = (next(image)?, next(other)?);
                Self::Form(Fields { image, other, ..fields })
            }
            Head::Embedding => {
                let (numbers, _) = bytes.as_chunks::<4>();
                let numbers = numbers.iter().map(|bytes| f32::from_le_bytes(*bytes)).collect();
                Self::Embedding(Embedding::normalise(numbers).ok()?)
            }
            Head::Jpeg => Self::Jpeg(bytes.to_vec()),
            Head::Problem(document) => Self::Problem(Problem::from_document(document)?),
        })
    }
}

impl Crops {
    /// Adds the pixels of its faces. Nothing when there are too few.
    fn with<'a>(self, faces: &mut impl Iterator<Item = &'a [u8]>) -> Option<Pictured> {
        let face = |rgb: &[u8]| Face::from_rgb(rgb.to_vec());
        let crops: Vec<_> = faces.take(self.count).filter_map(face).collect();
        (crops.len() == self.count).then_some(Pictured { crops, seen: self.seen })
    }

    #[cfg(feature = "parse")]
    fn of(pictured: Pictured) -> (Self, Vec<Face>) {
        let Pictured { crops, seen } = pictured;
        (Self { count: crops.len(), seen }, crops)
    }
}

fn begin(head: &impl Serialize) -> serde_json::Result<Vec<u8>> {
    let head = serde_json::to_vec(head)?;
    let length = u32::try_from(head.len()).unwrap_or(u32::MAX);
    Ok([&length.to_le_bytes(), head.as_slice()].concat())
}

/// The head of a frame, and its bytes.
fn split<H: DeserializeOwned>(frame: &[u8]) -> Option<(H, &[u8])> {
    let (length, rest) = frame.split_first_chunk()?;
    let length = usize::try_from(u32::from_le_bytes(*length)).ok()?;
    let (head, bytes) = rest.split_at_checked(length)?;
    Some((serde_json::from_slice(head).ok()?, bytes))
}

/// What the sandbox does: reads the frame of a question, and gives the frame of the answer.
#[cfg(feature = "parse")]
#[must_use]
pub fn answer(mut frame: Vec<u8>) -> Vec<u8> {
    let asked = split::<Asked>(&frame).and_then(|(asked, bytes)| {
        let finder = bytes.get(..asked.finder_bytes)?.to_vec();
        Some((asked.question, frame.len() - bytes.len() + finder.len(), finder))
    });
    let answer = match asked {
        Some((question, begin, finder)) => {
            // In place, so that there is no second copy.
            frame.drain(..begin);
            read(question, &finder, frame).unwrap_or_else(Answer::Problem)
        }
        None => Answer::Problem(Problem::internal()),
    };
    answer.frame().unwrap_or_default()
}

#[cfg(feature = "parse")]
fn read(question: Question, finder: &[u8], bytes: Vec<u8>) -> Result<Answer, Problem> {
    use crate::faces::Reader;
    use crate::{form, vector};

    Ok(match question {
        Question::Picture(reading) => Answer::Picture(Reader { reading, finder }.read(bytes)?),
        Question::Form { content_type, known, reading } => {
            Answer::Form(form::parse(bytes, &content_type, &known, &Reader { reading, finder })?)
        }
        Question::Vector => Answer::Embedding(vector::parse(&bytes)?),
        Question::Encode => {
            let face = Face::from_rgb(bytes).ok_or_else(Problem::internal)?;
            Answer::Jpeg(face.to_jpeg().map_err(|_| Problem::internal())?)
        }
    })
}

#[cfg(feature = "parse")]
impl Answer {
    fn frame(self) -> serde_json::Result<Vec<u8>> {
        let (head, bytes) = match self {
            Self::Picture(pictured) => {
                let (crops, faces) = Crops::of(pictured);
                (Head::Picture(crops), pixels(&faces))
            }
            Self::Form(mut fields) => {
                let mut faces = Vec::new();
                let mut crops = |pictured: Option<Pictured>| {
                    pictured.map(|pictured| {
                        let (crops, more) = Crops::of(pictured);
                        faces.extend(more);
                        crops
                    })
                };
                let (image, other) = (crops(fields.image.take()), crops(fields.other.take()));
                (Head::Form { fields, image, other }, pixels(&faces))
            }
            Self::Embedding(embedding) => {
                let numbers = embedding.as_slice().iter();
                (Head::Embedding, numbers.flat_map(|number| number.to_le_bytes()).collect())
            }
            Self::Jpeg(file) => (Head::Jpeg, file),
            Self::Problem(problem) => (Head::Problem(problem.document()), Vec::new()),
        };
        let mut frame = begin(&head)?;
        frame.extend(bytes);
        Ok(frame)
    }
}

#[cfg(feature = "parse")]
fn pixels(faces: &[Face]) -> Vec<u8> {
    faces.iter().flat_map(Face::rgb).copied().collect()
}

#[cfg(test)]
#[cfg(feature = "parse")]
mod tests {
    use wire::Kind;

    use super::*;

    fn ask(question: &Question, bytes: &[u8]) -> Answer {
        let mut frame = question.begin(0).unwrap();
        frame.extend(bytes);
        Answer::read(&answer(frame)).unwrap()
    }

    fn face() -> Face {
        Face::from_rgb((0..FACE_BYTES).map(|i| (i / 400) as u8).collect()).unwrap()
    }

    #[test]
    fn a_face_becomes_a_file_and_a_face_again() {
        let Answer::Jpeg(file) = ask(&Question::Encode, face().rgb()) else { panic!("no file") };
        let crop = Question::Picture(Reading::CROP);
        assert!(matches!(ask(&crop, &file), Answer::Picture(Pictured { seen: None, .. })));
        let form = [
            &b"--x\r\nContent-Disposition: form-data; name=\"name\"\r\n\r\nAda\r\n"[..],
            b"--x\r\nContent-Disposition: form-data; name=\"other\"; filename=\"a\"\r\n\r\n",
            &file,
            b"\r\n--x--\r\n",
        ]
        .concat();
        let question = Question::Form {
            content_type: "multipart/form-data; boundary=x".into(),
            known: vec!["name".into(), "other".into()],
            reading: Reading::CROP,
        };
        let Answer::Form(fields) = ask(&question, &form) else { panic!("no form") };
        assert_eq!(fields.name.as_deref(), Some("Ada"));
        assert!(fields.image.is_none() && fields.other.is_some());
    }

    #[test]
    fn embeddings_and_problems_pass() {
        let json = format!("{{\"embedding\":[{}]}}", ["0.5"; 512].join(","));
        let Answer::Embedding(embedding) = ask(&Question::Vector, json.as_bytes()) else {
            panic!("no embedding")
        };
        assert!((embedding.as_slice()[0] - 512f32.sqrt().recip()).abs() < 1e-6);
        let Answer::Problem(problem) = ask(&Question::Picture(Reading::CROP), b"text") else {
            panic!("no problem")
        };
        assert_eq!(problem.kind, Kind::UnsupportedType);
    }

    #[test]
    fn broken_frames_are_no_answers() {
        assert_eq!(Answer::read(b""), None);
        assert_eq!(Answer::read(&[255; 4]), None);
        let frame = answer(vec![255; 9]);
        assert_eq!(Answer::read(&frame), Some(Answer::Problem(Problem::internal())));
        assert_eq!(
            Answer::read(&begin(&Head::Picture(Crops { count: 1, seen: None })).unwrap()),
            None
        );
    }
}
