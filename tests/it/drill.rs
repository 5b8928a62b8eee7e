//! A request that traps among others: what it costs them, how long until answers are right again,
//! and what memory is taken while the old instance is still there beside the new one. `cargo xtask
//! test --burn` builds the Worker that traps where it is asked to.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};
use futures_util::future::join_all;
use reqwest::{Method, StatusCode};
use tests::api::{Api, json};
use tests::golden;
use tests::server::{Server, resident_mb};

/// Requests under way when one more traps.
const OTHERS: usize = 19;

/// How many trap, one after the other.
const TRAPS: usize = 3;

/// How long until every request is answered, right or not: far longer than it takes.
const ANSWER_MAX: Duration = Duration::from_mins(1);

/// What a process takes besides for twenty requests, in megabytes.
const MEMORY_SLACK_MB: f64 = 40.0;

/// How often the memory of the process is looked at.
const LOOK_EVERY: Duration = Duration::from_millis(10);

/// Looks at the memory of workerd in a thread of its own, as long as something runs.
struct Watch {
    is_over: Arc<AtomicBool>,
    thread: JoinHandle<f64>,
}

impl Watch {
    fn over(server: &Server) -> Self {
        let is_over = Arc::<AtomicBool>::default();
        let (state, ends) = (server.state().to_owned(), Arc::clone(&is_over));
        let thread = std::thread::spawn(move || {
            let mut peak_mb = 0.0_f64;
            while !ends.load(Ordering::Relaxed) {
                peak_mb = peak_mb.max(resident_mb(&state).unwrap_or_default());
                std::thread::sleep(LOOK_EVERY);
            }
            peak_mb
        });
        Self { is_over, thread }
    }

    /// The most there was, in megabytes.
    fn peak_mb(self) -> anyhow::Result<f64> {
        self.is_over.store(true, Ordering::Relaxed);
        self.thread.join().ok().context("the thread has panicked")
    }
}

#[tokio::test]
#[ignore = "needs the Worker that traps: cargo xtask test --burn"]
async fn a_trap_costs_what_is_under_way_and_nothing_after_it() -> anyhow::Result<()> {
    let state = tempfile::tempdir()?;
    let server = Server::start_with(state.path(), &["--drill"]).await?;
    let api = Api::of(&server);
    let good = golden("obama-1.png");
    let file = std::fs::read(&good)?;
    let wasm_mb = async || -> anyhow::Result<f64> {
        let health = json(api.health().await?, StatusCode::OK).await?;
        health["memory"]["wasm_mb"].as_f64().context("no memory")
    };
    let send = || api.request(Method::POST, "/embed").body(file.clone()).send();
    let expected = api.embed(&good).await?;
    // So many without a trap, to know what they take by themselves.
    join_all((0..OTHERS).map(|_| send())).await;
    for _ in 0..TRAPS {
        let (before_mb, resident_before_mb) = (wasm_mb().await?, resident_mb(server.state())?);
        let watch = Watch::over(&server);
        let trap = api.request(Method::POST, "/embed").header("x-cface-drill", "1").body("");
        let others = join_all((0..OTHERS).map(|_| send()));
        // A caller must not wait for an instance that is gone.
        let all = async { futures_util::join!(others, trap.send()) };
        let all = tokio::time::timeout(ANSWER_MAX, all).await;
        let (others, trapped) = all.context("a request is never answered")?;
        let began = Instant::now();
        ensure!(trapped.is_ok_and(|it| it.status().is_server_error()), "nothing has trapped");
        let answered = others.iter().flatten().filter(|it| it.status() == StatusCode::OK);
        let lost = OTHERS - answered.count();
        // Whatever else was under way, the next one is right.
        ensure!(api.embed(&good).await? == expected, "another embedding after the trap");
        let again_ms = began.elapsed().as_millis();
        let peak_mb = watch.peak_mb()?;
        let (after_mb, resident_mb) = (wasm_mb().await?, resident_mb(server.state())?);
        println!(
            "{lost} of {OTHERS} others were lost; the next right answer came after {again_ms} ms; \
             WebAssembly memory {before_mb} MB before, {after_mb} MB after; process \
             {resident_before_mb:.0} MB before, {peak_mb:.0} MB at most, {resident_mb:.0} MB after"
        );
        // The new instance has its own memory, and takes no more than the old one.
        ensure!(after_mb <= before_mb + 4.0, "{after_mb} MB");
        // Both are there at most, until the old one is collected; and never three.
        let more_mb = peak_mb - resident_before_mb;
        ensure!(more_mb <= after_mb + MEMORY_SLACK_MB, "{more_mb} MB more");
    }
    server.stop()
}
