//! Calls the private Worker, `cface-vectorize`, which keeps and finds faces.

use serde::Serialize;
use serde::de::DeserializeOwned;
use wire::faces::{VERSION, VERSION_HEADER};
use wire::log::{CALLS_HEADER, Call, Record};
use wire::{Problem, http};
use worker::{Env, Headers, Method, RequestInit, Response, Result};

use crate::{bindings, error};

/// The route that says whether a picture can be added.
const ADDITION: &str = "/addition";

/// Sends a message and reads the answer.
///
/// # Errors
/// The other Worker's problem, or 503 if it does not answer.
pub(crate) async fn post<A: DeserializeOwned>(
    env: &Env,
    record: &Record,
    path: &str,
    message: &impl Serialize,
) -> Result<A, Problem> {
    let body = serde_json::to_string(message).map_err(not_answering)?;
    let headers = Headers::new();
    headers.set("content-type", "application/json").map_err(not_answering)?;
    let mut init = RequestInit::new();
    init.with_method(Method::Post).with_headers(headers).with_body(Some(body.into()));
    read(path, fetch(env, record, path, init).await?).await
}

/// Asks and reads the answer.
///
/// # Errors
/// As [`post`].
pub(crate) async fn get<A: DeserializeOwned>(
    env: &Env,
    record: &Record,
    path: &str,
) -> Result<A, Problem> {
    read(path, fetch(env, record, path, RequestInit::new()).await?).await
}

/// Asks whether a picture can be added to the person who holds a delete token.
///
/// # Errors
/// Why it cannot; and as [`post`].
pub(crate) async fn check_addition(env: &Env, record: &Record, token: &str) -> Result<(), Problem> {
    let headers = Headers::new();
    headers.set("authorization", &format!("Bearer {token}")).map_err(not_answering)?;
    let mut init = RequestInit::new();
    init.with_headers(headers);
    body(ADDITION, fetch(env, record, ADDITION, init).await?).await.map(drop)
}

/// Asks for a deletion, with the delete token if there is one. The response is for the caller, even
/// if it is a problem.
///
/// # Errors
/// As [`fetch`].
pub(crate) async fn delete(
    env: &Env,
    record: &Record,
    path: &str,
    token: Option<&str>,
) -> Result<Response, Problem> {
    let headers = Headers::new();
    if let Some(token) = token {
        headers.set("authorization", token).map_err(error::internal)?;
    }
    let mut init = RequestInit::new();
    init.with_method(Method::Delete).with_headers(headers);
    fetch(env, record, path, init).await
}

async fn read<A: DeserializeOwned>(path: &str, response: Response) -> Result<A, Problem> {
    serde_json::from_slice(&body(path, response).await?).map_err(not_answering)
}

async fn body(path: &str, response: Response) -> Result<Vec<u8>, Problem> {
    let body = http::body_of(&response).await.map_err(not_answering)?;
    let status = response.status_code();
    if status < 400 {
        return Ok(body);
    }
    Err(http::problem_of(response.headers(), &body).unwrap_or_else(|| {
        // Without an id that may follow.
        let route = path.split('/').nth(1).unwrap_or_default();
        error::store_unavailable(format_args!("/{route} answered {status}"))
    }))
}

/// Sends a request without a body. The response is for the caller, even if it is a problem.
///
/// # Errors
/// 503 when the other Worker does not answer.
pub(crate) async fn fetch(
    env: &Env,
    record: &Record,
    path: &str,
    init: RequestInit,
) -> Result<Response, Problem> {
    record.count(Call::Store);
    let answer = async {
        init.headers.set(VERSION_HEADER, &VERSION.to_string())?;
        let service = env.service(bindings::VECTORIZE_WORKER)?;
        service.fetch(format!("http://cface-vectorize{path}"), Some(init)).await
    };
    let answer = answer.await.map_err(not_answering)?;
    let told = answer.headers().get(CALLS_HEADER).map_err(not_answering)?;
    record.calls().add_told(&told.unwrap_or_default());
    Ok(answer)
}

fn not_answering(error: impl std::fmt::Display) -> Problem {
    error::store_unavailable(format_args!("cface-vectorize does not answer: {error}"))
}
