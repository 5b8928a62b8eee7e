//! What an operator does with the faces of others: `GET /faces` lists them, `DELETE /faces/{id}`
//! without a delete token deletes one, and `DELETE /faces?all=true` deletes all. The log has the
//! name of the key for each.

use wire::Problem;
use wire::faces::Listing;
use worker::{Env, Request, Response, console_log};

use super::response::ok;
use crate::access::Grant;
use crate::{error, vectorize_client};

/// Also answers HEAD: the runtime does not send the body of such an answer.
pub(super) async fn list(request: &Request, env: &Env, grant: &Grant) -> Result<Response, Problem> {
    let key = grant.admin()?;
    let url = request.url().map_err(error::internal)?;
    let after = input::gallery::after(url.query().unwrap_or_default())?;
    let query = after.map(|id| format!("?after={id}")).unwrap_or_default();
    let listing: Listing = vectorize_client::get(env, &format!("/admin/faces{query}")).await?;
    console_log!("the key {key} has listed {} faces", listing.faces.len());
    ok(&listing)
}

pub(super) async fn delete(env: &Env, id: &str, grant: &Grant) -> Result<Response, Problem> {
    let key = grant.admin()?;
    let response = vectorize_client::delete(env, &format!("/admin/faces/{id}"), None).await?;
    console_log!("the key {key} has deleted a face: {}", response.status_code());
    Ok(response)
}

pub(super) async fn empty(env: &Env, grant: &Grant) -> Result<Response, Problem> {
    let key = grant.admin()?;
    let response = vectorize_client::delete(env, "/admin/faces", None).await?;
    console_log!("the key {key} has emptied the gallery: {}", response.status_code());
    Ok(response)
}
