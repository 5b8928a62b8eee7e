//! Servers that tests lend each other, one test after the other: those that change nothing of it
//! but who is enrolled and what the index does. A start costs some seconds of a processor, and
//! leaves the model cold.

use std::fs::{self, File};
use std::ops::{Deref, DerefMut};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use anyhow::{Context as _, ensure};
use reqwest::{Method, StatusCode};
use serde_json::json;
use tempfile::TempDir;
use testbed::wait;
use tests::api::Api;
use tests::server::{Server, let_noon_pass};

/// Where the folders of lent servers are, and how they begin.
const FOLDER: &str = env!("CARGO_TARGET_TMPDIR");
const PREFIX: &str = "lent-";

/// How long the index may keep who was deleted.
const EMPTY_MAX: Duration = Duration::from_secs(30);

/// Those that no test has. They end when this process does, and their folders stay.
static IDLE: Mutex<Vec<Lent>> = Mutex::new(Vec::new());

fn idle() -> MutexGuard<'static, Vec<Lent>> {
    IDLE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A server on which nobody is enrolled, and the folder in which it stores everything. If a test
/// fails, no other one gets its server.
pub(crate) struct Lent {
    server: Server,
    _folder: TempDir,
    is_own: bool,
}

impl Lent {
    /// One that other tests have had, or a new one if there is none.
    pub(crate) async fn take() -> anyhow::Result<Self> {
        let lent = idle().pop();
        if let Some(lent) = lent {
            let_noon_pass().await?;
            return Ok(lent);
        }
        remove_left_folders()?;
        let folder = tempfile::Builder::new().prefix(PREFIX).tempdir_in(FOLDER)?;
        let server = Server::start(folder.path()).await?;
        Ok(Self { server, _folder: folder, is_own: false })
    }

    /// A new one with these options, which no other test gets.
    pub(crate) async fn own(options: &[&str]) -> anyhow::Result<Self> {
        let folder = tempfile::tempdir()?;
        let server = Server::start_with(folder.path(), options).await?;
        Ok(Self { server, _folder: folder, is_own: true })
    }

    /// Deletes all who were enrolled, lets the index do what it does unasked, and lets another test
    /// have the server. Or ends it.
    pub(crate) async fn give_back(self) -> anyhow::Result<()> {
        if self.is_own {
            return self.server.stop();
        }
        self.index_control(&json!({"reset": true})).await?;
        let operator = Api::with_key(&self.server, &self.server.admin_key()?);
        let emptied = operator.request(Method::DELETE, "/faces?all=true").send().await?;
        ensure!(emptied.status() == StatusCode::NO_CONTENT, "{}", emptied.text().await?);
        // A deletion that the index was ordered to refuse is repeated some seconds later.
        let empty = async || -> anyhow::Result<()> {
            let index = self.index_control(&json!({})).await?;
            ensure!(index["vectors"] == 0 && index["pending"] == 0, "{index}");
            Ok(())
        };
        wait::until_async(EMPTY_MAX, async || Ok(empty().await)).await?;
        idle().push(self);
        Ok(())
    }
}

impl Deref for Lent {
    type Target = Server;

    fn deref(&self) -> &Server {
        &self.server
    }
}

impl DerefMut for Lent {
    fn deref_mut(&mut self) -> &mut Server {
        &mut self.server
    }
}

/// Removes the folders of earlier runs. A server holds the lock in its folder.
fn remove_left_folders() -> anyhow::Result<()> {
    for entry in fs::read_dir(FOLDER)? {
        let folder = entry?.path();
        let name = folder.file_name().unwrap_or_default().to_string_lossy();
        let Ok(lock) = File::open(folder.join("lock")) else { continue };
        if name.starts_with(PREFIX) && lock.try_lock().is_ok() {
            fs::remove_dir_all(&folder)
                .with_context(|| format!("removing {}", folder.display()))?;
        }
    }
    Ok(())
}
