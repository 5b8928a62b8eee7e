//! What the requests of several routes have in common: their headers, pictures and forms, where the
//! caller is, and which model is served.

use facenet::verdict::Thresholds;
use facenet::{Embedding, Face};
use input::fields::Fields;
use input::query;
use input::seen::{Pictured, Purpose, Reading};
use wire::limits::{
    BODY_BYTES_MAX, JSON_BYTES_MAX, PHOTOGRAPH_BODY_BYTES_MAX, PHOTOGRAPH_FACES_MAX,
};
use wire::log::Call;
use wire::{Kind, Problem};
use worker::js_sys::{Reflect, Uint8Array};
use worker::{Cf, Env, Request};

use super::Context;
use crate::caller::Caller;
use crate::shards::{self, Region, Source};
use crate::{bindings, error, sandbox, upload};

/// Whether the address has `detect=true`.
///
/// # Errors
/// 400 as of [`query::detect`].
pub(super) fn detect(request: &Request) -> Result<bool, Problem> {
    let url = request.url().map_err(error::internal)?;
    query::detect(url.query().unwrap_or_default())
}

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
/// 500 when the runtime does not give the header.
pub(super) fn authorization(request: &Request) -> Result<Option<String>, Problem> {
    request.headers().get("authorization").map_err(error::internal)
}

/// Where a request for an embedding comes from.
pub(super) fn source(request: &Request, caller: &Caller) -> Source {
    let cf = request.cf();
    let (continent, country) = (cf.and_then(Cf::continent), cf.and_then(Cf::country));
    let region = Region::at(continent.as_deref(), country.as_deref(), longitude(request));
    Source { region, caller: caller.id() }
}

/// In degrees east. `Cf::coordinates` would trap on text that is not a number.
fn longitude(request: &Request) -> Option<f64> {
    let cf = Reflect::get(request.inner(), &"cf".into()).ok()?;
    Reflect::get(&cf, &"longitude".into()).ok()?.as_string()?.parse().ok()
}

/// The embedding of a face that came with a request.
///
/// # Errors
/// As of [`shards::embed`].
pub(super) async fn embedding_of(
    face: &Face,
    request: &Request,
    context: Context<'_>,
) -> Result<Embedding, Problem> {
    context.record.count(Call::Objects);
    shards::embed(context.env, source(request, context.caller), face).await
}

/// The body as a picture, as `reading` says.
///
/// # Errors
/// As of [`upload::read`] and [`sandbox::picture`].
pub(super) async fn picture(request: &Request, reading: Reading) -> Result<Pictured, Problem> {
    let bytes_max = if reading.detect { PHOTOGRAPH_BODY_BYTES_MAX } else { BODY_BYTES_MAX };
    sandbox::picture(&upload::read(request, bytes_max).await?, reading)
}

/// How routes read pictures that want all faces of a photograph.
pub(super) const fn reading(detect: bool) -> Reading {
    Reading { detect, purpose: Purpose::Faces(PHOTOGRAPH_FACES_MAX), image: 0 }
}

/// The body as an embedding.
///
/// # Errors
/// As of [`upload::read`] and [`sandbox::embedding`].
pub(super) async fn embedding(request: &Request) -> Result<Embedding, Problem> {
    sandbox::embedding(&upload::read(request, JSON_BYTES_MAX).await?)
}

/// A form whose fields have not been read yet.
pub(super) struct Form<'a> {
    body: Uint8Array,
    content_type: String,
    known: &'a [&'a str],
}

impl Form<'_> {
    /// Its fields, and of its pictures the one that `reading` names. The field `detect` can say
    /// that they are photographs.
    ///
    /// # Errors
    /// As of [`sandbox::form`].
    pub(super) fn read(&self, reading: Reading) -> Result<Fields, Problem> {
        sandbox::form(&self.body, self.content_type.clone(), self.known, reading)
    }
}

/// The body as a form. `known` are the fields that the route takes.
///
/// # Errors
/// As of [`upload_form`] and [`Form::read`].
pub(super) async fn form(
    request: &Request,
    known: &[&str],
    reading: Reading,
) -> Result<Fields, Problem> {
    upload_form(request, known).await?.read(reading)
}

/// The body as a form that is not read yet. `known` are the fields that the route takes.
///
/// # Errors
/// 415 when it is something else; and as of [`upload::read`].
pub(super) async fn upload_form<'a>(
    request: &Request,
    known: &'a [&'a str],
) -> Result<Form<'a>, Problem> {
    let content_type = content_type(request);
    if media_type_of(&content_type) != "multipart/form-data" {
        let detail = format!("Send multipart/form-data with the fields {}.", known.join(", "));
        return Err(Problem::new(Kind::UnsupportedType, detail));
    }
    let body = upload::read(request, PHOTOGRAPH_BODY_BYTES_MAX).await?;
    Ok(Form { body, content_type, known })
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
