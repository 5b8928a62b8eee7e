//! `GET` and `DELETE /faces/{id}`: shows the picture of a face, deletes a face.

use wire::http;
use worker::{Object, Request, Response};

use super::Stores;
use super::request::token;
use crate::clock::SystemClock;
use crate::error::{Error, StoreError};
use crate::face;
use crate::stores::cloudflare::PICTURE_TYPE;

pub(super) async fn get(id: &str, (_, pictures): &Stores) -> Result<Response, Error> {
    let object = face::picture(pictures, &SystemClock, id).await?;
    let response = response(&object).map_err(StoreError::of("picture response"))?;
    response.ok_or_else(face::unknown)
}

/// The picture, which the runtime passes on from the bucket: its bytes do not come here.
fn response(object: &Object) -> worker::Result<Option<Response>> {
    let Some(body) = object.body() else { return Ok(None) };
    let headers = http::headers(PICTURE_TYPE)?;
    headers.set("content-length", &object.size().to_string())?;
    headers.set("x-content-type-options", "nosniff")?;
    Ok(Some(Response::from_body(body.response_body()?)?.with_headers(headers)))
}

pub(super) async fn delete(
    id: &str,
    request: &Request,
    (vectors, pictures): &Stores,
) -> Result<Response, Error> {
    let token = token(request)?;
    face::delete(vectors, pictures, id, token.as_deref()).await?.logged();
    Ok(http::no_content().map_err(StoreError::of("response"))?)
}
