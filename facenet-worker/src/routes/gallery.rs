//! What an operator does with the faces of others: `GET /faces` lists them, `DELETE /faces/{id}`
//! without a delete token deletes one, and `DELETE /faces?all=true` deletes all. The line of each
//! in the log has the name of the key.

use wire::Problem;
use wire::faces::Listing;
use worker::{Request, Response};

use super::Context;
use super::response::ok;
use crate::{error, vectorize_client};

/// Also answers HEAD: the runtime does not send the body of such an answer.
pub(super) async fn list(request: &Request, context: Context<'_>) -> Result<Response, Problem> {
    let Context { env, grant, record, .. } = context;
    grant.check_admin()?;
    record.operators();
    let url = request.url().map_err(error::internal)?;
    let after = input::gallery::after(url.query().unwrap_or_default())?;
    let query = after.map(|id| format!("?after={id}")).unwrap_or_default();
    let path = format!("/admin/faces{query}");
    let listing: Listing = vectorize_client::get(env, record, &path).await?;
    ok(&listing)
}

pub(super) async fn delete(context: Context<'_>, id: &str) -> Result<Response, Problem> {
    let Context { env, grant, record, .. } = context;
    grant.check_admin()?;
    record.operators();
    vectorize_client::delete(env, record, &format!("/admin/faces/{id}"), None).await
}

pub(super) async fn empty(context: Context<'_>) -> Result<Response, Problem> {
    let Context { env, grant, record, .. } = context;
    grant.check_admin()?;
    record.operators();
    vectorize_client::delete(env, record, "/admin/faces", None).await
}
