//! The routes: which paths and methods there are. One file per route parses the request, calls the
//! operation and encodes its answer.

mod add;
mod face;
mod health;
mod matching;
mod person;
mod request;
mod status;

use wire::{Kind, Problem};
use worker::{Env, Method, Request, Response, Result};

use crate::error::Error;
use crate::stores::cloudflare::{self, Faces, Index};

/// Answers any request.
///
/// # Errors
/// When the runtime refuses to make a response.
pub(crate) async fn answer(mut request: Request, env: &Env) -> Result<Response> {
    match dispatch(&mut request, env).await {
        Ok(response) => Ok(response),
        Err(error) => error.into_response(),
    }
}

/// The two stores.
type Stores = (Index, Faces);

async fn dispatch(request: &mut Request, env: &Env) -> std::result::Result<Response, Error> {
    let path = request.path();
    let route = Route::parse(&path)
        .ok_or_else(|| Error::problem(Kind::NotFound, "There is no such route."))?;
    let stores = cloudflare::bound(env)?;
    match (route, request.method()) {
        (Route::Add, Method::Post) => add::post(request, &stores).await,
        (Route::Match, Method::Post) => matching::post(request, &stores).await,
        (Route::Person, Method::Delete) => person::delete(request, &stores).await,
        (Route::Face(id), Method::Get) => face::get(id, &stores).await,
        (Route::Face(id), Method::Delete) => face::delete(id, request, &stores).await,
        (Route::Status(id), Method::Get) => status::get(id, &stores).await,
        (Route::Health, Method::Get) => health::get(&stores).await,
        (route, _) => Err(Problem::method_not_allowed(route.allow()).into()),
    }
}

/// A path that there is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Route<'a> {
    /// `/add`
    Add,
    /// `/match`
    Match,
    /// `/faces`: all faces of the person who holds a token.
    Person,
    /// `/faces/{id}`
    Face(&'a str),
    /// `/faces/{id}/status`
    Status(&'a str),
    /// `/health`
    Health,
}

impl<'a> Route<'a> {
    /// The route of a path, if there is one. A face's id is not checked here.
    fn parse(path: &'a str) -> Option<Self> {
        Some(match path {
            "/add" => Self::Add,
            "/match" => Self::Match,
            "/faces" => Self::Person,
            "/health" => Self::Health,
            _ => {
                let face = path.strip_prefix("/faces/")?;
                face.strip_suffix("/status").map_or(Self::Face(face), Self::Status)
            }
        })
    }

    /// The methods, as `Allow` lists them.
    const fn allow(self) -> &'static str {
        match self {
            Self::Add | Self::Match => "POST",
            Self::Person => "DELETE",
            Self::Face(_) => "GET, DELETE",
            Self::Status(_) | Self::Health => "GET",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_routes_or_nothing() {
        for (path, route) in [
            ("/add", Some(Route::Add)),
            ("/match", Some(Route::Match)),
            ("/faces", Some(Route::Person)),
            ("/faces/ab", Some(Route::Face("ab"))),
            ("/faces/", Some(Route::Face(""))),
            ("/faces/ab/status", Some(Route::Status("ab"))),
            ("/health", Some(Route::Health)),
            ("/", None),
            ("/add/", None),
            ("/FACES", None),
            ("", None),
        ] {
            assert_eq!(Route::parse(path), route, "{path}");
        }
    }
}
