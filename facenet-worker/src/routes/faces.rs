//! `GET` and `DELETE /faces/{id}`: a stored picture, or its end. `GET /faces/{id}/status`: whether
//! it is found by now. `DELETE /faces`: the end of all pictures of a person. Passed on to the
//! store.

use wire::faces::{Status, is_id};
use wire::{Kind, Problem};
use worker::{Env, Headers, Method, Request, RequestInit, Response};

use super::json;
use crate::{internal, store};

pub(super) async fn relay(request: &Request, env: &Env, id: &str) -> Result<Response, Problem> {
    check(id)?;
    let mut init = RequestInit::new();
    // The runtime keeps the body of an answer to HEAD to itself.
    let method = match request.method() {
        Method::Head => Method::Get,
        method => method,
    };
    init.with_method(method).with_headers(token_of(request)?);
    store::fetch(env, &format!("/faces/{id}"), init).await
}

pub(super) async fn forget(request: &Request, env: &Env) -> Result<Response, Problem> {
    let mut init = RequestInit::new();
    init.with_method(Method::Delete).with_headers(token_of(request)?);
    store::fetch(env, "/faces", init).await
}

/// The header with the token, if the request has one, and no other.
fn token_of(request: &Request) -> Result<Headers, Problem> {
    let headers = Headers::new();
    if let Some(token) = request.headers().get("authorization").map_err(internal)? {
        headers.set("authorization", &token).map_err(internal)?;
    }
    Ok(headers)
}

pub(super) async fn status(env: &Env, id: &str) -> Result<Response, Problem> {
    check(id)?;
    let status: Status = store::get(env, &format!("/faces/{id}/status")).await?;
    json(&status, 200)
}

/// An id as we make them: nothing else gets into the path of a request to the store.
fn check(id: &str) -> Result<(), Problem> {
    if is_id(id) { Ok(()) } else { Err(Problem::new(Kind::NotFound, "There is no such face.")) }
}
