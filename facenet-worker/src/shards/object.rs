//! The two Durable Objects, each of which computes one shard of the network.
//!
//! ```text
//! cface --[160x160x3 bytes]--> FaceNetShard1 --[896x8x8 f32]--> FaceNetShard2 --[512 f32]--> back
//! ```
//!
//! One limiter for each shard bounds the requests of all its objects in the isolate, since they
//! share the isolate's memory and its one thread.

#![expect(missing_docs, reason = "the attribute macro adds methods without")]

use std::rc::Rc;

use facenet::Shard;
use wire::Problem;
use worker::js_sys::ArrayBuffer;
use worker::{Date, Delay, DurableObject, Env, Request, Response, Result, State, durable_object};

use super::engine::LoadedShard;
use super::limiter::{Limiter, Permit, WAITING_MAX};
use super::load::{self, POLL};
use super::per_shard::PerShard;
use super::statistics::{self, Statistics};
use super::{client, codec};
use crate::error;

/// How many requests of a shard are at work, while the others wait for their turn. One computes at
/// a time; that some of the first shard's wait for the second one keeps both busy.
const AT_WORK_MAX: usize = 4;

/// The first shard: takes a face, passes the boundary tensor on to the second shard, and answers
/// with the embedding, not normalised.
#[durable_object(fetch)]
pub struct FaceNetShard1 {
    env: Env,
}

impl DurableObject for FaceNetShard1 {
    fn new(_state: State, env: Env) -> Self {
        statistics::count_object(Shard::Shard1);
        Self { env }
    }

    async fn fetch(&self, request: Request) -> Result<Response> {
        let Some(permit) = acquire(Shard::Shard1) else { return refuse(Shard::Shard1) };
        let outcome = self.embed(&request, &permit).await;
        respond(Shard::Shard1, permit, outcome)
    }
}

impl FaceNetShard1 {
    async fn embed(&self, request: &Request, permit: &Permit) -> Result<ArrayBuffer, Problem> {
        let shard = ready(&self.env, Shard::Shard1, permit).await?;
        let boundary = boundary_of(&shard, &body_of(request).await?)?;
        client::call_shard2(&self.env, codec::continent_of(request), &boundary).await
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
        let Some(permit) = acquire(Shard::Shard2) else { return refuse(Shard::Shard2) };
        let outcome = self.embed(&request, &permit).await;
        respond(Shard::Shard2, permit, outcome)
    }
}

impl FaceNetShard2 {
    async fn embed(&self, request: &Request, permit: &Permit) -> Result<ArrayBuffer, Problem> {
        let shard = ready(&self.env, Shard::Shard2, permit).await?;
        run(&shard, &codec::decode_numbers(&body_of(request).await?))
    }
}

thread_local! {
    static LIMITERS: PerShard<Limiter> = PerShard::default();
}

fn acquire(shard: Shard) -> Option<Permit> {
    let now_ms = Date::now().as_millis();
    LIMITERS.with(|limiters| limiters.of(shard).acquire(WAITING_MAX, now_ms))
}

/// Waits until the shard is loaded and it is the request's turn. The body stays unread until then,
/// and so outside of the isolate's WebAssembly memory, which would keep the size that a burst of
/// requests gives it.
async fn ready(env: &Env, shard: Shard, permit: &Permit) -> Result<Rc<LoadedShard>, Problem> {
    while permit.rank(Date::now().as_millis()) >= AT_WORK_MAX {
        Delay::from(POLL).await;
    }
    load::loaded(env, shard).await
}

async fn body_of(request: &Request) -> Result<ArrayBuffer, Problem> {
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

/// Answers, and gives the permit back.
fn respond(
    shard: Shard,
    permit: Permit,
    outcome: Result<ArrayBuffer, Problem>,
) -> Result<Response> {
    let response = with_statistics(shard, codec::response(outcome)?);
    drop(permit);
    response
}

/// The answer when there is no permit.
fn refuse(shard: Shard) -> Result<Response> {
    with_statistics(shard, codec::overloaded_response()?)
}

fn with_statistics(shard: Shard, response: Response) -> Result<Response> {
    let now_ms = Date::now().as_millis();
    let waiting = LIMITERS.with(|limiters| limiters.of(shard).held(now_ms));
    Statistics::now(shard, waiting).keep(shard);
    statistics::add_to(response.headers())?;
    Ok(response)
}
