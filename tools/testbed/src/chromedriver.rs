//! Starts chromedriver, the program that drives a Chromium, and ends it with its browser.

use std::path::Path;
use std::process::{Child, Command, Stdio};

use anyhow::Context as _;
use rustix::process::{Pid, Signal, kill_process};

use crate::port;
use crate::process::children_of;

/// A running chromedriver. It ends when dropped, and so does a browser that it still has.
pub struct Chromedriver {
    child: Child,
    port: u16,
}

impl Chromedriver {
    /// Starts the program at a port that is free. It may not listen yet.
    ///
    /// # Errors
    /// When it does not start.
    pub fn start(program: &Path) -> anyhow::Result<Self> {
        let port = port::find()?;
        let child = Command::new(program)
            .arg(format!("--port={port}"))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .context("starting chromedriver")?;
        Ok(Self { child, port })
    }

    /// The address of its `WebDriver` interface.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// The process, which is the browser's parent.
    #[must_use]
    pub fn id(&self) -> u32 {
        self.child.id()
    }
}

impl Drop for Chromedriver {
    fn drop(&mut self) {
        // A browser outlives a driver that is killed, so it goes first. It is gone already when it
        // was closed.
        for browser in children_of(self.child.id()).unwrap_or_default() {
            if let Some(browser) = i32::try_from(browser).ok().and_then(Pid::from_raw) {
                let _ = kill_process(browser, Signal::KILL);
            }
        }
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
