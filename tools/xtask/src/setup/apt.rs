//! Debian's packages. They belong to whoever owns the machine, so a missing one is named with its
//! command. In CI, where nobody reads that and the machine is a throw-away one, root installs it.

use anyhow::ensure;

use crate::ci;
use crate::run::{Run, is_on_path};

/// Installs packages, without removing any, or says how to.
pub(crate) fn install(packages: &[&str]) -> anyhow::Result<()> {
    let command = format!("apt-get install {}", packages.join(" "));
    let may_install = ci::is_set() && rustix::process::geteuid().is_root();
    ensure!(may_install && is_on_path("apt-get"), "on Debian, run `{command}` as root");
    let apt = |what: String| {
        Run::new(what, "apt-get")
            .env("DEBIAN_FRONTEND", "noninteractive")
            .args(["--option", "DPkg::Lock::Timeout=300", "--quiet"])
            .hint(format!("Try by hand: {command}"))
    };
    apt("reading Debian's package lists".into()).args(["update"]).quietly()?;
    apt(format!("installing Debian's packages {}", packages.join(" ")))
        .args(["install", "--yes", "--no-install-recommends", "--no-remove"])
        .args(packages)
        .quietly()
}
