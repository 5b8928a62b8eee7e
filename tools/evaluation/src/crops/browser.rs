//! Crops by the page's own detector and recipe, in headless Chromium. Each core has a browser.

use std::cell::{Cell, RefCell};
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail, ensure};
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use indicatif::ProgressBar;
use serde_json::{Value, json};
use testbed::browser::Chromium;

use super::Crop;
use super::server::Server;

/// Calls the harness. The driver adds the last argument, a callback that takes the answer.
const SCRIPT: &str = "const [photo, done] = arguments; \
    crop(photo).then((crop) => done({ crop }), (error) => done({ error: error.message }))";

/// Says whether the harness has loaded, which defines this function when it has.
const READY: &str = "return typeof crop === 'function'";

/// How long the harness may take to load.
const READY_MAX: Duration = Duration::from_mins(1);

pub(super) fn cut_out(files: &[&Path], bar: &ProgressBar) -> anyhow::Result<Vec<Crop>> {
    let site = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../site");
    let paths: Vec<PathBuf> = files.iter().map(|file| file.to_path_buf()).collect();
    let server = Server::start(site, paths)?;
    let browsers = thread::available_parallelism().map_or(1, usize::from).min(files.len());
    let job = Job {
        url: server.url(),
        bar,
        next: Cell::new(0),
        answers: RefCell::new(vec![Value::Null; files.len()]),
    };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        // The browsers are processes of their own. One thread suffices to wait for them.
        let tasks = (0..browsers).map(|_| job.work());
        futures_util::future::try_join_all(tasks).await
    })?;
    Ok(job.answers.into_inner().iter().map(read).collect())
}

/// What the browsers share.
struct Job<'a> {
    /// Where the harness is.
    url: String,
    bar: &'a ProgressBar,
    /// The photograph that is taken next.
    next: Cell<usize>,
    /// The harness's answer for each photograph, null until it is there.
    answers: RefCell<Vec<Value>>,
}

impl Job<'_> {
    /// Takes photographs until there are no more.
    async fn work(&self) -> anyhow::Result<()> {
        let chromium = Chromium::open(&[], &[]).await?;
        let client = chromium.client();
        client.goto(&self.url).await.context("opening the harness")?;
        wait_until_ready(client).await?;
        loop {
            let index = self.next.replace(self.next.get() + 1);
            if index >= self.answers.borrow().len() {
                break;
            }
            let answer = client.execute_async(SCRIPT, vec![json!(index)]).await?;
            if let Some(place) = self.answers.borrow_mut().get_mut(index) {
                *place = answer;
            }
            self.bar.inc(1);
        }
        chromium.close().await
    }
}

/// The page counts as loaded before its modules are.
async fn wait_until_ready(client: &fantoccini::Client) -> anyhow::Result<()> {
    let started = Instant::now();
    while client.execute(READY, Vec::new()).await? != Value::Bool(true) {
        ensure!(
            started.elapsed() < READY_MAX,
            "the page's code does not load; `cargo xtask eval` puts its libraries in place"
        );
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    Ok(())
}

/// The bytes of the crop in the harness's answer.
fn read(answer: &Value) -> Crop {
    if let Some(error) = answer["error"].as_str() {
        bail!("{error}");
    }
    let url = answer["crop"].as_str().context("the harness gave no crop")?;
    let data = url.strip_prefix("data:image/png;base64,").context("the crop is no PNG")?;
    BASE64_STANDARD.decode(data).context("the crop is no base64")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_are_crops_or_reasons() {
        let crop = json!({"crop": "data:image/png;base64,AAEC"});
        assert_eq!(read(&crop).unwrap(), [0, 1, 2]);
        let refused = |answer| read(&answer).unwrap_err().to_string();
        assert_eq!(refused(json!({"error": "no face was found"})), "no face was found");
        assert_eq!(refused(json!({"crop": "data:,"})), "the crop is no PNG");
        assert_eq!(refused(json!({"crop": "data:image/png;base64,?"})), "the crop is no base64");
        assert_eq!(refused(json!(null)), "the harness gave no crop");
    }
}
