//! `POST /wake`: somebody is about to send a picture, so both shards load meanwhile. The answer
//! does not wait for that.

use wire::log::Call;
use wire::{Problem, http};
use worker::{Request, Response};

use super::Context;
use super::request::source;
use crate::{error, shards};

pub(super) fn post(request: &Request, context: Context<'_>) -> Result<Response, Problem> {
    context.record.count(Call::Objects);
    shards::wake(context.env, context.runtime, source(request, context.caller))?;
    http::empty(202).map_err(error::internal)
}
