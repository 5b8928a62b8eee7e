//! A local stand-in for Cloudflare's Vectorize binding, for development and tests. How to use
//! it, and what differs from the real thing, is in the README.
//!
//! The parts are those of the real thing: [`rpc`] is the client (in production: code inside
//! workerd), which speaks HTTP with JSON to the index; `object` is the server, which keeps the
//! vectors in `storage`; the rest is its pure core: [`wire`] reads and checks requests,
//! [`index`] searches. What the real thing does not have is in [`control`] and `call`, and is
//! reached by HTTP only.

pub mod rpc;

mod call;

mod object;

mod storage;

pub mod config;
pub mod conformance;
pub mod control;
pub mod fault;
pub mod filter;
pub mod index;
pub mod kernels;
pub mod limits;
pub mod method;
pub mod metric;
pub mod wire;

use worker::{Context, Env, Request, Response, Result, event};

/// Serves the HTTP interface that Vectorize has behind its binding, for callers that prefer
/// `fetch` to RPC; [control calls](control) at `/control`; and the binding itself at `/call`.
#[event(fetch)]
async fn fetch(req: Request, env: Env, _ctx: Context) -> Result<Response> {
    if req.path() == call::PATH {
        return call::answer(req, &env).await;
    }
    object::stub(&env)?.fetch_with_request(req).await
}
