//! `GET` and `DELETE /faces/{id}`: shows a stored picture, deletes a face. `GET
//! /faces/{id}/status`: tells whether a search finds the face by now. `DELETE /faces`: deletes all
//! faces of a person. The private Worker does it all; here requests are only passed on.

use wire::faces::{Status, is_id};
use wire::{Kind, Problem};
use worker::{Env, Headers, Method, Request, RequestInit, Response};

use super::request::authorization;
use super::response::ok;
use crate::{error, vectorize_client};

/// Also answers HEAD: the runtime does not send the body of such an answer.
pub(super) async fn get(env: &Env, id: &str) -> Result<Response, Problem> {
    check(id)?;
    vectorize_client::fetch(env, &format!("/faces/{id}"), RequestInit::new()).await
}

pub(super) async fn delete(request: &Request, env: &Env, id: &str) -> Result<Response, Problem> {
    check(id)?;
    vectorize_client::fetch(env, &format!("/faces/{id}"), deletion(request)?).await
}

pub(super) async fn delete_person(request: &Request, env: &Env) -> Result<Response, Problem> {
    vectorize_client::fetch(env, "/faces", deletion(request)?).await
}

pub(super) async fn status(env: &Env, id: &str) -> Result<Response, Problem> {
    check(id)?;
    let status: Status = vectorize_client::get(env, &format!("/faces/{id}/status")).await?;
    ok(&status)
}

/// A request to delete, with the header that holds the token and no other of the caller's.
fn deletion(request: &Request) -> Result<RequestInit, Problem> {
    let headers = Headers::new();
    if let Some(token) = authorization(request)? {
        headers.set("authorization", &token).map_err(error::internal)?;
    }
    let mut init = RequestInit::new();
    init.with_method(Method::Delete).with_headers(headers);
    Ok(init)
}

/// Checks that an id has the form of ours: nothing else gets into the path of a request to the
/// private Worker.
fn check(id: &str) -> Result<(), Problem> {
    if is_id(id) { Ok(()) } else { Err(Problem::new(Kind::NotFound, "There is no such face.")) }
}
