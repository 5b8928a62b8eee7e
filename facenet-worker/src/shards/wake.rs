//! Wakes the shards near a caller who is about to send a picture. People look into the camera for
//! some seconds first, which is as long as a cold start takes.

use std::cell::RefCell;
use std::collections::BTreeMap;

use facenet::Shard;
use facenet::record::Weights;
use futures_util::future;
use wire::Problem;
use worker::{Context, Date, Env};

use super::client;
use super::codec::Source;
use super::served;

/// For how long nobody else wakes the same shards, in milliseconds. Objects stay for about ten
/// seconds without requests.
const AWAKE_MS: u64 = 5_000;

thread_local! {
    /// When this isolate last woke the shards of a region.
    static WOKEN: RefCell<BTreeMap<&'static str, u64>> = RefCell::default();
}

/// Lets both shards load, if this isolate has not done so just now. Returns at once.
///
/// # Errors
/// 503 when the deployment names no weights. Whether the shards can be loaded, only the requests
/// that need them are told.
pub(crate) fn wake(env: &Env, context: &Context, source: Source) -> Result<(), Problem> {
    let weights = served::weights(env)?;
    let is_due = WOKEN.with_borrow_mut(|woken| is_due(woken, source, Date::now().as_millis()));
    if is_due {
        context.wait_until(wake_both(env.clone(), source, weights));
    }
    Ok(())
}

async fn wake_both(env: Env, source: Source, weights: Weights) {
    let wake = |shard| client::wake(&env, shard, source, &weights);
    future::join(wake(Shard::Shard1), wake(Shard::Shard2)).await;
}

/// Whether to wake the shards of a region now, which it notes.
fn is_due(woken: &mut BTreeMap<&'static str, u64>, source: Source, now_ms: u64) -> bool {
    let last_ms = woken.get(source.region.code);
    let is_due = last_ms.is_none_or(|last_ms| now_ms.saturating_sub(*last_ms) >= AWAKE_MS);
    if is_due {
        woken.insert(source.region.code, now_ms);
    }
    is_due
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::caller::CallerId;
    use crate::shards::Region;

    #[test]
    fn a_crowd_wakes_the_shards_of_a_region_once() {
        let mut woken = BTreeMap::new();
        let source =
            |region| Source { region: Region::of(Some(region)), caller: CallerId::default() };
        assert!(is_due(&mut woken, source("EU"), 7));
        for now_ms in [7, 8, 6 + AWAKE_MS] {
            assert!(!is_due(&mut woken, source("EU"), now_ms));
        }
        assert!(is_due(&mut woken, source("AS"), 8));
        assert!(is_due(&mut woken, source("EU"), 7 + AWAKE_MS));
        assert!(!is_due(&mut woken, source("EU"), 8 + AWAKE_MS));
    }
}
