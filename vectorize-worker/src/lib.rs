#![doc = include_str!("../README.md")]

mod routes;

mod enrol;
mod face;
mod gallery;
mod person;
mod purge;
mod search;

mod addition;
mod copies;

mod deletion;
mod pending;
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
async fn fetch(request: Request, env: Env, context: Context) -> Result<Response> {
    routes::answer(request, &env, &context).await
}

/// Goes on with deletions that the index did not take, and runs the purge if one is due.
#[event(scheduled)]
async fn scheduled(event: ScheduledEvent, env: Env, _context: ScheduleContext) {
    let (vectors, pictures) = match stores::cloudflare::bound(&env) {
        Ok(stores) => stores,
        Err(error) => return console_error!("trigger: {error}"),
    };
    pending::finish(&vectors, &pictures).await.log();
    // When the trigger was due. It may come later.
    let scheduled_ms = event.schedule() as u64;
    match purge::trigger(&vectors, &pictures, &SystemClock, scheduled_ms).await {
        Some(report) if report.failures.is_empty() => console_log!("{report}"),
        Some(report) => console_error!("{report}"),
        None => {}
    }
}
