//! Loads shards from R2, each once per isolate. A loaded shard belongs to the isolate, not to the
//! object: an object that is evicted frees nothing, and one isolate may hold several objects.
//!
//! An isolate has room for one pair of records. For minutes after the weights have changed, objects
//! of two deployments may share it. Then they take turns: a shard is loaded anew when other weights
//! are needed, and stays for a while, so that those who wait for it are served.
//!
//! Requests interleave at every await. So what they share is only borrowed inside closures, which
//! cannot await. Clippy refuses a borrow across an await (`await_holding_refcell_ref`).

use std::cell::{Cell, RefCell};
use std::pin::pin;
use std::rc::Rc;
use std::time::Duration;

use facenet::Shard;
use facenet::record::{RecordError, Weights};
use futures_util::future::{self, Either};
use serde::Serialize;
use wire::log::{self, Level, Worker};
use wire::{Kind, Problem};
use worker::{Date, Delay, Env, Error, ResponseBody, Result};

use super::engine::{self, LoadedShard};
use super::per_shard::PerShard;
use super::pieces::Pieces;
use super::statistics;
use crate::{bindings, error};

/// How often a request looks whether it can go on. In Workers a request must not await a promise of
/// another request, so each has its own timer.
pub(super) const POLL: Duration = Duration::from_millis(20);

/// After this long a load counts as abandoned, as when the caller of its request went away, and
/// another request starts anew.
const LOAD_MS_MAX: u64 = 30_000;

/// How often a load looks whether it was taken over. It looks by a timer, because one that stalls
/// gets no chunk at which it could look.
const WATCH: Duration = Duration::from_secs(1);

/// How long a request waits for another one to finish loading.
const WAIT_MS_MAX: u64 = 40_000;

/// How long a shard stays once it is loaded, though other weights are needed. About as long as it
/// takes to load a shard, so that half of the time is left to compute.
const STAY_MS: u64 = 1_000;

/// How long a failure is the answer to those who waited for the load, and to those who come soon
/// after: another load would read as much from R2 and fail in the same way.
const FAILURE_MS: u64 = 500;

/// Names one load. An isolate gives each load another name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Owner(u64);

/// Whether the isolate has loaded one shard, loads it, or failed to.
#[derive(Default)]
enum LoadState<T> {
    #[default]
    Empty,
    Loading {
        since_ms: u64,
        owner: Owner,
    },
    Ready {
        weights: Weights,
        loaded: Rc<T>,
        since_ms: u64,
    },
    Failed {
        weights: Weights,
        problem: Problem,
        until_ms: u64,
    },
}

/// What a request should do.
#[derive(Debug, PartialEq)]
enum Next<T> {
    Use(Rc<T>),
    /// Ask again soon.
    Wait,
    /// Load the shard, then call [`LoadState::finish`].
    Load(Owner),
    Refuse(Problem),
}

impl<T> LoadState<T> {
    /// Tells one request to load, and no other until that load has ended or is abandoned. `owner`
    /// names that load. The shard that was there is dropped first: there is room for one.
    fn next(&mut self, wanted: &Weights, now_ms: u64, owner: Owner) -> Next<T> {
        match self {
            Self::Ready { weights, loaded, .. } if weights == wanted => {
                return Next::Use(Rc::clone(loaded));
            }
            Self::Ready { since_ms, .. } if now_ms.saturating_sub(*since_ms) < STAY_MS => {
                return Next::Wait;
            }
            Self::Loading { since_ms, .. } if now_ms.saturating_sub(*since_ms) < LOAD_MS_MAX => {
                return Next::Wait;
            }
            Self::Failed { weights, problem, until_ms }
                if weights == wanted && now_ms < *until_ms =>
            {
                return Next::Refuse(problem.clone());
            }
            _ => {}
        }
        *self = Self::Loading { since_ms: now_ms, owner };
        Next::Load(owner)
    }

    /// Whether this load is still the one that others wait for.
    fn is_owned_by(&self, load: Owner) -> bool {
        matches!(self, Self::Loading { owner, .. } if *owner == load)
    }

    /// Ends a load. One that was taken over, and has not noticed it, changes nothing: others may
    /// wait for other weights.
    fn finish(
        &mut self,
        owner: Owner,
        weights: &Weights,
        outcome: Result<Rc<T>, Problem>,
        now_ms: u64,
    ) {
        if !self.is_owned_by(owner) {
            return;
        }
        let weights = weights.clone();
        *self = match outcome {
            Ok(loaded) => Self::Ready { weights, loaded, since_ms: now_ms },
            Err(problem) => Self::Failed { weights, problem, until_ms: now_ms + FAILURE_MS },
        };
    }
}

thread_local! {
    static STATES: PerShard<RefCell<LoadState<LoadedShard>>> = PerShard::default();
    static LOADS: Cell<u64> = const { Cell::new(0) };
}

/// A name that no other load of the isolate has.
fn new_owner() -> Owner {
    LOADS.set(LOADS.get() + 1);
    Owner(LOADS.get())
}

/// Looks at or changes the state of a shard. The borrow ends with the closure.
fn with_state<T>(shard: Shard, use_state: impl FnOnce(&mut LoadState<LoadedShard>) -> T) -> T {
    STATES.with(|states| use_state(&mut states.of(shard).borrow_mut()))
}

/// Whether nobody has loaded a shard of these weights, nor is loading one now.
pub(super) fn is_missing(shard: Shard, weights: &Weights) -> bool {
    with_state(shard, |state| match state {
        LoadState::Ready { weights: loaded, .. } => loaded != weights,
        LoadState::Loading { .. } => false,
        LoadState::Empty | LoadState::Failed { .. } => true,
    })
}

/// The loaded shard of these weights. The first request loads it, the others wait. A request whose
/// load was taken over waits too. The caller must use the shard before it awaits anything.
///
/// # Errors
/// 503 when the shard cannot be loaded or takes too long.
pub(super) async fn loaded(
    env: &Env,
    shard: Shard,
    weights: &Weights,
) -> Result<Rc<LoadedShard>, Problem> {
    let since_ms = Date::now().as_millis();
    loop {
        let now_ms = Date::now().as_millis();
        match with_state(shard, |state| state.next(weights, now_ms, new_owner())) {
            Next::Use(loaded) => return Ok(loaded),
            Next::Refuse(problem) => return Err(problem),
            Next::Wait if now_ms.saturating_sub(since_ms) > WAIT_MS_MAX => {
                let what = "The model takes too long to load.";
                return Err(Problem::try_again(Kind::ModelUnavailable, what));
            }
            Next::Wait => Delay::from(POLL).await,
            Next::Load(owner) => {
                if let Some(outcome) = load_owned(env, shard, weights, owner).await {
                    return outcome;
                }
            }
        }
    }
}

/// Loads a shard and ends the load. `None` when another load has taken over: then this one has
/// stopped, and has dropped its stream and all that it held.
async fn load_owned(
    env: &Env,
    shard: Shard,
    weights: &Weights,
    owner: Owner,
) -> Option<Result<Rc<LoadedShard>, Problem>> {
    let load = pin!(load(env, shard, weights));
    let outcome = match future::select(load, pin!(lost(shard, owner))).await {
        Either::Left((outcome, _)) => outcome,
        Either::Right(_) => {
            let taken_over = Taken { shard: shard.name() };
            log::event(Level::Warn, Worker::Public, "load taken over", &taken_over);
            return None;
        }
    };
    let outcome = outcome.map(Rc::new).map_err(|error| error.problem(shard, weights));
    let now_ms = Date::now().as_millis();
    with_state(shard, |state| state.finish(owner, weights, outcome.clone(), now_ms));
    Some(outcome)
}

/// Ends when a load is no longer the one that others wait for.
async fn lost(shard: Shard, owner: Owner) {
    while with_state(shard, |state| state.is_owned_by(owner)) {
        Delay::from(WATCH).await;
    }
}

/// A load that stops because another one has taken over, for the log.
#[derive(Serialize)]
struct Taken {
    shard: &'static str,
}

/// A load that has ended well, for the log.
#[derive(Serialize)]
struct Loaded {
    shard: &'static str,
    weights: String,
    bytes: usize,
    ms: u64,
    /// `WebAssembly` memory of the isolate, which may hold the other shard too.
    memory_mb: f64,
}

/// Streams a shard from R2 into its engine.
async fn load(env: &Env, shard: Shard, weights: &Weights) -> Result<LoadedShard, LoadError> {
    let began_ms = Date::now().as_millis();
    let bucket = env.bucket(bindings::MODELS)?;
    statistics::count_r2_read(shard);
    let object = bucket.get(weights.key(shard)).execute().await?.ok_or(LoadError::Missing)?;
    let length = usize::try_from(object.size()).unwrap_or(usize::MAX);
    let body = object.body().ok_or(LoadError::Missing)?.response_body()?;
    let ResponseBody::Stream(stream) = body else { return Err(LoadError::Missing) };
    let mut pieces = Pieces::of(&stream).map_err(Error::from)?;
    let mut loader = engine::loader(shard, weights.model(), length)?.with_digest(weights.digest());
    while let Some(piece) = pieces.next().await.map_err(Error::from)? {
        loader.push(piece)?;
    }
    let ready = loader.finish()?;
    let facts = Loaded {
        shard: shard.name(),
        weights: weights.to_string(),
        bytes: length,
        ms: Date::now().as_millis().saturating_sub(began_ms),
        memory_mb: statistics::wasm_mb(),
    };
    log::event(Level::Info, Worker::Public, "load", &facts);
    Ok(ready)
}

/// Checks that the record of a shard is in the bucket, without reading it.
///
/// # Errors
/// 503 when it is not, or the bucket does not answer.
pub(crate) async fn check_record(
    env: &Env,
    shard: Shard,
    weights: &Weights,
) -> Result<(), Problem> {
    let head = async { env.bucket(bindings::MODELS)?.head(weights.key(shard)).await };
    match head.await {
        Ok(Some(_)) => Ok(()),
        Ok(None) => Err(missing(shard, weights)),
        Err(error) => {
            let problem =
                Problem::new(Kind::ModelUnavailable, "The models bucket does not answer.");
            Err(error::logged(format_args!("the models bucket does not answer: {error}"), problem))
        }
    }
}

/// Why a shard cannot be loaded.
enum LoadError {
    /// It is not in the bucket.
    Missing,
    /// What is in the bucket is not its record.
    Record(RecordError),
    /// The runtime or the bucket failed.
    Platform(worker::Error),
}

impl From<RecordError> for LoadError {
    fn from(error: RecordError) -> Self {
        Self::Record(error)
    }
}

impl From<worker::Error> for LoadError {
    fn from(error: worker::Error) -> Self {
        Self::Platform(error)
    }
}

impl LoadError {
    /// What callers are told. What the operator has to do is no secret.
    fn problem(self, shard: Shard, weights: &Weights) -> Problem {
        let key = weights.key(shard);
        match self {
            Self::Missing => {
                error::logged(format_args!("{key} is not in the bucket"), missing(shard, weights))
            }
            Self::Record(error) => {
                let what = format!("{key} in the models bucket is not the record of that name.");
                let detail = format!("{what} {}", cure(shard, weights));
                let problem = Problem::new(Kind::ModelUnavailable, detail);
                error::logged(format_args!("{key} does not load: {error}"), problem)
            }
            Self::Platform(error) => {
                let what = "The model could not be loaded.";
                let problem = Problem::try_again(Kind::ModelUnavailable, what);
                error::logged(format_args!("{key} cannot be read: {error}"), problem)
            }
        }
    }
}

fn missing(shard: Shard, weights: &Weights) -> Problem {
    let what = format!("{} is not in the models bucket.", weights.key(shard));
    Problem::new(Kind::ModelUnavailable, format!("{what} {}", cure(shard, weights)))
}

/// What the operator has to do about a shard in the bucket.
fn cure(shard: Shard, weights: &Weights) -> String {
    let (bucket, model, key) = (bindings::MODELS_BUCKET, weights.model(), weights.key(shard));
    format!(
        "The operator has to make it by `cargo xtask weights --model {model}` and to upload it, by \
         `cargo xtask deploy --model {model}` or `wrangler r2 object put {bucket}/{key} --file \
         .cface/weights/{model}/{}`; no restart is needed.",
        shard.file()
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problem() -> Problem {
        Problem::new(Kind::ModelUnavailable, "x")
    }

    fn weights(byte: u8) -> Weights {
        Weights::new("casia-webface", [byte; 32].into())
    }

    #[test]
    fn one_loads_and_the_others_wait() {
        let (mut state, weights) = (LoadState::Empty, weights(1));
        assert_eq!(state.next(&weights, 0, Owner(1)), Next::Load(Owner(1)));
        for now_ms in [0, 1, LOAD_MS_MAX - 1] {
            assert_eq!(state.next(&weights, now_ms, Owner(2)), Next::Wait);
        }
        state.finish(Owner(1), &weights, Ok(Rc::new(7)), 500);
        assert_eq!(state.next(&weights, 501, Owner(3)), Next::Use(Rc::new(7)));
    }

    #[test]
    fn an_abandoned_load_is_taken_over_once_and_changes_nothing_any_more() {
        let (mut state, weights) = (LoadState::Empty, weights(1));
        assert_eq!(state.next(&weights, 0, Owner(1)), Next::Load(Owner(1)));
        assert!(state.is_owned_by(Owner(1)));
        assert_eq!(state.next(&weights, LOAD_MS_MAX, Owner(2)), Next::Load(Owner(2)));
        assert_eq!(state.next(&weights, LOAD_MS_MAX + 1, Owner(3)), Next::Wait);
        assert!(!state.is_owned_by(Owner(1)) && state.is_owned_by(Owner(2)));
        state.finish(Owner(1), &weights, Err(problem()), LOAD_MS_MAX + 2);
        assert_eq!(state.next(&weights, LOAD_MS_MAX + 3, Owner(4)), Next::Wait);
        state.finish(Owner(1), &weights, Ok(Rc::new(7)), LOAD_MS_MAX + 4);
        assert!(state.is_owned_by(Owner(2)));
        state.finish(Owner(2), &weights, Ok(Rc::new(8)), LOAD_MS_MAX + 5);
        assert_eq!(state.next(&weights, LOAD_MS_MAX + 6, Owner(5)), Next::Use(Rc::new(8)));
    }

    #[test]
    fn a_failure_answers_shortly_and_is_then_tried_again() {
        let (mut state, weights) = (LoadState::<u32>::Empty, weights(1));
        assert_eq!(state.next(&weights, 0, Owner(1)), Next::Load(Owner(1)));
        state.finish(Owner(1), &weights, Err(problem()), 100);
        let until_ms = 100 + FAILURE_MS;
        assert_eq!(state.next(&weights, until_ms - 1, Owner(2)), Next::Refuse(problem()));
        assert_eq!(state.next(&weights, until_ms, Owner(3)), Next::Load(Owner(3)));
        assert_eq!(state.next(&weights, until_ms, Owner(4)), Next::Wait);
    }

    #[test]
    fn two_deployments_take_turns() {
        let (mut state, old, new) = (LoadState::Empty, weights(1), weights(2));
        assert_eq!(state.next(&old, 0, Owner(1)), Next::Load(Owner(1)));
        // Only one loads at a time.
        assert_eq!(state.next(&new, 1, Owner(2)), Next::Wait);
        let shard = Rc::new(7);
        state.finish(Owner(1), &old, Ok(Rc::clone(&shard)), 100);
        // Whoever has waited is served first.
        assert_eq!(state.next(&new, 100 + STAY_MS - 1, Owner(2)), Next::Wait);
        assert_eq!(state.next(&old, 100 + STAY_MS - 1, Owner(3)), Next::Use(Rc::new(7)));
        assert_eq!(state.next(&new, 100 + STAY_MS, Owner(2)), Next::Load(Owner(2)));
        assert_eq!(Rc::strong_count(&shard), 1, "the old shard is kept");
        assert_eq!(state.next(&old, 101 + STAY_MS, Owner(3)), Next::Wait);
        // A failure with one deployment's weights says nothing about the other's.
        state.finish(Owner(2), &new, Err(problem()), 200 + STAY_MS);
        assert_eq!(state.next(&new, 201 + STAY_MS, Owner(2)), Next::Refuse(problem()));
        assert_eq!(state.next(&old, 201 + STAY_MS, Owner(3)), Next::Load(Owner(3)));
    }
}
