//! `/faces`, `/faces/{id}` and `/faces/{id}/status`: shows the picture of a face, tells whether a
//! search finds the face, deletes it, or deletes all faces of a person.

use wire::log::Record;
use worker::{Context, Object, Request, Response};

use super::Stores;
use super::request::token;
use super::response::{empty, json};
use crate::clock::SystemClock;
use crate::error::{Error, Outcome, StoreError};
use crate::stores::cloudflare::PICTURE_TYPE;
use crate::{face, pending, person};

/// `GET /faces/{id}`.
pub(super) async fn get(id: &str, (_, pictures): &Stores) -> Result<Response, Error> {
    let object = face::picture(pictures, &SystemClock, id).await?;
    let response = relay(&object).map_err(StoreError::of("picture response"))?;
    response.ok_or_else(face::unknown)
}

/// The picture. The runtime passes its bytes on from the bucket, so they are never in our memory.
fn relay(object: &Object) -> worker::Result<Option<Response>> {
    let Some(body) = object.body() else { return Ok(None) };
    let headers = wire::http::headers(PICTURE_TYPE)?;
    headers.set("content-length", &object.size().to_string())?;
    headers.set("x-content-type-options", "nosniff")?;
    Ok(Some(Response::from_body(body.response_body()?)?.with_headers(headers)))
}

/// `GET /faces/{id}/status`.
pub(super) async fn status(id: &str, (vectors, pictures): &Stores) -> Result<Response, Error> {
    json(&face::status(vectors, pictures, &SystemClock, id).await?, 200)
}

/// `DELETE /faces/{id}`.
pub(super) async fn delete(
    id: &str,
    request: &Request,
    stores: Stores,
    context: &Context,
    record: &Record,
) -> Result<Response, Error> {
    let token = token(request)?;
    let (vectors, pictures) = &stores;
    let outcome = face::delete(vectors, pictures, id, token.as_deref()).await?;
    deleted(outcome, stores, context, record)
}

/// `DELETE /faces`.
pub(super) async fn delete_person(
    request: &Request,
    stores: Stores,
    context: &Context,
    record: &Record,
) -> Result<Response, Error> {
    let token = token(request)?;
    let (vectors, pictures) = &stores;
    let outcome = person::delete(vectors, pictures, token.as_deref()).await?;
    deleted(outcome, stores, context, record)
}

/// 204 when all is deleted. 202 when the index has not taken the deletion: then it is repeated once
/// the answer is sent.
pub(super) fn deleted(
    outcome: Outcome<()>,
    (vectors, pictures): Stores,
    context: &Context,
    record: &Record,
) -> Result<Response, Error> {
    let is_pending = outcome.failure.is_some();
    outcome.noted(record);
    if is_pending {
        context.wait_until(async move {
            pending::finish_soon(&vectors, &pictures, &SystemClock).await.log();
        });
    }
    empty(if is_pending { 202 } else { 204 })
}
