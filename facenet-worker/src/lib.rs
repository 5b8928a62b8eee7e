//! The public Worker `cface`: the HTTP API beside the static page, and the two Durable Objects
//! that hold the shards of FaceNet. Pictures come in here and leave as embeddings; storing and
//! searching is `cface-vectorize`'s, behind a service binding.

mod abuse;
mod bindings;
mod engine;
mod figures;
mod headers;
mod model;
mod placement;
mod retry;
mod room;
mod route;
mod routes;
mod shard;
mod slot;
mod store;
mod timing;

use wire::Problem;
use worker::{Context, Env, Request, Response, Result, console_error, event};

pub use shard::{FaceNetShard1, FaceNetShard2};

#[event(fetch)]
async fn fetch(request: Request, env: Env, _context: Context) -> Result<Response> {
    let caller = headers::Caller::of(&request, &env);
    let response = match caller.preflight(&request) {
        Some(response) => response?,
        None => match routes::answer(request, &env).await {
            Ok(response) => response,
            Err(problem) => problem.into_response()?,
        },
    };
    caller.add_to(response)
}

/// A fault of ours: the details go to the log, the caller learns that it was not theirs.
#[expect(clippy::needless_pass_by_value, reason = "for use in map_err")]
fn internal(error: worker::Error) -> Problem {
    console_error!("internal error: {error}");
    Problem::internal()
}
