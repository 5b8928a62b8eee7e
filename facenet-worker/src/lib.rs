#![doc = include_str!("../README.md")]

mod headers;
mod routes;

mod rate_limit;
mod shards;
mod timing;
mod vectorize_client;

mod bindings;
mod error;

use worker::{Context, Env, Request, Response, Result, event};

pub use shards::{FaceNetShard1, FaceNetShard2};

/// Answers a request for the API. The runtime itself serves the page.
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
