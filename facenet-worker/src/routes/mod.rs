//! One file per route: parse, call, encode.

mod add;
mod embed;
mod faces;
mod health;
mod matching;
mod verify;

use facenet::image::{ImageError, Limits};
use facenet::verdict::Thresholds;
use facenet::{Embedding, Face};
use wire::limits::{IMAGE_PIXELS_MAX, IMAGE_SIDE_MAX, IMAGE_SIDE_MIN};
use wire::{Kind, Problem, body};
use worker::{Env, Method, Request, Response};

use crate::placement::Continent;
use crate::route::Route;
use crate::{bindings, internal, model};

/// Answers a request for the API.
///
/// # Errors
/// What the caller is to be told instead.
pub(crate) async fn answer(request: Request, env: &Env) -> Result<Response, Problem> {
    let Some(route) = Route::parse(&request.path()) else {
        let detail = "See /openapi.json for the routes there are.";
        return Err(Problem::new(Kind::NotFound, detail));
    };
    match (&route, request.method()) {
        (Route::Embed, Method::Post) => embed::post(request, env).await,
        (Route::Add, Method::Post) => add::post(request, env).await,
        (Route::Match, Method::Post) => matching::post(request, env).await,
        (Route::Verify, Method::Post) => verify::post(request, env).await,
        (Route::Face(id), Method::Get | Method::Head | Method::Delete) => {
            faces::relay(&request, env, id).await
        }
        (Route::Status(id), Method::Get | Method::Head) => faces::status(env, id).await,
        (Route::Health, Method::Get | Method::Head) => health::get(env).await,
        (Route::OpenApi, Method::Get | Method::Head) => openapi(),
        (route, _) => Err(Problem::method_not_allowed(route.allow())),
    }
}

fn openapi() -> Result<Response, Problem> {
    let response = Response::from_bytes(include_bytes!("../../openapi.json").to_vec());
    let response = response.map_err(internal)?;
    response.headers().set("content-type", "application/json").map_err(internal)?;
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
    face(&body::read(request).await?)
}

/// Decodes a picture of a face.
fn face(bytes: &[u8]) -> Result<Face, Problem> {
    if bytes.is_empty() {
        let detail = "There is no picture. Send a JPEG, PNG or WebP file.";
        return Err(Problem::new(Kind::Malformed, detail));
    }
    let limits =
        Limits { side_min: IMAGE_SIDE_MIN, side_max: IMAGE_SIDE_MAX, pixels_max: IMAGE_PIXELS_MAX };
    Face::decode(bytes, &limits).map_err(|error| match error {
        ImageError::UnknownFormat => {
            let detail = "This is no picture that can be read. Send a JPEG, PNG or WebP file.";
            Problem::new(Kind::UnsupportedType, detail)
        }
        ImageError::Damaged(_) => {
            Problem::new(Kind::Unusable, "The picture is damaged or incomplete. Send it again.")
        }
        ImageError::Dimensions { width, height, too_large: true } => {
            let detail = format!(
                "The picture has {width}x{height} pixels. Send one of at most {IMAGE_PIXELS_MAX} \
                 pixels and {IMAGE_SIDE_MAX} a side, best a crop of the face."
            );
            Problem::new(Kind::TooLarge, detail)
        }
        ImageError::Dimensions { width, height, too_large: false } => {
            let detail = format!(
                "The picture has {width}x{height} pixels. Send one of at least {IMAGE_SIDE_MIN} \
                 pixels a side."
            );
            Problem::new(Kind::Unusable, detail)
        }
    })
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
    let response = Response::from_json(value).map_err(internal)?.with_status(status);
    response.headers().set("cache-control", "no-store").map_err(internal)?;
    Ok(response)
}
