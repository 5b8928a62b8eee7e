//! Which request goes where, and what leaves when it fails.

use serde::Serialize;
use wire::{Kind, Problem, faces::bearer, http};
use worker::{Env, Method, Request, Response, Result, console_error};

use crate::{
    cloudflare::{Faces, Index, SystemClock},
    enrol, faces, health, people, search,
    store::{Done, Failure, Trouble},
};

/// Answers any request.
pub(crate) async fn answer(mut req: Request, env: &Env) -> Result<Response> {
    match route(&mut req, env).await {
        Ok(response) => Ok(response),
        Err(Trouble::Problem(problem)) => problem.into_response(),
        Err(Trouble::Failure(failure)) => {
            console_error!("{failure}");
            let text = "The store of faces does not answer. Try again in a moment.";
            Problem::new(Kind::Unavailable, text).into_response()
        }
    }
}

async fn route(req: &mut Request, env: &Env) -> std::result::Result<Response, Trouble> {
    let (vectors, pictures) = (Index::bound(env)?, Faces::bound(env)?);
    let path = req.path();
    let method = req.method();
    match (path.as_str(), path.strip_prefix("/faces/")) {
        ("/add", _) => {
            only(&method, &[Method::Post], "POST")?;
            let request = enrol::read(&http::read(req).await.map_err(Trouble::Problem)?)?;
            let done = enrol::enrol(&vectors, &pictures, &SystemClock, request).await?;
            json(&answer_of(done), 201)
        }
        ("/match", _) => {
            only(&method, &[Method::Post], "POST")?;
            let request = search::read(&http::read(req).await.map_err(Trouble::Problem)?)?;
            json(&search::search(&vectors, &pictures, &SystemClock, &request).await?, 200)
        }
        ("/faces", _) => {
            only(&method, &[Method::Delete], "DELETE")?;
            let token = token(req)?;
            answer_of(people::forget(&vectors, &pictures, token.as_deref()).await?);
            nothing()
        }
        ("/health", _) => {
            only(&method, &[Method::Get], "GET")?;
            json(&health::health(&vectors, &pictures).await?, 200)
        }
        (_, Some(id)) => {
            if let Some(id) = id.strip_suffix("/status") {
                only(&method, &[Method::Get], "GET")?;
                return json(&faces::status(&vectors, &pictures, &SystemClock, id).await?, 200);
            }
            only(&method, &[Method::Get, Method::Delete], "GET, DELETE")?;
            if method == Method::Get {
                return faces::show(&pictures, &SystemClock, id).await;
            }
            let token = token(req)?;
            answer_of(faces::remove(&vectors, &pictures, id, token.as_deref()).await?);
            nothing()
        }
        _ => Err(Trouble::problem(Kind::NotFound, "There is no such route.")),
    }
}

/// The token that comes with a request.
fn token(req: &Request) -> std::result::Result<Option<String>, Trouble> {
    let authorization = req.headers().get("authorization").map_err(malformed)?;
    Ok(authorization.as_deref().and_then(bearer).map(ToOwned::to_owned))
}

/// The answer, when what failed beside it is in the log.
fn answer_of<T>(done: Done<T>) -> T {
    if let Some(failure) = done.failure {
        console_error!("{failure}");
    }
    done.answer
}

fn only(
    method: &Method,
    methods: &[Method],
    allow: &'static str,
) -> std::result::Result<(), Trouble> {
    if methods.contains(method) {
        return Ok(());
    }
    Err(Trouble::Problem(Problem::method_not_allowed(allow)))
}

fn json(answer: &impl Serialize, status: u16) -> std::result::Result<Response, Trouble> {
    Response::from_json(answer).map(|response| response.with_status(status)).map_err(unsendable)
}

fn nothing() -> std::result::Result<Response, Trouble> {
    Response::empty().map(|response| response.with_status(204)).map_err(unsendable)
}

fn malformed(_: worker::Error) -> Trouble {
    Trouble::problem(Kind::Malformed, "The request broke off or cannot be read.")
}

fn unsendable(error: worker::Error) -> Trouble {
    Failure::new("response", error).into()
}
