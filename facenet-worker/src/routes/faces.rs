//! `GET` and `DELETE /faces/{id}`: shows a stored picture, deletes a face. `GET
//! /faces/{id}/status`: tells whether a search finds the face by now. `DELETE /faces`: deletes all
//! faces of a person. The private Worker does it all; here requests are only passed on. Without a
//! delete token a deletion is the operator's: see [`gallery`].

use wire::faces::{Status, is_id};
use wire::{Kind, Problem};
use worker::{Request, RequestInit, Response};

use super::request::authorization;
use super::response::ok;
use super::{Context, gallery};
use crate::{error, vectorize_client};

/// Also answers HEAD: the runtime does not send the body of such an answer.
pub(super) async fn get(context: Context<'_>, id: &str) -> Result<Response, Problem> {
    let Context { env, record, .. } = context;
    check(id)?;
    vectorize_client::fetch(env, record, &format!("/faces/{id}"), RequestInit::new()).await
}

pub(super) async fn delete(
    request: &Request,
    context: Context<'_>,
    id: &str,
) -> Result<Response, Problem> {
    let Context { env, record, .. } = context;
    check(id)?;
    let path = format!("/faces/{id}");
    match authorization(request)? {
        Some(token) => vectorize_client::delete(env, record, &path, Some(&token)).await,
        None => gallery::delete(context, id).await,
    }
}

pub(super) async fn delete_person(
    request: &Request,
    context: Context<'_>,
) -> Result<Response, Problem> {
    let url = request.url().map_err(error::internal)?;
    if input::gallery::all(url.query().unwrap_or_default())? {
        return gallery::empty(context).await;
    }
    let Some(token) = authorization(request)? else {
        let detail = "Send a delete token as `Authorization: Bearer <token>`, or `?all=true` to \
                      delete the faces of everybody.";
        return Err(Problem::new(Kind::Malformed, detail));
    };
    let Context { env, record, .. } = context;
    vectorize_client::delete(env, record, "/faces", Some(&token)).await
}

pub(super) async fn status(context: Context<'_>, id: &str) -> Result<Response, Problem> {
    let Context { env, record, .. } = context;
    check(id)?;
    let path = format!("/faces/{id}/status");
    let status: Status = vectorize_client::get(env, record, &path).await?;
    ok(&status)
}

/// Checks that an id has the form of our ids, so that nothing else gets into the path of a request
/// to the private Worker.
fn check(id: &str) -> Result<(), Problem> {
    if is_id(id) { Ok(()) } else { Err(Problem::new(Kind::NotFound, "There is no such face.")) }
}
