//! `Server-Timing`: how long each stage of a request took, in milliseconds.
//!
//! The clock of a Worker stands still while it computes and moves only with I/O, so what is
//! measured are the awaits: the Durable Objects, the other Worker. That is where the time goes.

use std::fmt::Write as _;

use worker::{Date, Response, Result};

/// The stages of one request so far.
pub(crate) struct Timing {
    last_ms: u64,
    stages: String,
}

impl Timing {
    /// Starts the clock.
    pub(crate) fn start() -> Self {
        Self { last_ms: Date::now().as_millis(), stages: String::new() }
    }

    /// Ends a stage.
    pub(crate) fn stage(&mut self, name: &str) {
        let now_ms = Date::now().as_millis();
        let separator = if self.stages.is_empty() { "" } else { ", " };
        let duration_ms = now_ms.saturating_sub(self.last_ms);
        // Writing to a string does not fail.
        let _ = write!(self.stages, "{separator}{name};dur={duration_ms}");
        self.last_ms = now_ms;
    }

    /// Adds the header.
    pub(crate) fn add_to(self, response: Response) -> Result<Response> {
        let headers = response.headers().clone();
        headers.set("server-timing", &self.stages)?;
        Ok(response.with_headers(headers))
    }
}
