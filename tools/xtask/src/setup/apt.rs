//! Debian's packages, and the right to install them.

use std::process::{Command, Stdio};

use anyhow::ensure;

use crate::run::{Run, is_on_path};

/// Installs packages, without removing any.
pub(crate) fn install(packages: &[&str]) -> anyhow::Result<()> {
    let list = packages.join(" ");
    let hint = format!("Install by hand: apt-get install {list}");
    ensure!(is_on_path("apt-get") && may_be_root(), "{hint}");
    let apt = |what: String| {
        as_root(what, "env").args(["DEBIAN_FRONTEND=noninteractive", "apt-get"]).args([
            "--option",
            "DPkg::Lock::Timeout=300",
            "--quiet",
        ])
    };
    apt("reading Debian's package lists".into()).args(["update"]).hint(&hint).quietly()?;
    apt(format!("installing Debian's packages {list}"))
        .args(["install", "--yes", "--no-install-recommends", "--no-remove"])
        .args(packages)
        .hint(&hint)
        .quietly()
}

/// Whether [`as_root`] works without a question.
pub(crate) fn may_be_root() -> bool {
    is_root() || (is_on_path("sudo") && sudo_asks_nothing())
}

/// A program that runs as root.
pub(crate) fn as_root(what: impl Into<String>, program: &str) -> Run {
    if is_root() { Run::new(what, program) } else { Run::new(what, "sudo").args(["-n", program]) }
}

fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}

fn sudo_asks_nothing() -> bool {
    let mut sudo = Command::new("sudo");
    sudo.args(["-n", "true"]).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    sudo.status().is_ok_and(|status| status.success())
}
