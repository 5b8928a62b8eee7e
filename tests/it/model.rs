//! Another checkpoint than the default one, from a file to an answer of `/match`. The file is
//! the default one's, which only the one who runs this can tell, by its SHA-256.

use std::path::Path;
use std::process::{Command, Output};

use anyhow::{Context as _, ensure};
use facenet::verdict::Thresholds;
use reqwest::StatusCode;
use tests::api::{Api, json};
use tests::golden;
use tests::server::Server;

/// The model that is not the default one.
pub(crate) const MODEL: &str = "vggface2";

#[tokio::test]
async fn another_checkpoint_is_served_by_its_name() -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let weights = folder.path().join("weights");
    make_weights(&weights)?;
    let weights = weights.to_str().context("a path that is no text")?;
    let options = ["--model", MODEL, "--weights", weights];
    let server = Server::start_with(&folder.path().join("state"), &options).await?;
    let api = Api::of(&server);
    let health = json(api.health().await?, StatusCode::OK).await?;
    ensure!(health["model"] == MODEL, "{health}");
    api.check_golden().await?;
    api.enrol("Barack Obama", &golden("obama-1.png")).await?;
    let found = api.find(&golden("obama-2.png")).await?;
    ensure!(found["matches"][0]["name"] == "Barack Obama", "{found}");
    let limit = found["threshold"].as_f64().context("no threshold")?;
    let own = Thresholds::of(MODEL).context("no thresholds")?;
    ensure!((limit - f64::from(own.match_max)).abs() < 1e-6, "{limit}");
    ensure!(Some(own) != Thresholds::of("casia-webface"), "the limits of the default model");
    server.stop()
}

/// Makes the weights of [`MODEL`] from the default checkpoint's file, as people do with a file of
/// their own: the command refuses the file and names its checksum, which they then pass.
pub(crate) fn make_weights(out: &Path) -> anyhow::Result<()> {
    let refused = run_weights(out, &[])?;
    ensure!(!refused.status.success());
    let text = String::from_utf8_lossy(&refused.stderr).into_owned();
    let hash = text.split("`--sha256 ").nth(1).and_then(|rest| rest.split('`').next());
    let hash = hash.with_context(|| format!("no advice: {text}"))?;
    ensure!(!out.join("shard1.bin").exists());
    let made = run_weights(out, &["--sha256", hash])?;
    ensure!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    Ok(())
}

/// Runs `cargo xtask weights` for [`MODEL`] with the default checkpoint's file.
fn run_weights(out: &Path, options: &[&str]) -> anyhow::Result<Output> {
    let variable = |name| std::env::var_os(name).context("run this by `cargo xtask test`");
    let mut command = Command::new(variable("CFACE_XTASK")?);
    command.args(["weights", "--model", MODEL, "--file"]).arg(variable("CFACE_GRAPH")?);
    Ok(command.arg("--out").arg(out).args(options).output()?)
}
