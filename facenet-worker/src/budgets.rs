//! Budgets: what a caller may have computed or read in a minute, counted by Cloudflare's rate
//! limits, and how many pictures of one caller may be under way in this isolate.
//!
//! The bindings count per location of Cloudflare and are not exact, so this slows abuse down but is
//! not a quota. Where a binding is missing or fails, requests pass.

use std::time::Duration;

use wire::limits::REQUESTS_AT_ONCE_MAX;
use wire::log::Record;
use wire::{Kind, Problem};
use worker::js_sys::Reflect;
use worker::wasm_bindgen::{JsCast as _, JsValue};
use worker::{Date, Delay, Env, RateLimiter};

use crate::bindings;
use crate::caller::{Caller, CallerId};
use crate::shards::{Bounds, Limiter, Permit};

/// The shortest and the longest time that a refusal waits, in seconds.
const HESITATION_S: (u32, u32) = (1, 10);

/// For each so many refusals of a caller that wait, the next one waits for a second more.
const REFUSALS_PER_S: u32 = 8;

/// How many refusals may wait in an isolate. Further ones do not wait.
const HESITATING_MAX: usize = 256;

/// The longest time that a caller who is being refused lets others pass, in milliseconds. It is
/// longer than a request takes, and short enough that the caller is served even if others never
/// stop.
const GIVE_WAY_MS_MAX: u64 = 2_000;

/// How often such a request looks whether the others are done.
const POLL: Duration = Duration::from_millis(20);

thread_local! {
    static UNDER_WAY: Limiter = Limiter::default();
    static HESITATING: Limiter = Limiter::default();
}

/// What a request takes from the budgets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Cost {
    /// So many embeddings. A search counts as one even if the caller brings the embedding.
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

/// One count: the binding, its key, and what the caller is told when the budget is spent.
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

/// Lets a request in: takes its cost from the budgets, and gives it one of the caller's places for
/// as long as it keeps the permit. What computes nothing needs no place. A caller who is being
/// refused has one place only, and lets others pass.
///
/// # Errors
/// 429 when the caller has too many under way, or a budget is spent.
pub(crate) async fn admit(
    env: &Env,
    caller: &Caller,
    cost: Cost,
    record: &Record,
) -> Result<Option<Permit>, Problem> {
    let outcome = match (cost.embeddings() > 0).then(|| enter(caller)).transpose() {
        Ok(permit) => {
            if permit.is_some() {
                give_way(caller.id()).await;
            }
            spend(env, caller, cost, record).await.map(|()| permit)
        }
        Err(problem) => Err(problem),
    };
    if outcome.is_err() {
        hesitate(caller.id()).await;
    }
    outcome
}

/// How many refusals of a caller wait. More than none means that the caller sends too much.
fn refusals(caller: CallerId, now_ms: u64) -> usize {
    HESITATING.with(|refused| refused.held_by(|other| other == caller, now_ms))
}

/// Lets others pass before a caller who is being refused. Each step of a request waits for whatever
/// the isolate computes at that moment, so even one embedding at a time would delay others at each
/// of their steps.
async fn give_way(caller: CallerId) {
    let began_ms = Date::now().as_millis();
    loop {
        let now_ms = Date::now().as_millis();
        let others = |other| other != caller && refusals(other, now_ms) == 0;
        let waiting_for = UNDER_WAY.with(|limiter| limiter.held_by(others, now_ms));
        let is_late = now_ms.saturating_sub(began_ms) >= GIVE_WAY_MS_MAX;
        if waiting_for == 0 || is_late || refusals(caller, now_ms) == 0 {
            return;
        }
        Delay::from(POLL).await;
    }
}

fn enter(caller: &Caller) -> Result<Permit, Problem> {
    let now_ms = Date::now().as_millis();
    let per_caller = if refusals(caller.id(), now_ms) > 0 { 1 } else { REQUESTS_AT_ONCE_MAX };
    let bounds = Bounds { in_all: usize::MAX, per_caller };
    let permit = UNDER_WAY.with(|limiter| limiter.acquire(caller.id(), bounds, now_ms));
    Ok(permit?)
}

/// Takes a cost from the budgets: that of a request that is let in, or what it costs besides.
///
/// # Errors
/// 429 when a budget is spent.
pub(crate) async fn spend(
    env: &Env,
    caller: &Caller,
    cost: Cost,
    record: &Record,
) -> Result<(), Problem> {
    for (binding, key, spent) in counts(caller, cost) {
        let Some(limiter) = find(env, binding) else { continue };
        match limiter.limit(key.to_owned()).await {
            Ok(outcome) if !outcome.success => {
                let detail = format!("{spent} Wait as `Retry-After` says.");
                return Err(Problem::new(Kind::RateLimited, detail));
            }
            Ok(_) => {}
            Err(error) => record.fault(format_args!("{binding} does not answer: {error}")),
        }
    }
    Ok(())
}

/// Lets a refusal wait a little, and longer the more refusals of the caller wait already. Programs
/// that send again at once would otherwise take more of the isolate by being refused than by being
/// served. Where too many wait, further ones do not: they would take memory.
async fn hesitate(caller: CallerId) {
    let bounds = Bounds { in_all: HESITATING_MAX, per_caller: HESITATING_MAX };
    let now_ms = Date::now().as_millis();
    let hesitation = hesitation(refusals(caller, now_ms));
    let permit = HESITATING.with(|limiter| limiter.acquire(caller, bounds, now_ms));
    if permit.is_ok() {
        Delay::from(hesitation).await;
    }
}

/// How long a refusal waits beside so many others of the caller.
fn hesitation(others: usize) -> Duration {
    let (least, most) = HESITATION_S;
    let others = u32::try_from(others).unwrap_or(u32::MAX);
    Duration::from_secs(u64::from((least + others / REFUSALS_PER_S).min(most)))
}

/// The binding, whatever its class is called. `Env::rate_limiter` accepts one name only.
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
    fn refusals_wait_longer_the_more_there_are() {
        assert_eq!(hesitation(0), Duration::from_secs(1));
        assert_eq!(hesitation(7), Duration::from_secs(1));
        assert_eq!(hesitation(60), Duration::from_secs(8));
        assert_eq!(hesitation(usize::MAX), Duration::from_secs(10));
    }

    #[test]
    fn holders_of_keys_share_nothing_with_their_network() {
        let caller = Caller::of_key("office");
        let counts = counts(&caller, Cost::Embeddings(1));
        assert_eq!(counts.len(), 2);
        assert!(counts.iter().all(|(binding, ..)| *binding != bindings::EMBEDDINGS_PER_NETWORK));
    }
}
