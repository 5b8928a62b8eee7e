//! The routes of the public API. Each file of a route reads the request, computes or asks, and
//! answers; `request` and `response` hold what several of them need.

mod add;
mod config;
mod embed;
mod faces;
mod gallery;
mod health;
mod matching;
mod openapi;
mod verify;
mod wake;

mod request;

mod response;

mod route;

use wire::{Kind, Problem};
use worker::{Context, Env, Method, Request, Response};

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
    context: &Context,
) -> Result<Response, Problem> {
    let Some(route) = Route::parse(&request.path()) else {
        let detail = "See /openapi.json for the routes there are.";
        return Err(Problem::new(Kind::NotFound, detail));
    };
    // Methods that `worker` does not know are GET to it.
    if !route.takes(&request.inner().method()) {
        return Err(Problem::method_not_allowed(route.allow()));
    }
    let grant = access::check(&request, env, route.need(&request.method(), Carries::of(&request)))?;
    let caller = Caller::of(&request, grant.key_name());
    let under_way = budgets::admit(env, &caller, route.cost()).await?;
    let response = respond(&route, request, env, context, &caller, &grant).await;
    drop(under_way);
    response
}

async fn respond(
    route: &Route,
    request: Request,
    env: &Env,
    context: &Context,
    caller: &Caller,
    grant: &Grant,
) -> Result<Response, Problem> {
    match (route, request.method()) {
        (Route::Embed, Method::Post) => embed::post(request, env, caller).await,
        (Route::Add, Method::Post) => add::post(request, env, caller).await,
        (Route::Match, Method::Post) => matching::post(request, env, caller).await,
        (Route::Verify, Method::Post) => verify::post(request, env, caller).await,
        (Route::Wake, Method::Post) => wake::post(&request, env, context, caller),
        (Route::Faces, Method::Get | Method::Head) => gallery::list(&request, env, grant).await,
        (Route::Faces, Method::Delete) => faces::delete_person(&request, env, grant).await,
        (Route::Face(id), Method::Get | Method::Head) => faces::get(env, id).await,
        (Route::Face(id), Method::Delete) => faces::delete(&request, env, id, grant).await,
        (Route::Status(id), Method::Get | Method::Head) => faces::status(env, id).await,
        (Route::Config, Method::Get | Method::Head) => config::get(env),
        (Route::Health, Method::Get | Method::Head) => health::get(env, grant).await,
        (Route::OpenApi, Method::Get | Method::Head) => openapi::get(),
        (route, _) => Err(Problem::method_not_allowed(route.allow())),
    }
}
