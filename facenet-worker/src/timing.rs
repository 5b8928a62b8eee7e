//! `Server-Timing`: how long each stage of a request took, in milliseconds.
//!
//! The clock of a Worker stands still while it computes, and moves only with I/O. So what is
//! measured is the waiting for the Durable Objects and for the other Worker, which take nearly all
//! of the time.

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

    /// Adds the header to an answer that was made here: those of other Workers cannot be changed.
    ///
    /// # Errors
    /// When the runtime refuses the header.
    pub(crate) fn add_to(self, response: &Response) -> Result<()> {
        response.headers().set("server-timing", &self.stages)
    }
}
