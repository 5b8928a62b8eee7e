//! `GET /faces/{id}/status`: tells whether a search finds a face by now.

use wire::http;
use worker::Response;

use super::Stores;
use crate::clock::SystemClock;
use crate::error::{Error, StoreError};
use crate::face;

pub(super) async fn get(id: &str, (vectors, pictures): &Stores) -> Result<Response, Error> {
    let status = face::status(vectors, pictures, &SystemClock, id).await?;
    Ok(http::json(&status, 200).map_err(StoreError::of("response"))?)
}
