//! Calls the private Worker, `cface-vectorize`, which keeps and finds faces.

use serde::Serialize;
use serde::de::DeserializeOwned;
use wire::{Problem, http};
use worker::{Env, Headers, Method, RequestInit, Response, Result};

use crate::{bindings, error};

/// Sends a message and reads the answer.
///
/// # Errors
/// The other Worker's problem, or 503 if it does not answer.
pub(crate) async fn post<A: DeserializeOwned>(
    env: &Env,
    path: &str,
    message: &impl Serialize,
) -> Result<A, Problem> {
    let body = serde_json::to_string(message).map_err(not_answering)?;
    let headers = Headers::new();
    headers.set("content-type", "application/json").map_err(not_answering)?;
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
    let body = http::body_of(&response).await.map_err(not_answering)?;
    let status = response.status_code();
    if status >= 400 {
        return Err(http::problem_of(&response, &body).unwrap_or_else(|| {
            // Without the id that may follow.
            let route = path.split('/').nth(1).unwrap_or_default();
            error::store_unavailable(format_args!("/{route} answered {status}"))
        }));
    }
    serde_json::from_slice(&body).map_err(not_answering)
}

/// Sends a request without a body. The response is for the caller, even if it is a problem.
///
/// # Errors
/// 503 when the other Worker does not answer.
pub(crate) async fn fetch(env: &Env, path: &str, init: RequestInit) -> Result<Response, Problem> {
    let answer = async {
        let service = env.service(bindings::VECTORIZE_WORKER)?;
        service.fetch(format!("http://cface-vectorize{path}"), Some(init)).await
    };
    answer.await.map_err(not_answering)
}

fn not_answering(error: impl std::fmt::Display) -> Problem {
    error::store_unavailable(format_args!("cface-vectorize does not answer: {error}"))
}
