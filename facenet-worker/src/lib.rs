//! The public Worker `cface`: the HTTP API beside the static page, and the two Durable Objects
//! that hold the shards of FaceNet. Pictures come in here and leave as embeddings; storing and
//! searching is `cface-vectorize`'s, behind a service binding.

mod bindings;
mod engine;
mod model;
mod multipart;
mod placement;
mod route;
mod routes;
mod shard;
mod store;
mod timing;

use wire::{Kind, Problem};
use worker::{Context, Env, Request, Response, Result, console_error, event};

pub use shard::{FaceNetShard1, FaceNetShard2};

#[event(fetch)]
async fn fetch(request: Request, env: Env, _context: Context) -> Result<Response> {
    let mut response = match routes::answer(request, &env).await {
        Ok(response) => response,
        Err(problem) => problem.into_response()?,
    };
    // Relayed responses have immutable headers, so all get a copy.
    let headers = response.headers().clone();
    headers.set("x-content-type-options", "nosniff")?;
    headers.set("referrer-policy", "no-referrer")?;
    response = response.with_headers(headers);
    Ok(response)
}

/// A fault of ours: the details go to the log, the caller learns that it was not theirs.
#[expect(clippy::needless_pass_by_value, reason = "for use in map_err")]
fn internal(error: worker::Error) -> Problem {
    console_error!("internal error: {error}");
    Problem::new(Kind::Internal, "Try again; if it happens again, the fault is ours.")
}
