//! Budgets: what a caller may have computed or read in a minute, counted by Cloudflare's rate
//! limits, and how many pictures of one caller may be under way in this isolate.
//!
//! The bindings count per location and forgive some, so this slows abuse down and is no exact
//! quota. Where a binding is missing or fails, requests pass: they are served all the same.

use std::time::Duration;

use wire::limits::REQUESTS_AT_ONCE_MAX;
use wire::{Kind, Problem};
use worker::js_sys::Reflect;
use worker::wasm_bindgen::{JsCast as _, JsValue};
use worker::{Date, Delay, Env, RateLimiter, console_error};

use crate::caller::{Caller, CallerId};
use crate::shards::{Bounds, Limiter, Permit};
use crate::{bindings, error};

/// How long a refusal waits.
const HESITATION: Duration = Duration::from_secs(1);

/// How many refusals wait in an isolate.
const HESITATING_MAX: usize = 256;

thread_local! {
    static UNDER_WAY: Limiter = Limiter::default();
    static HESITATING: Limiter = Limiter::default();
}

/// What a request takes from the budgets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Cost {
    /// So many embeddings. A search counts as one even if it brings its own.
    Embeddings(usize),
    /// An embedding, and a face that is stored.
    Enrolment,
    /// Whatever computes nothing: a read or a deletion.
    Read,
}

impl Cost {
    /// How many embeddings are computed.
    pub(crate) const fn embeddings(self) -> usize {
        match self {
            Self::Embeddings(count) => count,
            Self::Enrolment => 1,
            Self::Read => 0,
        }
    }
}

/// One count: the binding, whose it is, and what the caller is told when it is spent.
type Count<'a> = (&'static str, &'a str, &'static str);

/// The counts that a request adds to. The caller's own come first: once they are spent, nothing
/// is taken from those that are shared with others.
fn counts(caller: &Caller, cost: Cost) -> Vec<Count<'_>> {
    const YOU: &str = "You have sent too many requests.";
    const NETWORK: &str = "Your network has sent too many requests.";
    const ALL: &str = "All callers together have sent too many requests.";
    let name = caller.name();
    let mut counts = match cost {
        Cost::Read => vec![(bindings::READS_PER_CALLER, name, YOU)],
        Cost::Enrolment => vec![(bindings::ENROLMENTS_PER_CALLER, name, YOU)],
        Cost::Embeddings(_) => Vec::new(),
    };
    // The binding counts one at a time.
    for _ in 0..cost.embeddings() {
        counts.push((bindings::EMBEDDINGS_PER_CALLER, name, YOU));
        let network = caller.network();
        counts.extend(network.map(|it| (bindings::EMBEDDINGS_PER_NETWORK, it, NETWORK)));
        counts.push((bindings::EMBEDDINGS_IN_ALL, "all", ALL));
    }
    counts
}

/// Lets a request in: it has a place among those of the caller that are under way, as long as it
/// keeps the permit, and its cost is taken from the budgets. What computes nothing needs no place.
///
/// # Errors
/// 429 when the caller has too many under way, or a budget is spent.
pub(crate) async fn admit(
    env: &Env,
    caller: &Caller,
    cost: Cost,
) -> Result<Option<Permit>, Problem> {
    let outcome = match (cost.embeddings() > 0).then(|| enter(caller)).transpose() {
        Ok(permit) => spend(env, caller, cost).await.map(|()| permit),
        Err(problem) => Err(problem),
    };
    if outcome.is_err() {
        hesitate().await;
    }
    outcome
}

fn enter(caller: &Caller) -> Result<Permit, Problem> {
    let bounds = Bounds { in_all: usize::MAX, per_caller: REQUESTS_AT_ONCE_MAX };
    let now_ms = Date::now().as_millis();
    let permit = UNDER_WAY.with(|limiter| limiter.acquire(caller.id(), bounds, now_ms));
    permit.map_err(error::full)
}

async fn spend(env: &Env, caller: &Caller, cost: Cost) -> Result<(), Problem> {
    for (binding, key, spent) in counts(caller, cost) {
        let Some(limiter) = find(env, binding) else { continue };
        match limiter.limit(key.to_owned()).await {
            Ok(outcome) if !outcome.success => {
                let detail = format!("{spent} Wait as `Retry-After` says.");
                return Err(Problem::new(Kind::RateLimited, detail));
            }
            Ok(_) => {}
            Err(error) => console_error!("{binding} does not answer: {error}"),
        }
    }
    Ok(())
}

/// Lets a refusal wait a little. Programs that send again at once would otherwise take more of the
/// isolate by being refused than by being served. More than some do not wait: they would take its
/// memory.
async fn hesitate() {
    let bounds = Bounds { in_all: HESITATING_MAX, per_caller: HESITATING_MAX };
    let now_ms = Date::now().as_millis();
    let permit = HESITATING.with(|limiter| limiter.acquire(CallerId::default(), bounds, now_ms));
    if permit.is_ok() {
        Delay::from(HESITATION).await;
    }
}

/// The binding, whatever the class of the object is called. `Env::rate_limiter` insists on one
/// name.
fn find(env: &Env, name: &str) -> Option<RateLimiter> {
    let binding = Reflect::get(env, &JsValue::from_str(name)).ok()?;
    binding.is_object().then(|| RateLimiter::unchecked_from_js(binding))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_callers_own_budgets_are_spent_first() {
        let caller = Caller::of_address(Some("192.0.2.1"));
        let of = |cost| -> Vec<_> {
            counts(&caller, cost).into_iter().map(|(binding, key, _)| (binding, key)).collect()
        };
        let own = (bindings::EMBEDDINGS_PER_CALLER, "192.0.2.1");
        let network = (bindings::EMBEDDINGS_PER_NETWORK, "192.0.2.0");
        let all = (bindings::EMBEDDINGS_IN_ALL, "all");
        assert_eq!(of(Cost::Embeddings(2)), [own, network, all, own, network, all]);
        let enrolment = (bindings::ENROLMENTS_PER_CALLER, "192.0.2.1");
        assert_eq!(of(Cost::Enrolment), [enrolment, own, network, all]);
        assert_eq!(of(Cost::Read), [(bindings::READS_PER_CALLER, "192.0.2.1")]);
    }

    #[test]
    fn holders_of_keys_share_nothing_with_their_network() {
        let caller = Caller::of_key("office");
        let counts = counts(&caller, Cost::Embeddings(1));
        assert_eq!(counts.len(), 2);
        assert!(counts.iter().all(|(binding, ..)| *binding != bindings::EMBEDDINGS_PER_NETWORK));
    }
}
