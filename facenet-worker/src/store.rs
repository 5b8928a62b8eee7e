//! The client's side of `cface-vectorize`.

use serde::Serialize;
use serde::de::DeserializeOwned;
use wire::{Kind, Problem, http};
use worker::{Env, Headers, Method, RequestInit, Response, Result, console_error};

use crate::bindings;

/// Sends a message and reads the answer.
///
/// # Errors
/// The other Worker's problem, or one of ours if it does not answer.
pub(crate) async fn post<A: DeserializeOwned>(
    env: &Env,
    path: &str,
    message: &impl Serialize,
) -> Result<A, Problem> {
    let body = serde_json::to_string(message).map_err(|error| unavailable(&error.into()))?;
    let headers = Headers::new();
    headers.set("content-type", "application/json").map_err(|error| unavailable(&error))?;
    let mut init = RequestInit::new();
    init.with_method(Method::Post).with_headers(headers).with_body(Some(body.into()));
    read(path, fetch(env, path, init).await?).await
}

/// Asks and reads the answer.
///
/// # Errors
/// As [`post`].
pub(crate) async fn get<A: DeserializeOwned>(env: &Env, path: &str) -> Result<A, Problem> {
    read(path, fetch(env, path, RequestInit::new()).await?).await
}

async fn read<A: DeserializeOwned>(path: &str, response: Response) -> Result<A, Problem> {
    let body = http::body_of(&response).await.map_err(|error| unavailable(&error))?;
    if response.status_code() >= 400 {
        return Err(http::problem_of(&response, &body).unwrap_or_else(|| {
            let route = path.split('/').nth(1).unwrap_or_default();
            console_error!("/{route} answered {}", response.status_code());
            not_answering()
        }));
    }
    serde_json::from_slice(&body).map_err(|error| unavailable(&error.into()))
}

/// Sends a request without a body; the response, problems included, is for the caller.
///
/// # Errors
/// When the other Worker does not answer.
pub(crate) async fn fetch(env: &Env, path: &str, init: RequestInit) -> Result<Response, Problem> {
    let answer = async {
        let service = env.service(bindings::VECTORIZE_WORKER)?;
        service.fetch(format!("http://cface-vectorize{path}"), Some(init)).await
    };
    answer.await.map_err(|error| unavailable(&error))
}

fn unavailable(error: &worker::Error) -> Problem {
    console_error!("cface-vectorize does not answer: {error}");
    not_answering()
}

fn not_answering() -> Problem {
    Problem::try_again(Kind::Unavailable, "The store does not answer.")
}
