//! What the answers of several routes have in common.

use serde::Serialize;
use wire::log::Record;
use wire::{Problem, http};
use worker::Response;

use crate::error;

/// 200 with a value as JSON, which no cache may keep.
pub(super) fn ok(value: &impl Serialize) -> Result<Response, Problem> {
    http::json(value, 200).map_err(error::internal)
}

/// A value as JSON, which no cache may keep, and how long its stages took.
pub(super) fn timed(
    value: &impl Serialize,
    status: u16,
    record: &Record,
) -> Result<Response, Problem> {
    let response = http::json(value, status).map_err(error::internal)?;
    let timing = record.server_timing();
    response.headers().set("server-timing", &timing).map_err(error::internal)?;
    Ok(response)
}

/// Lets caches keep an answer for some minutes: it is the same for everybody until the next
/// deployment.
pub(super) fn public(response: Response) -> Result<Response, Problem> {
    let headers = response.headers();
    headers.set("cache-control", "public, max-age=300").map_err(error::internal)?;
    Ok(response)
}
