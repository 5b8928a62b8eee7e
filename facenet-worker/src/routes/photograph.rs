//! What routes answer about photographs: each face that was seen, with what is known of it.

use facenet::{Embedding, Face};
use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use input::seen::{Seen, SeenFace, Size};
use serde::Serialize;
use wire::Problem;
use worker::Request;

use super::Context;
use super::request::embedding_of;
use crate::budgets::{self, Cost};

/// How many faces of a picture are computed at once: while the second shard computes one, the first
/// shard computes the next.
const AT_ONCE: usize = 2;

/// An answer about a photograph.
#[derive(Serialize)]
pub(super) struct Faces<T> {
    image: Size,
    #[serde(rename = "faces")]
    all: Vec<Known<T>>,
    /// Whether there are more faces than were looked at.
    truncated: bool,
}

/// A face, and what is known of it.
#[derive(Serialize)]
struct Known<T> {
    #[serde(flatten)]
    face: SeenFace,
    #[serde(flatten)]
    known: T,
}

impl<T> Faces<T> {
    /// `known` has what is known of the first faces, in their order.
    pub(super) fn new(seen: Seen, known: Vec<T>) -> Self {
        let Seen { image, faces } = seen;
        let truncated = faces.len() > known.len();
        let faces = faces.into_iter().zip(known).map(|(face, known)| Known { face, known });
        Self { image, all: faces.collect(), truncated }
    }
}

/// The embeddings of a photograph's crops. The first one was taken from the budgets when the
/// request was let in; this takes the others.
///
/// # Errors
/// 429 when the caller's budget does not suffice, and as of [`embedding_of`].
pub(super) async fn embeddings(
    crops: &[Face],
    request: &Request,
    context: Context<'_>,
) -> Result<Vec<Embedding>, Problem> {
    let Context { env, caller, record, .. } = context;
    budgets::spend(env, caller, Cost::Embeddings(further(crops.len())), record).await?;
    paid(crops, request, context).await
}

/// The same for crops that have all been taken from the budgets.
///
/// # Errors
/// As of [`embedding_of`].
pub(super) async fn paid(
    crops: &[Face],
    request: &Request,
    context: Context<'_>,
) -> Result<Vec<Embedding>, Problem> {
    let embeddings = crops.iter().map(|face| embedding_of(face, request, context));
    stream::iter(embeddings).buffered(AT_ONCE).try_collect().await
}

/// How many faces there are besides the first, which is already taken from the budgets.
fn further(faces: usize) -> usize {
    faces.saturating_sub(1)
}

#[cfg(test)]
mod tests {
    use input::seen::Quality;

    use super::*;

    fn seen(faces: usize) -> Seen {
        let quality = Quality {
            usable: true,
            reasons: Vec::new(),
            crop_width: 200.0,
            outside: -1.0,
            yaw: None,
            roll: 0.0,
            brightness: 120.0,
            sharpness: None,
        };
        let face = SeenFace { bounds: [1.0, 2.0, 3.0, 4.5], score: 0.9, quality };
        Seen { image: Size { width: 640, height: 480 }, faces: vec![face; faces] }
    }

    #[derive(Clone, Serialize)]
    struct Word {
        word: &'static str,
    }

    #[test]
    fn what_is_known_stands_beside_what_was_seen() {
        let answer = |faces, known| {
            let known = vec![Word { word: "here" }; known];
            serde_json::to_value(Faces::new(seen(faces), known)).unwrap()
        };
        let all = answer(2, 2);
        assert_eq!(all["image"]["width"], 640);
        assert_eq!(all["faces"][1]["box"], serde_json::json!([1.0, 2.0, 3.0, 4.5]));
        assert_eq!(all["faces"][1]["word"], "here");
        assert_eq!(all["faces"][1]["quality"]["yaw"], serde_json::Value::Null);
        assert_eq!(all["truncated"], false);
        let some = answer(9, 8);
        assert_eq!(
            (some["faces"].as_array().unwrap().len(), &some["truncated"]),
            (8, &true.into())
        );
    }

    #[test]
    fn the_first_face_is_paid_for() {
        assert_eq!([0, 1, 8].map(further), [0, 0, 7]);
    }
}
