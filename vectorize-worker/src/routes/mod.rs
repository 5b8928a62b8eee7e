//! The routes. Each file of a route parses the request, calls the operation and encodes its answer;
//! `request` and `response` hold what several of them need.

mod add;
mod faces;
mod gallery;
mod health;
mod matching;

mod request;
mod response;
mod route;

use wire::faces::{VERSION_HEADER, check_version};
use wire::log::{CALLS_HEADER, Record, Worker};
use wire::{Kind, Problem};
use worker::{Context, Env, Method, Request, Response, Result};

use crate::error::Error;
use crate::stores::cloudflare::{self, Faces, Index};

use route::Route;

/// The two stores.
type Stores = (Index, Faces);

/// Answers any request.
///
/// # Errors
/// When the runtime refuses to make a response.
pub(crate) async fn answer(mut request: Request, env: &Env, context: &Context) -> Result<Response> {
    let route = Route::parse(&request.path()).map_or("unknown", |route| route.pattern());
    let record = Record::begin(Worker::Private, &request.inner().method(), route);
    let response = match dispatch(&mut request, env, context, &record).await {
        Ok(response) => response,
        Err(error) => {
            let problem = error.into_problem();
            record.problem(&problem);
            problem.into_response()?
        }
    };
    let calls = record.calls().header();
    if !calls.is_empty() {
        response.headers().set(CALLS_HEADER, &calls)?;
    }
    record.write(response.status_code());
    Ok(response)
}

async fn dispatch(
    request: &mut Request,
    env: &Env,
    context: &Context,
    record: &Record,
) -> std::result::Result<Response, Error> {
    let version = request.headers().get(VERSION_HEADER).ok().flatten();
    check_version(version.as_deref())?;
    let path = request.path();
    let route = Route::parse(&path)
        .ok_or_else(|| Error::problem(Kind::NotFound, "There is no such route."))?;
    if route.is_operators() {
        record.operators();
    }
    let stores = cloudflare::bound(env, record.calls())?;
    match (route, request.method()) {
        (Route::Add, Method::Post) => add::post(request, &stores, record).await,
        (Route::Addition, Method::Get) => add::check(request, &stores).await,
        (Route::Match, Method::Post) => matching::post(request, &stores).await,
        (Route::Faces, Method::Delete) => {
            faces::delete_person(request, stores, context, record).await
        }
        (Route::Face(id), Method::Get) => faces::get(id, &stores).await,
        (Route::Face(id), Method::Delete) => {
            faces::delete(id, request, stores, context, record).await
        }
        (Route::Status(id), Method::Get) => faces::status(id, &stores).await,
        (Route::Gallery, Method::Get) => gallery::list(request, &stores).await,
        (Route::Gallery, Method::Delete) => gallery::delete_all(&stores).await,
        (Route::AnyFace(id), Method::Delete) => gallery::delete(id, stores, context, record).await,
        (Route::Health, Method::Get) => health::get(&stores).await,
        (route, _) => Err(Problem::method_not_allowed(route.allow()).into()),
    }
}
