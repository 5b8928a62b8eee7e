//! `GET /health`: tells whether both stores answer, and the index is of the right shape.

use serde::Serialize;
use wire::limits::EMBEDDING_DIMENSIONS;
use worker::Response;

use super::Stores;
use super::response::json;
use crate::error::{Error, StoreError};
use crate::stores::{Pictures, Vectors};

/// The answer.
#[derive(Serialize)]
struct Health {
    status: &'static str,
}

pub(super) async fn get((vectors, pictures): &Stores) -> Result<Response, Error> {
    check(vectors, pictures).await?;
    json(&Health { status: "ok" }, 200)
}

/// Asks both stores.
async fn check(vectors: &impl Vectors, pictures: &impl Pictures) -> Result<(), StoreError> {
    let dimensions = vectors.state().await?.dimensions;
    if dimensions != EMBEDDING_DIMENSIONS {
        let text = format!("the index has {dimensions} dimensions, not {EMBEDDING_DIMENSIONS}");
        return Err(StoreError::new("vectorize describe", text));
    }
    // Any key tells whether the bucket answers.
    pictures.metadata("health").await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stores::fake::{Fake, now};

    #[test]
    fn health_needs_both_stores() {
        let fake = Fake::default();
        assert!(now(check(&fake, &fake)).is_ok());
        for broken in ["vectors.state", "pictures.metadata"] {
            let fake = Fake::breaking(&[broken]);
            let error = now(check(&fake, &fake)).unwrap_err();
            assert_eq!(error.to_string(), format!("{broken}: broken"));
        }
    }
}
