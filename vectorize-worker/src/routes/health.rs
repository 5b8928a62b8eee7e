//! `GET /health`: tells whether both stores answer, the index is of the right shape, and how the
//! last purge went.

use wire::faces::StoreHealth;
use wire::limits::EMBEDDING_DIMENSIONS;
use worker::Response;

use super::Stores;
use super::response::json;
use crate::clock::{Clock, SystemClock};
use crate::error::{Error, StoreError};
use crate::purge::Last;
use crate::stores::{Pictures, Vectors};

pub(super) async fn get((vectors, pictures): &Stores) -> Result<Response, Error> {
    json(&health(vectors, pictures, &SystemClock).await?, 200)
}

/// Asks both stores.
async fn health(
    vectors: &impl Vectors,
    pictures: &impl Pictures,
    clock: &impl Clock,
) -> Result<StoreHealth, StoreError> {
    let dimensions = vectors.state().await?.dimensions;
    if dimensions != EMBEDDING_DIMENSIONS {
        let text = format!("the index has {dimensions} dimensions, not {EMBEDDING_DIMENSIONS}");
        return Err(StoreError::new("vectorize describe", text));
    }
    let last = Last::read(pictures).await?;
    let purge = last.map(|last| last.told(clock.now_ms()));
    Ok(StoreHealth { status: "ok".into(), purge })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::purge;
    use crate::stores::fake::{Fake, face, now};

    const DAY_MS: u64 = 24 * 3600 * 1000;
    const NOON_MS: u64 = DAY_MS / 2;

    #[test]
    fn health_needs_both_stores() {
        let fake = Fake::default();
        assert_eq!(now(health(&fake, &fake, &fake)).unwrap().purge, None);
        for broken in ["vectors.state", "pictures.read_last_purge"] {
            let fake = Fake::breaking(&[broken]);
            let error = now(health(&fake, &fake, &fake)).unwrap_err();
            assert_eq!(error.to_string(), format!("{broken}: broken"));
        }
    }

    #[test]
    fn a_purge_that_failed_or_did_not_come_is_told() {
        let fake = Fake::breaking(&["vectors.delete"]);
        fake.insert(face(&"0".repeat(32), 0.0), "");
        fake.now_ms.set(NOON_MS);
        let told = || now(health(&fake, &fake, &fake)).unwrap().purge.unwrap();
        now(purge::trigger(&fake, &fake, &fake, NOON_MS)).unwrap();
        let failed = told();
        assert_eq!((failed.complete, failed.overdue, failed.failures), (false, true, 1));
        assert_eq!(failed.noon, "1970-01-01T12:00:00Z");
        fake.broken.borrow_mut().clear();
        now(purge::trigger(&fake, &fake, &fake, NOON_MS + 1)).unwrap();
        let done = told();
        assert_eq!((done.complete, done.overdue, done.failures, done.runs), (true, false, 0, 2));
        fake.now_ms.set(NOON_MS + DAY_MS);
        assert!(told().overdue, "the next noon has come, and no trigger");
    }
}
