#![doc = include_str!("../README.md")]
//!
//! # Code map
//!
//! The parts are those of the real thing. [`client`] is the binding: it turns calls into HTTP
//! requests with JSON, which in production is code inside workerd. `object` is the server: it
//! answers these requests and keeps the vectors in `storage`. [`protocol`] reads and checks
//! requests and [`index`] searches; both are pure. What the real thing does not have is in
//! [`control`] and `call`.

pub mod client;
pub mod control;
pub mod index;
pub mod limits;
pub mod method;
pub mod protocol;
pub mod refusal;

mod call;
mod object;
mod storage;

use worker::{Context, Env, Request, Response, Result, event};

/// Serves the HTTP interface that Vectorize has behind its binding, [control calls](control) at
/// `/control`, and the methods of the binding at `/call`.
#[event(fetch)]
async fn fetch(request: Request, env: Env, _context: Context) -> Result<Response> {
    if request.path() == call::PATH {
        return call::answer(request, &env).await;
    }
    object::stub(&env)?.fetch_with_request(request).await
}
