//! An account of Cloudflare for tests of deployments: the stand-in of its API, and the commands of
//! `cargo xtask` that work on it through the real wrangler.

use std::process::{Command, Stdio};

use anyhow::{Context as _, ensure};
use cloudflare_local::{Account, Cloudflare};

use crate::xtask;

/// The variables that say which account wrangler works on.
const TOKEN: &str = "CLOUDFLARE_API_TOKEN";
const ID: &str = "CLOUDFLARE_ACCOUNT_ID";
const BASE: &str = "CLOUDFLARE_API_BASE_URL";

/// An address where nobody listens.
const NOBODY: &str = "http://127.0.0.1:9";

/// An account, and whether commands are told its id.
pub struct TestAccount {
    /// The stand-in.
    pub cloudflare: Cloudflare,
    /// Whether commands are told the account's id, and need not ask for it.
    pub is_named: bool,
}

/// What a command has printed, and whether it went well.
pub struct Ran {
    /// Whether it ended with 0.
    pub success: bool,
    /// Both of its outputs.
    pub text: String,
}

impl TestAccount {
    /// An account in which nothing is yet, changed by a function.
    ///
    /// # Errors
    /// When the stand-in does not start.
    pub fn new(change: impl FnOnce(&mut Account)) -> anyhow::Result<Self> {
        let mut account = Account::fresh();
        change(&mut account);
        Ok(Self { cloudflare: Cloudflare::start(account)?, is_named: true })
    }

    /// Runs a command of `cargo xtask` on the account.
    ///
    /// # Errors
    /// When it cannot be run.
    pub fn run(&self, arguments: &[&str]) -> anyhow::Result<Ran> {
        let (token, id) = {
            let account = self.cloudflare.account();
            (account.token.clone(), account.id.clone())
        };
        let mut command = Command::new(xtask()?);
        command.args(arguments).env(BASE, self.cloudflare.url()).env(TOKEN, token);
        if self.is_named {
            command.env(ID, id)
        } else {
            command.env_remove(ID)
        };
        // Addresses below workers.dev are not ours: nobody there is asked, and no proxy.
        for name in ["http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY", "all_proxy"] {
            command.env_remove(name);
        }
        command.env("ALL_PROXY", NOBODY);
        // Here wrangler finds the developer's login, and remembers accounts for later.
        let home = tempfile::tempdir()?;
        command.env("XDG_CONFIG_HOME", home.path()).env("WRANGLER_CACHE_DIR", home.path());
        command.stdin(Stdio::null());
        let output = command.output().with_context(|| format!("running {arguments:?}"))?;
        let text = [output.stdout, output.stderr].concat();
        let text = String::from_utf8_lossy(&text).into_owned();
        Ok(Ran { success: output.status.success(), text })
    }

    /// Runs a command that must go well, and gives what it has printed.
    ///
    /// # Errors
    /// When it fails.
    pub fn succeed(&self, arguments: &[&str]) -> anyhow::Result<String> {
        let ran = self.run(arguments)?;
        ensure!(ran.success, "{arguments:?} fails:\n{}", ran.text);
        Ok(ran.text)
    }

    /// Runs a command that must be refused with a sentence that has these parts.
    ///
    /// # Errors
    /// When it goes well, or says something else.
    pub fn fail(&self, arguments: &[&str], parts: &[&str]) -> anyhow::Result<()> {
        let ran = self.run(arguments)?;
        ensure!(!ran.success, "{arguments:?} succeeds:\n{}", ran.text);
        for part in parts {
            ensure!(ran.text.contains(part), "{arguments:?} does not say `{part}`:\n{}", ran.text);
        }
        Ok(())
    }
}
