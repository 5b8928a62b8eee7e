//! Another checkpoint than the default one, from a file to an answer of `/match`. The file is
//! the default one's, which only the one who runs this can tell, by its SHA-256.

use std::path::Path;
use std::process::{Command, Output};

use anyhow::{Context as _, ensure};
use facenet::verdict::Thresholds;
use reqwest::{Method, StatusCode};
use tests::api::{Api, json};
use tests::golden;
use tests::server::Server;

const MODEL: &str = "vggface2";

#[tokio::test]
async fn another_checkpoint_is_served_by_its_name() -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let weights = folder.path().join("weights");
    let refused = make(&weights, &[])?;
    ensure!(!refused.status.success());
    let text = String::from_utf8_lossy(&refused.stderr).into_owned();
    let hash = text.split("`--sha256 ").nth(1).and_then(|rest| rest.split('`').next());
    let hash = hash.with_context(|| format!("no advice: {text}"))?;
    ensure!(!weights.join("shard1.bin").exists());
    let made = make(&weights, &["--sha256", hash])?;
    ensure!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));

    let weights = weights.to_str().context("a path that is no text")?;
    let options = ["--model", MODEL, "--weights", weights];
    let server = Server::start_with(&folder.path().join("state"), &options).await?;
    let api = Api::of(&server);
    let health = json(api.request(Method::GET, "/health").send().await?, StatusCode::OK).await?;
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

/// Makes the weights of [`MODEL`] of the default checkpoint's file.
fn make(out: &Path, options: &[&str]) -> anyhow::Result<Output> {
    let variable = |name| std::env::var_os(name).context("run this by `cargo xtask test`");
    let mut command = Command::new(variable("CFACE_XTASK")?);
    command.args(["weights", "--model", MODEL, "--file"]).arg(variable("CFACE_GRAPH")?);
    Ok(command.arg("--out").arg(out).args(options).output()?)
}
