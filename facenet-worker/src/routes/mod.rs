//! One file per route: parse, call, encode.

mod add;
mod config;
mod embed;
mod faces;
mod health;
mod matching;
mod verify;

use facenet::verdict::Thresholds;
use facenet::{Embedding, Face};
use input::form::Fields;
use wire::{Kind, Problem, http};
use worker::{Env, Method, Request, Response};

use crate::placement::Continent;
use crate::route::Route;
use crate::{abuse, bindings, internal, model};

/// Answers a request for the API.
///
/// # Errors
/// What the caller is to be told instead.
pub(crate) async fn answer(request: Request, env: &Env) -> Result<Response, Problem> {
    let Some(route) = Route::parse(&request.path()) else {
        let detail = "See /openapi.json for the routes there are.";
        return Err(Problem::new(Kind::NotFound, detail));
    };
    if request.method() == Method::Post {
        abuse::spend(env, &route, &request).await?;
    }
    match (&route, request.method()) {
        (Route::Embed, Method::Post) => embed::post(request, env).await,
        (Route::Add, Method::Post) => add::post(request, env).await,
        (Route::Match, Method::Post) => matching::post(request, env).await,
        (Route::Verify, Method::Post) => verify::post(request, env).await,
        (Route::Faces, Method::Delete) => faces::forget(&request, env).await,
        (Route::Face(id), Method::Get | Method::Head | Method::Delete) => {
            faces::relay(&request, env, id).await
        }
        (Route::Status(id), Method::Get | Method::Head) => faces::status(env, id).await,
        (Route::Config, Method::Get | Method::Head) => config::get(env),
        (Route::Health, Method::Get | Method::Head) => health::get(env).await,
        (Route::OpenApi, Method::Get | Method::Head) => openapi(),
        (route, _) => Err(Problem::method_not_allowed(route.allow())),
    }
}

fn openapi() -> Result<Response, Problem> {
    let response = Response::from_bytes(include_bytes!("../../openapi.json").to_vec());
    let response = response.map_err(internal)?;
    response.headers().set("content-type", "application/json").map_err(internal)?;
    public(response)
}

/// An answer that is the same for everybody, until the next deployment.
fn public(response: Response) -> Result<Response, Problem> {
    response.headers().set("cache-control", "public, max-age=300").map_err(internal)?;
    Ok(response)
}

/// The request's `Content-Type`, or nothing.
fn content_type(request: &Request) -> String {
    request.headers().get("content-type").ok().flatten().unwrap_or_default()
}

/// A media type without its parameters, in lower case.
fn media_type(content_type: &str) -> String {
    content_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase()
}

/// Where the caller is.
fn continent(request: &Request) -> Continent {
    Continent::of(request.cf().and_then(worker::Cf::continent).as_deref())
}

/// A body that is a picture.
async fn picture(request: &mut Request) -> Result<Face, Problem> {
    input::picture::decode(&http::read(request).await?)
}

/// A body that is a form with these fields.
async fn form(request: &mut Request, known: &[&'static str]) -> Result<Fields, Problem> {
    let content_type = content_type(request);
    if media_type(&content_type) != "multipart/form-data" {
        let detail = format!("Send multipart/form-data with the fields {}.", known.join(", "));
        return Err(Problem::new(Kind::UnsupportedType, detail));
    }
    input::form::parse(http::read(request).await?, &content_type, known).await
}

/// The embedding of a face by the caller's nearest shards.
async fn embedding(env: &Env, continent: Continent, face: &Face) -> Result<Embedding, Problem> {
    model::embed(env, continent, face).await
}

/// The name of the model that is served, and its thresholds.
fn served_model(env: &Env) -> Result<(String, Thresholds), Problem> {
    let model = env.var(bindings::MODEL).map_err(internal)?.to_string();
    let thresholds = Thresholds::of(&model).ok_or_else(|| {
        worker::console_error!("there are no thresholds for the model {model}");
        Problem::new(Kind::Internal, "The operator has configured an unknown model.")
    })?;
    Ok((model, thresholds))
}

/// An answer that nobody may keep.
fn json(value: &impl serde::Serialize, status: u16) -> Result<Response, Problem> {
    http::json(value, status).map_err(internal)
}
