//! What the answers of several routes have in common.

use serde::Serialize;
use wire::http;
use worker::Response;

use crate::error::{Error, StoreError};

/// An answer as JSON.
pub(super) fn json(value: &impl Serialize, status: u16) -> Result<Response, Error> {
    Ok(http::json(value, status).map_err(StoreError::of("response"))?)
}

/// An answer without a body.
pub(super) fn empty(status: u16) -> Result<Response, Error> {
    Ok(http::empty(status).map_err(StoreError::of("response"))?)
}
