//! What the answers of several routes have in common.

use serde::Serialize;
use wire::{Problem, http};
use worker::Response;

use crate::error;
use crate::timing::Timing;

/// 200 with a value as JSON, which nobody may keep.
pub(super) fn ok(value: &impl Serialize) -> Result<Response, Problem> {
    http::json(value, 200).map_err(error::internal)
}

/// A value as JSON, which nobody may keep, and how long it took.
pub(super) fn timed(
    value: &impl Serialize,
    status: u16,
    timing: Timing,
) -> Result<Response, Problem> {
    let response = http::json(value, status).map_err(error::internal)?;
    timing.add_to(&response).map_err(error::internal)?;
    Ok(response)
}

/// Lets everybody keep an answer for some minutes: it is the same for all, until the next
/// deployment.
pub(super) fn public(response: Response) -> Result<Response, Problem> {
    let headers = response.headers();
    headers.set("cache-control", "public, max-age=300").map_err(error::internal)?;
    Ok(response)
}
