#![doc = include_str!("../README.md")]

mod routes;

mod enrol;
mod face;
mod gallery;
mod person;
mod purge;
mod search;

mod deletion;
mod tombstone;

mod stores;
pub mod vectorize;

mod bindings;
mod clock;
mod error;
mod id;
mod jpeg;
mod random;
mod token;

#[cfg(test)]
mod faults;

use worker::{
    Context, Env, Request, Response, Result, ScheduleContext, ScheduledEvent, console_error,
    console_log, event,
};

use clock::SystemClock;

/// Answers a request of `cface`.
#[event(fetch)]
async fn fetch(request: Request, env: Env, _context: Context) -> Result<Response> {
    routes::answer(request, &env).await
}

/// Runs the purge.
#[event(scheduled)]
async fn scheduled(event: ScheduledEvent, env: Env, _context: ScheduleContext) {
    // When the run was due. It may start later, and faces that were stored meanwhile were promised
    // to stay.
    let due_ms = event.schedule() as u64;
    let (vectors, pictures) = match stores::cloudflare::bound(&env) {
        Ok(stores) => stores,
        Err(error) => return console_error!("purge: {error}"),
    };
    let report = purge::purge(&vectors, &pictures, &SystemClock, due_ms).await;
    if report.failures.is_empty() {
        console_log!("{report}");
    } else {
        console_error!("{report}");
    }
}
