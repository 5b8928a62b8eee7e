#![doc = include_str!("../README.md")]

mod access;
mod headers;
mod routes;

mod foreign;

mod budgets;
mod byob;
mod caller;
mod sandbox;
mod shards;
mod upload;
mod vectorize_client;

mod bindings;
mod error;

use wire::Problem;
use wire::log::{Record, Worker};
use worker::{Context, Env, Request, Response, Result, event};

use headers::Origin;
use routes::Route;
pub use shards::{FaceNetShard1, FaceNetShard2};

/// Answers a request for the API. The runtime itself serves the page.
#[event(fetch)]
async fn fetch(request: Request, env: Env, context: Context) -> Result<Response> {
    #[cfg(all(feature = "drill", target_arch = "wasm32"))]
    if request.headers().has("x-cface-drill")? {
        core::arch::wasm32::unreachable()
    }
    let origin = Origin::of(&request, &env);
    let route = Route::parse(&request.path()).map_or("unknown", |route| route.pattern());
    let record = Record::begin(Worker::Public, &request.inner().method(), route);
    let response = match origin.preflight(&request) {
        Some(response) => response?,
        None => match answer(request, &env, &context, &origin, &record).await {
            Ok(response) => response,
            Err(problem) => {
                record.problem(&problem);
                problem.into_response()?
            }
        },
    };
    record.write(response.status_code());
    origin.add_to(response)
}

async fn answer(
    request: Request,
    env: &Env,
    context: &Context,
    origin: &Origin,
    record: &Record,
) -> Result<Response, Problem> {
    foreign::check(&request, origin.is_allowed())?;
    routes::answer(request, env, context, record).await
}
