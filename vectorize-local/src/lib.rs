//! A local stand-in for Cloudflare's Vectorize binding, for development and tests.
//!
//! A Worker that binds this one as a service under the name of its Vectorize index finds the
//! methods of the real binding there (`describe`, `query`, `queryById`, `insert`, `upsert`,
//! `getByIds`, `deleteByIds`), with its shapes, limits and error texts. Search is exact, values
//! are float32, and everything is kept in a `SQLite`-backed Durable Object, so it survives a
//! restart of `wrangler dev`.
//!
//! The parts are those of the real thing: [`rpc`] is the client (in production: code inside
//! workerd), which speaks HTTP with JSON to the index; `object` is the server, which keeps the
//! vectors; the rest is its pure core: [`wire`] reads and checks requests, [`index`] searches.
//!
//! Not here yet: metadata filters (refused with an error) and metadata indexes (so
//! `returnMetadata: "indexed"` returns none). Writes apply at once, in Cloudflare within minutes.

pub mod rpc;

mod object;

mod storage;

pub mod config;
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
/// `fetch` to RPC, and [control calls](control) at `/control`.
#[event(fetch)]
async fn fetch(req: Request, env: Env, _ctx: Context) -> Result<Response> {
    object::stub(&env)?.fetch_with_request(req).await
}
