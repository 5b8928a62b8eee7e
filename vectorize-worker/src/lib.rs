//! The private Worker of `CFace`, `cface-vectorize`: keeps embeddings in Vectorize and pictures
//! in R2, finds the nearest faces, and empties both once a day. It is reached through a service
//! binding only; the messages are in [`wire::faces`].
//!
//! Reading order: `routes` hands requests to `enrol`, `search`, `faces`, `people` and `health`,
//! cron goes to `purge`; they act on the two stores of `store`, of which `cloudflare` has the real
//! ones. `tombstone` says how a face is deleted and why nothing of it can be left. [`vectorize`]
//! is a binding for any Rust Worker.

mod routes;

mod enrol;
mod faces;
mod health;
mod people;
mod purge;
mod search;
mod tombstone;

mod check;
mod clock;
mod secret;

mod bindings;
mod cloudflare;
mod store;

pub mod vectorize;

#[cfg(test)]
mod faults;

use cloudflare::SystemClock;
use worker::{
    Context, Env, Request, Response, Result, ScheduleContext, ScheduledEvent, console_error,
    console_log, event,
};

/// Answers a request of `cface`.
#[event(fetch)]
async fn fetch(req: Request, env: Env, _ctx: Context) -> Result<Response> {
    routes::answer(req, &env).await
}

/// Empties both stores.
#[event(scheduled)]
async fn scheduled(event: ScheduledEvent, env: Env, _ctx: ScheduleContext) {
    // Milliseconds since 1970: the moment that was promised, not when the run came to start.
    let due = event.schedule() as u64;
    match (cloudflare::Index::bound(&env), cloudflare::Faces::bound(&env)) {
        (Ok(vectors), Ok(pictures)) => {
            let report = purge::purge(&vectors, &pictures, &SystemClock, due).await;
            if report.failures.is_empty() {
                console_log!("{report}");
            } else {
                console_error!("{report}");
            }
        }
        (Err(failure), _) | (_, Err(failure)) => console_error!("purge: {failure}"),
    }
}
