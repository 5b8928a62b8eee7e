#![doc = include_str!("../README.md")]

mod routes;

mod enrol;
mod face;
mod gallery;
mod person;
mod purge;
mod search;
mod size;

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

use std::rc::Rc;

use serde::Serialize;
use wire::log::{self, Calls, Level, Worker};
use worker::{Context, Env, Request, Response, Result, ScheduleContext, ScheduledEvent, event};

use clock::SystemClock;

/// Answers a request of `cface`.
#[event(fetch)]
async fn fetch(request: Request, env: Env, context: Context) -> Result<Response> {
    routes::answer(request, &env, &context).await
}

/// Goes on with deletions that the index did not take, and runs the purge if one is due.
#[event(scheduled)]
async fn scheduled(event: ScheduledEvent, env: Env, _context: ScheduleContext) {
    let calls = Rc::<Calls>::default();
    let (vectors, pictures) = match stores::cloudflare::bound(&env, Rc::clone(&calls)) {
        Ok(stores) => stores,
        Err(error) => {
            let faults = [error.to_string()];
            return log::event(Level::Error, Worker::Private, "trigger", &Unbound { faults });
        }
    };
    pending::finish(&vectors, &pictures).await.log();
    // When the trigger was due. It may come later.
    let scheduled_ms = event.schedule() as u64;
    let report = purge::trigger(&vectors, &pictures, &SystemClock, scheduled_ms).await;
    if let Some(report) = report {
        report.log("end", Some(&*calls));
    }
}

/// A trigger that has no stores, for the log.
#[derive(Serialize)]
struct Unbound {
    faults: [String; 1],
}
