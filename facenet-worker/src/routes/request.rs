//! What the requests of several routes have in common: how they say what they send, pictures and
//! forms, where the caller is, and which model is served.

use facenet::Face;
use facenet::verdict::Thresholds;
use input::form::{self, Fields};
use input::picture;
use wire::{Kind, Problem, http};
use worker::{Cf, Env, Request};

use crate::caller::Caller;
use crate::shards::{Continent, Source};
use crate::{bindings, error};

/// The media type of the body, without its parameters and in lower case. Empty if none is given.
pub(super) fn media_type(request: &Request) -> String {
    media_type_of(&content_type(request))
}

fn content_type(request: &Request) -> String {
    request.headers().get("content-type").ok().flatten().unwrap_or_default()
}

fn media_type_of(content_type: &str) -> String {
    content_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase()
}

/// The `Authorization` header, if there is one.
///
/// # Errors
/// 500 when the runtime does not give it.
pub(super) fn authorization(request: &Request) -> Result<Option<String>, Problem> {
    request.headers().get("authorization").map_err(error::internal)
}

/// Where a request for an embedding comes from.
pub(super) fn source(request: &Request, caller: &Caller) -> Source {
    let continent = Continent::of(request.cf().and_then(Cf::continent).as_deref());
    Source { continent, caller: caller.id() }
}

/// The body as a picture of a face.
///
/// # Errors
/// As of [`http::read`] and [`picture::decode`].
pub(super) async fn face(request: &mut Request) -> Result<Face, Problem> {
    picture::decode(&http::read(request).await?)
}

/// The body as a form. `known` are the fields that the route takes.
///
/// # Errors
/// 415 when it is something else; and as of [`http::read`] and [`form::parse`].
pub(super) async fn form(request: &mut Request, known: &[&'static str]) -> Result<Fields, Problem> {
    let content_type = content_type(request);
    if media_type_of(&content_type) != "multipart/form-data" {
        let detail = format!("Send multipart/form-data with the fields {}.", known.join(", "));
        return Err(Problem::new(Kind::UnsupportedType, detail));
    }
    form::parse(http::read(request).await?, &content_type, known).await
}

/// The name of the model that is served, and its thresholds.
///
/// # Errors
/// 500 when the operator has configured none that we know.
pub(super) fn served_model(env: &Env) -> Result<(String, Thresholds), Problem> {
    let model = env.var(bindings::MODEL).map_err(error::internal)?.to_string();
    let thresholds = Thresholds::of(&model).ok_or_else(|| {
        let detail = "The operator has configured an unknown model.";
        let problem = Problem::new(Kind::Internal, detail);
        error::logged(format_args!("there are no thresholds for the model {model}"), problem)
    })?;
    Ok((model, thresholds))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn media_types_are_compared_without_parameters_and_case() {
        for (content_type, expected) in [
            ("", ""),
            ("image/png", "image/png"),
            ("Application/JSON ; charset=utf-8", "application/json"),
            ("multipart/form-data;boundary=x", "multipart/form-data"),
        ] {
            assert_eq!(media_type_of(content_type), expected);
        }
    }
}
