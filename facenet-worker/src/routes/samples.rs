//! The gallery of sample faces, `POST /match?gallery=samples`: whoever tries the search before
//! anybody is enrolled finds somebody.
//!
//! The search is compared with pictures that are part of this program. It asks no store, so nothing
//! is stored or purged, it needs nobody's consent, and samples cannot mix with people's faces. The
//! shards compute the samples' embeddings, as for any picture, once in each isolate.

use std::cell::RefCell;

use facenet::Embedding;
use input::seen::Reading;
use wire::Problem;
use wire::faces::{Neighbour, Neighbours};
use worker::Request;
use worker::js_sys::Uint8Array;

use super::Context;
use super::request::embedding_of;
use crate::sandbox;

/// A face of the gallery. `tests/faces/README.md` says whose photographs they are.
struct Sample {
    id: &'static str,
    name: &'static str,
    crop: &'static [u8],
}

const SAMPLES: [Sample; 2] = [
    Sample {
        id: "obama-1",
        name: "Barack Obama",
        crop: include_bytes!("../../../site/samples/obama-1.jpg"),
    },
    Sample {
        id: "biden-1",
        name: "Joe Biden",
        crop: include_bytes!("../../../site/samples/biden-1.jpg"),
    },
];

thread_local! {
    /// The embeddings of the first samples, as many as were computed in this isolate.
    static EMBEDDINGS: RefCell<Vec<Embedding>> = const { RefCell::new(Vec::new()) };
}

/// Computes the embeddings that this isolate does not have yet. Requests that come at the same time
/// may compute one twice.
///
/// # Errors
/// As of [`embedding_of`].
pub(super) async fn prepare(request: &Request, context: Context<'_>) -> Result<(), Problem> {
    for (number, sample) in SAMPLES.iter().enumerate() {
        if EMBEDDINGS.with_borrow(Vec::len) > number {
            continue;
        }
        let picture = sandbox::picture(&Uint8Array::from(sample.crop), Reading::CROP)?;
        let (face, _) = picture.first().ok_or_else(Problem::internal)?;
        let embedding = embedding_of(&face, request, context).await?;
        EMBEDDINGS.with_borrow_mut(|known| {
            if known.len() == number {
                known.push(embedding);
            }
        });
    }
    Ok(())
}

/// The samples that are near an embedding, the nearest first, once they are
/// [prepared](prepare).
pub(super) fn near(embedding: &Embedding, distance_max: f32) -> Neighbours {
    let mut matches: Vec<_> = EMBEDDINGS.with_borrow(|known| {
        let all = SAMPLES.iter().zip(known);
        let all = all.map(|(sample, known)| Neighbour {
            id: sample.id.to_owned(),
            name: sample.name.to_owned(),
            distance: embedding.distance(known),
            pictures: 1,
        });
        all.filter(|neighbour| neighbour.distance <= distance_max).collect()
    });
    matches.sort_by(|a, b| a.distance.total_cmp(&b.distance));
    let gallery_size_at_most = Some(SAMPLES.len() as u64);
    Neighbours { matches, gallery_size_at_most, ..Neighbours::default() }
}

/// Where the page has the picture of a sample.
pub(super) fn picture_path(id: &str) -> String {
    format!("/samples/{id}.jpg")
}
