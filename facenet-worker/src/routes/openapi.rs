//! `GET /openapi.json`: the description of the API. Tests compare it with the routes.

use wire::{Problem, http};
use worker::Response;

use super::response::public;
use crate::error;

pub(super) fn get() -> Result<Response, Problem> {
    let body = include_bytes!("../../openapi.json").to_vec();
    let response = Response::from_bytes(body).map_err(error::internal)?;
    let headers = http::headers("application/json").map_err(error::internal)?;
    public(response.with_headers(headers))
}
