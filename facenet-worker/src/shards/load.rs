//! Loads shards from R2, each once per isolate. A loaded shard belongs to the isolate, not to the
//! object: an object that is evicted frees nothing, and one isolate may hold several objects.
//!
//! Requests interleave at every await. What they share is borrowed inside closures only, which
//! cannot await; Clippy refuses a borrow that lives across one (`await_holding_refcell_ref`).

use std::cell::{Cell, RefCell};
use std::pin::pin;
use std::rc::Rc;
use std::time::Duration;

use facenet::Shard;
use facenet::record::RecordError;
use futures_util::StreamExt as _;
use futures_util::future::{self, Either};
use wire::{Kind, Problem};
use worker::{Date, Delay, Env, Result, console_log};

use super::engine::{LoadedShard, Loader};
use super::per_shard::PerShard;
use super::statistics;
use crate::{bindings, error};

/// How often a request looks whether it can go on. A request must not await a promise that belongs
/// to another one, so each has timers of its own.
pub(super) const POLL: Duration = Duration::from_millis(20);

/// After this long a load counts as abandoned, as when the caller of its request went away, and
/// another request starts anew.
const LOAD_MS_MAX: u64 = 30_000;

/// How often a load looks whether it was taken over. It looks by a timer, because one that stalls
/// gets no chunk at which it could look.
const WATCH: Duration = Duration::from_secs(1);

/// How long a request waits for another one to finish loading.
const WAIT_MS_MAX: u64 = 40_000;

/// How long a failure is the answer to those who waited for the load, and to those who come right
/// after: another load would read as much from R2 and fail in the same way.
const FAILURE_MS: u64 = 500;

/// Names one load. An isolate gives each load another name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Owner(u64);

/// How far the isolate is with loading one shard.
#[derive(Default)]
enum LoadState<T> {
    #[default]
    Empty,
    Loading {
        since_ms: u64,
        owner: Owner,
    },
    Ready(Rc<T>),
    Failed {
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
    /// Tells one request to load, and no other one until that load has ended or is abandoned.
    /// That one is named by `owner`.
    fn next(&mut self, now_ms: u64, owner: Owner) -> Next<T> {
        match self {
            Self::Ready(loaded) => return Next::Use(Rc::clone(loaded)),
            Self::Loading { since_ms, .. } if now_ms.saturating_sub(*since_ms) < LOAD_MS_MAX => {
                return Next::Wait;
            }
            Self::Failed { problem, until_ms } if now_ms < *until_ms => {
                return Next::Refuse(problem.clone());
            }
            Self::Empty | Self::Loading { .. } | Self::Failed { .. } => {}
        }
        *self = Self::Loading { since_ms: now_ms, owner };
        Next::Load(owner)
    }

    /// Whether this load is still the one that others wait for.
    fn is_owned_by(&self, load: Owner) -> bool {
        matches!(self, Self::Loading { owner, .. } if *owner == load)
    }

    /// Ends a load. The first shard that is whole is used, also that of a load which was taken over
    /// but did not notice in time. The failure of such a load says nothing.
    fn finish(&mut self, owner: Owner, outcome: Result<Rc<T>, Problem>, now_ms: u64) {
        match outcome {
            Ok(_) if matches!(self, Self::Ready(_)) => {}
            Ok(loaded) => *self = Self::Ready(loaded),
            Err(problem) if self.is_owned_by(owner) => {
                *self = Self::Failed { problem, until_ms: now_ms + FAILURE_MS };
            }
            Err(_) => {}
        }
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

/// The loaded shard. The first request loads it, the others wait. A request whose load was taken
/// over waits too.
///
/// # Errors
/// 503 when the shard cannot be loaded or takes too long.
pub(super) async fn loaded(env: &Env, shard: Shard) -> Result<Rc<LoadedShard>, Problem> {
    let since_ms = Date::now().as_millis();
    loop {
        let now_ms = Date::now().as_millis();
        match with_state(shard, |state| state.next(now_ms, new_owner())) {
            Next::Use(loaded) => return Ok(loaded),
            Next::Refuse(problem) => return Err(problem),
            Next::Wait if now_ms.saturating_sub(since_ms) > WAIT_MS_MAX => {
                let what = "The model takes too long to load.";
                return Err(Problem::try_again(Kind::ModelUnavailable, what));
            }
            Next::Wait => Delay::from(POLL).await,
            Next::Load(owner) => {
                if let Some(outcome) = load_owned(env, shard, owner).await {
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
    owner: Owner,
) -> Option<Result<Rc<LoadedShard>, Problem>> {
    let outcome = match future::select(pin!(load(env, shard)), pin!(lost(shard, owner))).await {
        Either::Left((outcome, _)) => outcome,
        Either::Right(_) => {
            console_log!("a load of {} was taken over and stops", shard.name());
            return None;
        }
    };
    let outcome = outcome.map(Rc::new).map_err(|error| error.problem(env, shard));
    let now_ms = Date::now().as_millis();
    with_state(shard, |state| state.finish(owner, outcome.clone(), now_ms));
    Some(outcome)
}

/// Ends when a load is no longer the one that others wait for.
async fn lost(shard: Shard, owner: Owner) {
    while with_state(shard, |state| state.is_owned_by(owner)) {
        Delay::from(WATCH).await;
    }
}

/// Streams a shard from R2 into its engine.
async fn load(env: &Env, shard: Shard) -> Result<LoadedShard, LoadError> {
    let model = env.var(bindings::MODEL)?.to_string();
    let bucket = env.bucket(bindings::MODELS)?;
    statistics::count_r2_read(shard);
    let object = bucket.get(shard.file()).execute().await?.ok_or(LoadError::Missing)?;
    let length = usize::try_from(object.size()).unwrap_or(usize::MAX);
    let mut stream = object.body().ok_or(LoadError::Missing)?.stream()?;
    let mut loader = Loader::new(shard, &model, length)?;
    while let Some(chunk) = stream.next().await {
        loader.push(&chunk?)?;
    }
    let ready = loader.finish()?;
    console_log!("loaded {} of {model}, {length} bytes", shard.name());
    Ok(ready)
}

/// Checks that the record of a shard is in the bucket, without reading it.
///
/// # Errors
/// 503 when it is not, or the bucket does not answer.
pub(crate) async fn check_record(env: &Env, shard: Shard, model: &str) -> Result<(), Problem> {
    let head = async { env.bucket(bindings::MODELS)?.head(shard.file()).await };
    match head.await {
        Ok(Some(_)) => Ok(()),
        Ok(None) => Err(missing(shard, model)),
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
    fn problem(self, env: &Env, shard: Shard) -> Problem {
        let file = shard.file();
        let model = env.var(bindings::MODEL).map(|model| model.to_string()).unwrap_or_default();
        match self {
            Self::Missing => {
                error::logged(format_args!("{file} is not in the bucket"), missing(shard, &model))
            }
            Self::Record(error) => {
                let what = format!("{file} in the models bucket is not the record of {model}.");
                let detail = format!("{what} {}", cure(shard, &model));
                let problem = Problem::new(Kind::ModelUnavailable, detail);
                error::logged(format_args!("{file} does not load: {error}"), problem)
            }
            Self::Platform(error) => {
                let what = "The model could not be loaded.";
                let problem = Problem::try_again(Kind::ModelUnavailable, what);
                error::logged(format_args!("{file} cannot be read: {error}"), problem)
            }
        }
    }
}

fn missing(shard: Shard, model: &str) -> Problem {
    let what = format!("{} is not in the models bucket.", shard.file());
    Problem::new(Kind::ModelUnavailable, format!("{what} {}", cure(shard, model)))
}

/// What the operator has to do about a shard in the bucket.
fn cure(shard: Shard, model: &str) -> String {
    let (bucket, file) = (bindings::MODELS_BUCKET, shard.file());
    format!(
        "The operator has to make it by `cargo xtask weights --model {model}` and to upload it, by \
         `cargo xtask deploy --model {model}` or `wrangler r2 object put {bucket}/{file} --file \
         .cface/weights/{model}/{file}`; no restart is needed."
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problem() -> Problem {
        Problem::new(Kind::ModelUnavailable, "x")
    }

    #[test]
    fn one_loads_and_the_others_wait() {
        let mut state = LoadState::Empty;
        assert_eq!(state.next(0, Owner(1)), Next::Load(Owner(1)));
        for now_ms in [0, 1, LOAD_MS_MAX - 1] {
            assert_eq!(state.next(now_ms, Owner(2)), Next::Wait);
        }
        state.finish(Owner(1), Ok(Rc::new(7)), 500);
        assert_eq!(state.next(501, Owner(3)), Next::Use(Rc::new(7)));
    }

    #[test]
    fn an_abandoned_load_is_taken_over_once_and_learns_of_it() {
        let mut state = LoadState::Empty;
        assert_eq!(state.next(0, Owner(1)), Next::Load(Owner(1)));
        assert!(state.is_owned_by(Owner(1)));
        assert_eq!(state.next(LOAD_MS_MAX, Owner(2)), Next::Load(Owner(2)));
        assert_eq!(state.next(LOAD_MS_MAX + 1, Owner(3)), Next::Wait);
        assert!(!state.is_owned_by(Owner(1)) && state.is_owned_by(Owner(2)));
        // That the first load fails is not what the others wait for.
        state.finish(Owner(1), Err(problem()), LOAD_MS_MAX + 2);
        assert_eq!(state.next(LOAD_MS_MAX + 3, Owner(4)), Next::Wait);
        // Should it be whole first, the second one learns that it is no longer needed.
        state.finish(Owner(1), Ok(Rc::new(7)), LOAD_MS_MAX + 4);
        assert!(!state.is_owned_by(Owner(2)));
        state.finish(Owner(2), Ok(Rc::new(8)), LOAD_MS_MAX + 5);
        assert_eq!(state.next(LOAD_MS_MAX + 6, Owner(5)), Next::Use(Rc::new(7)));
    }

    #[test]
    fn a_failure_answers_shortly_and_is_then_tried_again() {
        let mut state = LoadState::<u32>::Empty;
        assert_eq!(state.next(0, Owner(1)), Next::Load(Owner(1)));
        state.finish(Owner(1), Err(problem()), 100);
        assert_eq!(state.next(100 + FAILURE_MS - 1, Owner(2)), Next::Refuse(problem()));
        assert_eq!(state.next(100 + FAILURE_MS, Owner(3)), Next::Load(Owner(3)));
        assert_eq!(state.next(100 + FAILURE_MS, Owner(4)), Next::Wait);
    }
}
