//! `GET /health`: whether both stores answer, and the index is of the right shape.

use serde::Serialize;
use wire::limits::EMBEDDING_DIMENSIONS;

use crate::store::{Failure, Pictures, Trouble, Vectors};

/// The answer.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Health {
    status: &'static str,
}

/// Asks both stores.
pub(crate) async fn health(
    vectors: &impl Vectors,
    pictures: &impl Pictures,
) -> Result<Health, Trouble> {
    let dimensions = vectors.state().await?.dimensions;
    if dimensions != EMBEDDING_DIMENSIONS {
        let text = format!("the index has {dimensions} dimensions, not {EMBEDDING_DIMENSIONS}");
        return Err(Failure::new("vectorize describe", text).into());
    }
    // Any key tells whether the bucket answers.
    pictures.label("health").await?;
    Ok(Health { status: "ok" })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::fake::{Fake, now};

    #[test]
    fn health_needs_both_stores() {
        let fake = Fake::default();
        assert_eq!(now(health(&fake, &fake)).unwrap(), Health { status: "ok" });
        for broken in ["vectors.state", "pictures.label"] {
            let fake = Fake::breaking(&[broken]);
            assert!(now(health(&fake, &fake)).is_err());
        }
    }
}
