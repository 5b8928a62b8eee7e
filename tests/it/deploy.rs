//! What would be deployed is complete: wrangler bundles both Workers as it would for Cloudflare.

use std::process::Command;

use anyhow::{Context as _, ensure};

#[test]
fn a_dry_run_names_every_step_and_bundles_both_workers() -> anyhow::Result<()> {
    let xtask = std::env::var_os("CFACE_XTASK").context("run this by `cargo xtask test`")?;
    let output = Command::new(xtask).args(["deploy", "--dry-run"]).output()?;
    let text = String::from_utf8_lossy(&output.stdout);
    let problems = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "{}\n{text}\n{problems}", output.status);
    let steps = ["shard1.bin", "shard2.bin", "face-embeddings", "vectorize-worker/wrangler.toml"];
    for step in steps {
        ensure!(text.contains(step), "no step with {step}:\n{text}");
    }
    ensure!(text.contains("casia-webface"), "the public Worker is not told its model:\n{text}");
    Ok(())
}
