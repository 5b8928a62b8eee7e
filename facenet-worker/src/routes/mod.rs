//! The routes of the public API. Each file of a route reads the request, computes or asks, and
//! answers; `request` and `response` hold what several of them need.

mod add;
mod config;
mod embed;
mod faces;
mod health;
mod matching;
mod openapi;
mod verify;

mod request;

mod response;

mod route;

use wire::{Kind, Problem};
use worker::{Env, Method, Request, Response};

use crate::budgets;
use crate::caller::Caller;

pub(crate) use route::Route;

/// Answers a request for the API.
///
/// # Errors
/// What the caller is told instead.
pub(crate) async fn answer(request: Request, env: &Env) -> Result<Response, Problem> {
    let Some(route) = Route::parse(&request.path()) else {
        let detail = "See /openapi.json for the routes there are.";
        return Err(Problem::new(Kind::NotFound, detail));
    };
    // Methods that `worker` does not know are GET to it.
    if !route.takes(&request.inner().method()) {
        return Err(Problem::method_not_allowed(route.allow()));
    }
    let caller = Caller::of(&request, None);
    let under_way = budgets::admit(env, &caller, route.cost()).await?;
    let response = respond(&route, request, env, &caller).await;
    drop(under_way);
    response
}

async fn respond(
    route: &Route,
    request: Request,
    env: &Env,
    caller: &Caller,
) -> Result<Response, Problem> {
    match (route, request.method()) {
        (Route::Embed, Method::Post) => embed::post(request, env, caller).await,
        (Route::Add, Method::Post) => add::post(request, env, caller).await,
        (Route::Match, Method::Post) => matching::post(request, env, caller).await,
        (Route::Verify, Method::Post) => verify::post(request, env, caller).await,
        (Route::Faces, Method::Delete) => faces::delete_person(&request, env).await,
        (Route::Face(id), Method::Get | Method::Head) => faces::get(env, id).await,
        (Route::Face(id), Method::Delete) => faces::delete(&request, env, id).await,
        (Route::Status(id), Method::Get | Method::Head) => faces::status(env, id).await,
        (Route::Config, Method::Get | Method::Head) => config::get(env),
        (Route::Health, Method::Get | Method::Head) => health::get(env).await,
        (Route::OpenApi, Method::Get | Method::Head) => openapi::get(),
        (route, _) => Err(Problem::method_not_allowed(route.allow())),
    }
}
