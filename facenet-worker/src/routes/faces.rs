//! `GET` and `DELETE /faces/{id}`: a stored picture, or its end. Passed on to the store.

use wire::{Kind, Problem};
use worker::{Env, Headers, Method, Request, RequestInit, Response};

use crate::{internal, store};

pub(super) async fn relay(request: &Request, env: &Env, id: &str) -> Result<Response, Problem> {
    if !wire::faces::is_id(id) {
        return Err(Problem::new(Kind::NotFound, "There is no such face."));
    }
    let headers = Headers::new();
    if let Some(token) = request.headers().get("authorization").map_err(internal)? {
        headers.set("authorization", &token).map_err(internal)?;
    }
    let mut init = RequestInit::new();
    // The runtime keeps the body of an answer to HEAD to itself.
    let method = match request.method() {
        Method::Head => Method::Get,
        method => method,
    };
    init.with_method(method).with_headers(headers);
    store::fetch(env, &format!("/faces/{id}"), init).await
}
