//! The two Durable Objects, each of which computes one shard of the network.
//!
//! ```text
//! cface --[160x160x3 bytes]--> FaceNetShard1 --[896x8x8 f32]--> FaceNetShard2 --[512 f32]--> back
//! ```
//!
//! Weights take half a second to load. So the first shard wakes the second one before it loads its
//! own, and `cface` wakes both when somebody is about to send a picture.
//!
//! One limiter for each shard bounds the requests of all its objects in the isolate, since they
//! share the isolate's memory and its one thread. It serves callers in turn. The first shard also
//! bounds the requests of each caller.

#![expect(missing_docs, reason = "the attribute macro adds methods without")]

use std::rc::Rc;

use facenet::Shard;
use facenet::record::Weights;
use serde::Serialize;
use wire::limits::REQUESTS_AT_ONCE_MAX;
use wire::log::{self, Level, Worker};
use wire::{Problem, http};
use worker::js_sys::ArrayBuffer;
use worker::{Date, Delay, DurableObject, Env, Request, Response, Result, State, durable_object};

use super::codec::Source;
use super::engine::LoadedShard;
use super::limiter::{Bounds, Full, Limiter, Permit, WAITING_MAX};
use super::load::{self, POLL};
use super::per_shard::PerShard;
use super::statistics::{self, Statistics};
use super::{client, codec};
use crate::error;

/// How many requests of a shard are at work, while the others wait for their turn. Only one
/// computes at a time. But some of the first shard's wait for the second shard, so four keep both
/// busy. Of each caller one is at work, so nobody delays others by more than that.
const AT_WORK: Bounds = Bounds { in_all: 4, per_caller: 1 };

/// How many requests of a shard are under way. The second shard takes all that the first one has
/// let in: refusing what is half computed would help nobody.
const fn under_way(shard: Shard) -> Bounds {
    let per_caller = match shard {
        Shard::Shard1 => REQUESTS_AT_ONCE_MAX,
        Shard::Shard2 => WAITING_MAX,
    };
    Bounds { in_all: WAITING_MAX, per_caller }
}

/// The first shard: takes a face, passes the boundary tensor on to the second shard, and answers
/// with the embedding, not normalised.
#[durable_object(fetch)]
pub struct FaceNetShard1 {
    state: State,
    env: Env,
}

impl DurableObject for FaceNetShard1 {
    fn new(state: State, env: Env) -> Self {
        statistics::count_object(Shard::Shard1);
        Self { state, env }
    }

    async fn fetch(&self, request: Request) -> Result<Response> {
        if codec::is_wake(&request) {
            let outcome = self.wake(&request).await;
            return woken(Shard::Shard1, outcome);
        }
        let permit = match acquire(Shard::Shard1, &request) {
            Ok(permit) => permit,
            Err(full) => return refuse(Shard::Shard1, full),
        };
        let outcome = self.embed(&request, &permit).await;
        respond(Shard::Shard1, permit, outcome)
    }
}

impl FaceNetShard1 {
    async fn embed(&self, request: &Request, permit: &Permit) -> Result<Computed, Problem> {
        let weights = codec::weights_of(request)?;
        let source = codec::source_of(request);
        let face = turn(request, permit).await?;
        let shard = self.loaded(source, &weights).await?;
        let boundary = boundary_of(&shard, &face)?;
        // Weights must not be held across an await: others may be needed meanwhile.
        drop(shard);
        let numbers = client::call_shard2(&self.env, source, &weights, &boundary).await?;
        Ok((numbers, weights))
    }

    async fn wake(&self, request: &Request) -> Result<(), Problem> {
        let weights = codec::weights_of(request)?;
        self.loaded(codec::source_of(request), &weights).await.map(drop)
    }

    /// The loaded shard. Where it has to be loaded, the second shard is woken too: it probably has
    /// to be loaded as well.
    async fn loaded(&self, source: Source, weights: &Weights) -> Result<Rc<LoadedShard>, Problem> {
        if load::is_missing(Shard::Shard1, weights) {
            let (env, weights) = (self.env.clone(), weights.clone());
            // It goes on after the answer if need be.
            self.state.wait_until(async move {
                client::wake(&env, Shard::Shard2, source, &weights).await;
            });
        }
        load::loaded(&self.env, Shard::Shard1, weights).await
    }
}

/// The second shard: takes the boundary tensor, answers with the embedding, not normalised.
#[durable_object(fetch)]
pub struct FaceNetShard2 {
    env: Env,
}

impl DurableObject for FaceNetShard2 {
    fn new(_state: State, env: Env) -> Self {
        statistics::count_object(Shard::Shard2);
        Self { env }
    }

    async fn fetch(&self, request: Request) -> Result<Response> {
        if codec::is_wake(&request) {
            let outcome = self.wake(&request).await;
            return woken(Shard::Shard2, outcome);
        }
        let permit = match acquire(Shard::Shard2, &request) {
            Ok(permit) => permit,
            Err(full) => return refuse(Shard::Shard2, full),
        };
        let outcome = self.embed(&request, &permit).await;
        respond(Shard::Shard2, permit, outcome)
    }
}

impl FaceNetShard2 {
    async fn embed(&self, request: &Request, permit: &Permit) -> Result<Computed, Problem> {
        let weights = codec::weights_of(request)?;
        let boundary = turn(request, permit).await?;
        let shard = load::loaded(&self.env, Shard::Shard2, &weights).await?;
        Ok((run(&shard, &codec::decode_numbers(&boundary))?, weights))
    }

    async fn wake(&self, request: &Request) -> Result<(), Problem> {
        let weights = codec::weights_of(request)?;
        load::loaded(&self.env, Shard::Shard2, &weights).await.map(drop)
    }
}

/// What was computed, and with which weights.
type Computed = (ArrayBuffer, Weights);

thread_local! {
    static LIMITERS: PerShard<Limiter> = PerShard::default();
}

fn acquire(shard: Shard, request: &Request) -> Result<Permit, Full> {
    statistics::count_request(shard);
    let (caller, now_ms) = (codec::source_of(request).caller, Date::now().as_millis());
    LIMITERS.with(|limiters| limiters.of(shard).acquire(caller, under_way(shard), now_ms))
}

/// Waits until it is the request's turn, and reads its body. An unread body is outside the
/// isolate's memory. That memory would keep the size that a burst of requests gives it.
async fn turn(request: &Request, permit: &Permit) -> Result<ArrayBuffer, Problem> {
    while !permit.may_start(AT_WORK, Date::now().as_millis()) {
        Delay::from(POLL).await;
    }
    let body = codec::body_of(request).await;
    body.map_err(|error| {
        error::model_unavailable(format_args!("a shard's request broke off: {error}"))
    })
}

/// The boundary tensor of an encoded face.
fn boundary_of(shard: &LoadedShard, face: &ArrayBuffer) -> Result<ArrayBuffer, Problem> {
    let face = codec::decode_face(face);
    let face = face.ok_or_else(|| error::internal("the first shard was sent no face"))?;
    run(shard, &face.input())
}

fn run(shard: &LoadedShard, input: &[f32]) -> Result<ArrayBuffer, Problem> {
    let numbers = shard.run(input);
    let numbers =
        numbers.ok_or_else(|| error::internal("a shard was given an input of the wrong size"))?;
    Ok(codec::encode_numbers(&numbers))
}

/// What failed in an object, for the log: the caller learns only what to do.
#[derive(Serialize)]
struct Failed<'a> {
    shard: &'static str,
    problem: &'static str,
    faults: [&'a str; 1],
}

/// Answers, and gives the permit back. Objects write no line for a request that succeeds: it has
/// one already, and each line costs.
fn respond(shard: Shard, permit: Permit, outcome: Result<Computed, Problem>) -> Result<Response> {
    if let Err(Problem { fault: Some(fault), kind, .. }) = &outcome {
        let failed = Failed { shard: shard.name(), problem: kind.slug(), faults: [fault] };
        log::event(Level::Error, Worker::Public, "object", &failed);
    }
    let response = with_statistics(shard, codec::response(outcome)?);
    drop(permit);
    response
}

/// The answer to a request to wake.
fn woken(shard: Shard, outcome: Result<(), Problem>) -> Result<Response> {
    let response = match outcome {
        Ok(()) => http::empty(204),
        Err(problem) => problem.into_response(),
    };
    with_statistics(shard, response?)
}

/// The answer when there is no permit. Only a shard that is full for all counts as overloaded.
fn refuse(shard: Shard, full: Full) -> Result<Response> {
    let response = match full {
        Full::ForAll => codec::overloaded_response(),
        Full::ForCaller => codec::response(Err(full.into())),
    };
    with_statistics(shard, response?)
}

fn with_statistics(shard: Shard, response: Response) -> Result<Response> {
    let now_ms = Date::now().as_millis();
    let waiting = LIMITERS.with(|limiters| limiters.of(shard).held(now_ms));
    Statistics::now(shard, waiting).keep(shard);
    statistics::add_to(response.headers())?;
    Ok(response)
}
