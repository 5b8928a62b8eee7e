//! The routes of the public API. Each file of a route reads the request, computes or asks, and
//! answers; `request` and `response` hold what several of them need.

mod add;
mod config;
mod detect;
mod embed;
mod faces;
mod gallery;
mod health;
mod matching;
mod openapi;
mod samples;
mod verify;
mod wake;

mod photograph;
mod request;
mod response;
mod route;

use wire::log::Record;
use wire::{Kind, Problem};
use worker::{Env, Method, Request, Response};

use crate::access::{self, Grant};
use crate::budgets;
use crate::caller::Caller;

use route::Carries;
pub(crate) use route::Route;

/// Answers a request for the API.
///
/// # Errors
/// What the caller is told instead.
pub(crate) async fn answer(
    request: Request,
    env: &Env,
    runtime: &worker::Context,
    record: &Record,
) -> Result<Response, Problem> {
    let Some(route) = Route::parse(&request.path()) else {
        let detail = "See /openapi.json for the routes there are.";
        return Err(Problem::new(Kind::NotFound, detail));
    };
    // `worker` takes methods that it does not know for GET.
    if !route.takes(&request.inner().method()) {
        return Err(Problem::method_not_allowed(route.allow()));
    }
    let need = route.need(&request.method(), Carries::of(&request));
    let grant = access::check(&request, env, need, record)?;
    record.key(grant.key_name());
    let caller = Caller::of(&request, grant.key_name());
    let under_way = budgets::admit(env, &caller, route.cost(), record).await?;
    let context = Context { env, runtime, caller: &caller, grant: &grant, record };
    let response = respond(&route, request, context).await;
    drop(under_way);
    response
}

/// What a route is given besides the request.
#[derive(Clone, Copy)]
struct Context<'a> {
    env: &'a Env,
    runtime: &'a worker::Context,
    caller: &'a Caller,
    grant: &'a Grant,
    record: &'a Record,
}

async fn respond(
    route: &Route,
    request: Request,
    context: Context<'_>,
) -> Result<Response, Problem> {
    match (route, request.method()) {
        (Route::Detect, Method::Post) => detect::post(request, context).await,
        (Route::Embed, Method::Post) => embed::post(request, context).await,
        (Route::Add, Method::Post) => add::post(request, context).await,
        (Route::Match, Method::Post) => matching::post(request, context).await,
        (Route::Verify, Method::Post) => verify::post(request, context).await,
        (Route::Wake, Method::Post) => wake::post(&request, context),
        (Route::Faces, Method::Get | Method::Head) => gallery::list(&request, context).await,
        (Route::Faces, Method::Delete) => faces::delete_person(&request, context).await,
        (Route::Face(id), Method::Get | Method::Head) => faces::get(context, id).await,
        (Route::Face(id), Method::Delete) => faces::delete(&request, context, id).await,
        (Route::Status(id), Method::Get | Method::Head) => faces::status(context, id).await,
        (Route::Config, Method::Get | Method::Head) => config::get(context.env),
        (Route::Health, Method::Get | Method::Head) => health::get(context).await,
        (Route::OpenApi, Method::Get | Method::Head) => openapi::get(),
        (route, _) => Err(Problem::method_not_allowed(route.allow())),
    }
}
