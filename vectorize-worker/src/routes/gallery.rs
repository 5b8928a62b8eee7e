//! `/admin/faces` and `/admin/faces/{id}`: what an operator does with the faces of others. The
//! public Worker calls these paths only when a key of scope `admin` was sent.

use wire::log::Record;
use worker::{Context, Request, Response};

use super::Stores;
use super::faces::deleted;
use super::response::{empty, json};
use crate::clock::SystemClock;
use crate::error::{Error, StoreError};
use crate::gallery;

/// `GET /admin/faces`.
pub(super) async fn list(
    request: &Request,
    (vectors, pictures): &Stores,
) -> Result<Response, Error> {
    let url = request.url().map_err(StoreError::of("request"))?;
    let mut pairs = url.query_pairs();
    let after = pairs.find_map(|(key, value)| (key == "after").then_some(value));
    json(&gallery::list(vectors, pictures, &SystemClock, after.as_deref()).await?, 200)
}

/// `DELETE /admin/faces/{id}`.
pub(super) async fn delete(
    id: &str,
    stores: Stores,
    context: &Context,
    record: &Record,
) -> Result<Response, Error> {
    let (vectors, pictures) = &stores;
    let outcome = gallery::delete(vectors, pictures, id).await?;
    deleted(outcome, stores, context, record)
}

/// `DELETE /admin/faces`.
pub(super) async fn delete_all((vectors, pictures): &Stores) -> Result<Response, Error> {
    gallery::empty(vectors, pictures, &SystemClock).await?;
    empty(204)
}
