//! `DELETE /faces`: deletes all faces of the person who holds a token.

use wire::http;
use worker::{Request, Response};

use super::Stores;
use super::request::token;
use crate::error::{Error, StoreError};
use crate::person;

pub(super) async fn delete(
    request: &Request,
    (vectors, pictures): &Stores,
) -> Result<Response, Error> {
    let token = token(request)?;
    person::delete(vectors, pictures, token.as_deref()).await?.logged();
    Ok(http::no_content().map_err(StoreError::of("response"))?)
}
