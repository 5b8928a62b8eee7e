//! The private Worker of `CFace`, `cface-vectorize`: keeps embeddings in Vectorize and pictures
//! in R2, finds the nearest faces, and empties both once a day. It is reached through a service
//! binding only; the messages are in [`wire::faces`].
//!
//! Reading order: `routes` hands requests to `enrol`, `search`, `faces` and `health`, cron goes
//! to `purge`; they act on the two stores of `store`, of which `cloudflare` has the real ones.
//! [`vectorize`] is a binding for any Rust Worker.

mod routes;

mod enrol;
mod faces;
mod health;
mod purge;
mod search;

mod check;
mod clock;
mod secret;

mod bindings;
mod cloudflare;
mod store;

pub mod vectorize;

use worker::{
    Context, Date, Env, Request, Response, Result, ScheduleContext, ScheduledEvent, console_error,
    console_log, event,
};

/// Answers a request of `cface`.
#[event(fetch)]
async fn fetch(req: Request, env: Env, _ctx: Context) -> Result<Response> {
    routes::answer(req, &env).await
}

/// Empties both stores.
#[event(scheduled)]
async fn scheduled(_event: ScheduledEvent, env: Env, _ctx: ScheduleContext) {
    match (cloudflare::Index::bound(&env), cloudflare::Faces::bound(&env)) {
        (Ok(vectors), Ok(pictures)) => {
            let report = purge::purge(&vectors, &pictures, Date::now().as_millis()).await;
            if report.failures.is_empty() {
                console_log!("{report}");
            } else {
                console_error!("{report}");
            }
        }
        (Err(failure), _) | (_, Err(failure)) => console_error!("purge: {failure}"),
    }
}
