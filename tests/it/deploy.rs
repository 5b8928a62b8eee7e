//! What would be deployed is complete: wrangler bundles both Workers as it would for Cloudflare.

use std::process::Command;

use anyhow::ensure;
use facenet::Shard;
use tests::xtask;
use wire::retention::INDEX_NAME;

#[test]
fn a_dry_run_names_every_step_and_bundles_both_workers() -> anyhow::Result<()> {
    let output = Command::new(xtask()?).args(["deploy", "--dry-run"]).output()?;
    let text = String::from_utf8_lossy(&output.stdout);
    let problems = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "{}\n{text}\n{problems}", output.status);
    let [shard1, shard2] = Shard::ALL.map(Shard::file);
    for step in [shard1, shard2, INDEX_NAME, "vectorize-worker/wrangler.toml"] {
        ensure!(text.contains(step), "no step with {step}:\n{text}");
    }
    ensure!(text.contains("casia-webface"), "the public Worker is not told its model:\n{text}");
    Ok(())
}
