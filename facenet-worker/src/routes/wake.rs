//! `POST /wake`: somebody is about to send a picture, so both shards load meanwhile. The answer does
//! not wait for that.

use wire::{Problem, http};
use worker::{Context, Env, Request, Response};

use super::request::source;
use crate::caller::Caller;
use crate::{error, shards};

pub(super) fn post(
    request: &Request,
    env: &Env,
    context: &Context,
    caller: &Caller,
) -> Result<Response, Problem> {
    shards::wake(env, context, source(request, caller))?;
    http::empty(202).map_err(error::internal)
}
