//! What the Worker and its sandbox say to each other: a question with the bytes that a caller sent,
//! and an answer with checked values. Each is a frame: the length of a head, the head as JSON, and
//! then bytes.

use facenet::image::FACE_BYTES;
use facenet::{Embedding, Face};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use wire::Problem;
use wire::problem::Document;

use crate::fields::Fields;

/// What is to be made of the bytes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Question {
    /// A picture file of a face becomes [`Answer::Face`].
    Picture,
    /// A form becomes [`Answer::Form`].
    Form {
        /// The header `Content-Type`, which names the boundary.
        content_type: String,
        /// The fields that the route takes.
        known: Vec<String>,
    },
    /// JSON becomes [`Answer::Embedding`].
    Vector,
    /// The pixels of a face become [`Answer::Jpeg`].
    Encode,
}

/// Checked values, or what the caller is told instead.
#[derive(Clone, Debug, PartialEq)]
pub enum Answer {
    /// A face.
    Face(Face),
    /// A form whose pictures are decoded.
    Form(Fields),
    /// An embedding that a caller brought.
    Embedding(Embedding),
    /// A file.
    Jpeg(Vec<u8>),
    /// Nothing that can be used.
    Problem(Problem),
}

/// An answer without its bytes.
#[derive(Serialize, Deserialize)]
enum Head {
    Face,
    /// The texts, and which pictures follow.
    Form {
        fields: Fields,
        image: bool,
        other: bool,
    },
    Embedding,
    Jpeg,
    Problem(Document),
}

impl Question {
    /// The beginning of the question's frame. The bytes that the caller sent follow it.
    ///
    /// # Errors
    /// When it cannot be written as JSON.
    pub fn begin(&self) -> serde_json::Result<Vec<u8>> {
        begin(self)
    }
}

impl Answer {
    /// Reads the frame of an answer. Nothing when it is none.
    #[must_use]
    pub fn read(frame: &[u8]) -> Option<Self> {
        let (head, bytes) = split(frame)?;
        Some(match head {
            Head::Face => Self::Face(Face::from_rgb(bytes.to_vec())?),
            Head::Form { fields, image, other } => {
                let mut faces = bytes.chunks_exact(FACE_BYTES);
                let mut next = || faces.next().and_then(|rgb| Face::from_rgb(rgb.to_vec()));
                let image = if image { Some(next()?) } else { None };
                let other = if other { Some(next()?) } else { None };
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
    let question = split(&frame).map(|(question, bytes)| (question, frame.len() - bytes.len()));
    let answer = match question {
        Some((question, begin)) => {
            // In place, so that there is no second copy.
            frame.drain(..begin);
            read(&question, frame).unwrap_or_else(Answer::Problem)
        }
        None => Answer::Problem(Problem::internal()),
    };
    answer.frame().unwrap_or_default()
}

#[cfg(feature = "parse")]
fn read(question: &Question, bytes: Vec<u8>) -> Result<Answer, Problem> {
    use crate::{form, picture, vector};

    Ok(match question {
        Question::Picture => Answer::Face(picture::decode(bytes)?),
        Question::Form { content_type, known } => {
            Answer::Form(form::parse(&bytes, content_type, known)?)
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
            Self::Face(face) => (Head::Face, face.rgb().to_vec()),
            Self::Form(mut fields) => {
                let (image, other) = (fields.image.take(), fields.other.take());
                let head = Head::Form { fields, image: image.is_some(), other: other.is_some() };
                let faces: Vec<_> = [image, other].into_iter().flatten().collect();
                (head, faces.iter().flat_map(Face::rgb).copied().collect())
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

#[cfg(test)]
#[cfg(feature = "parse")]
mod tests {
    use wire::Kind;

    use super::*;

    fn ask(question: &Question, bytes: &[u8]) -> Answer {
        let mut frame = question.begin().unwrap();
        frame.extend(bytes);
        Answer::read(&answer(frame)).unwrap()
    }

    fn face() -> Face {
        Face::from_rgb((0..FACE_BYTES).map(|i| (i / 400) as u8).collect()).unwrap()
    }

    #[test]
    fn a_face_becomes_a_file_and_a_face_again() {
        let Answer::Jpeg(file) = ask(&Question::Encode, face().rgb()) else { panic!("no file") };
        assert!(matches!(ask(&Question::Picture, &file), Answer::Face(_)));
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
        let Answer::Problem(problem) = ask(&Question::Picture, b"text") else {
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
        assert_eq!(Answer::read(&begin(&Head::Face).unwrap()), None);
    }
}
