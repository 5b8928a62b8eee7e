//! `GET` and `DELETE /faces/{id}`: shows a stored picture, deletes a face. `GET
//! /faces/{id}/status`: tells whether a search finds the face by now. `DELETE /faces`: deletes all
//! faces of a person. The private Worker does it all; here requests are only passed on. Without a
//! delete token a deletion is the operator's: see [`gallery`].

use wire::faces::{Status, is_id};
use wire::{Kind, Problem};
use worker::{Env, Request, RequestInit, Response};

use super::gallery;
use super::request::authorization;
use super::response::ok;
use crate::access::Grant;
use crate::{error, vectorize_client};

/// Also answers HEAD: the runtime does not send the body of such an answer.
pub(super) async fn get(env: &Env, id: &str) -> Result<Response, Problem> {
    check(id)?;
    vectorize_client::fetch(env, &format!("/faces/{id}"), RequestInit::new()).await
}

pub(super) async fn delete(
    request: &Request,
    env: &Env,
    id: &str,
    grant: &Grant,
) -> Result<Response, Problem> {
    check(id)?;
    match authorization(request)? {
        Some(token) => vectorize_client::delete(env, &format!("/faces/{id}"), Some(&token)).await,
        None => gallery::delete(env, id, grant).await,
    }
}

pub(super) async fn delete_person(
    request: &Request,
    env: &Env,
    grant: &Grant,
) -> Result<Response, Problem> {
    let url = request.url().map_err(error::internal)?;
    if input::gallery::all(url.query().unwrap_or_default())? {
        return gallery::empty(env, grant).await;
    }
    let Some(token) = authorization(request)? else {
        let detail = "Send a delete token as `Authorization: Bearer <token>`, or `?all=true` to \
                      delete the faces of everybody.";
        return Err(Problem::new(Kind::Malformed, detail));
    };
    vectorize_client::delete(env, "/faces", Some(&token)).await
}

pub(super) async fn status(env: &Env, id: &str) -> Result<Response, Problem> {
    check(id)?;
    let status: Status = vectorize_client::get(env, &format!("/faces/{id}/status")).await?;
    ok(&status)
}

/// Checks that an id has the form of ours: nothing else gets into the path of a request to the
/// private Worker.
fn check(id: &str) -> Result<(), Problem> {
    if is_id(id) { Ok(()) } else { Err(Problem::new(Kind::NotFound, "There is no such face.")) }
}
