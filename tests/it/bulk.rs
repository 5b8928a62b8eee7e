//! Many faces: thousands go in one purge, and enrolments and purges at once leave nothing behind.

use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use reqwest::StatusCode;
use serde_json::{Value, json};
use tests::api::{Api, json};
use tests::server::{STORE_WORKER, Server, WORKER_HEADER};
use tests::{golden, log};
use wire::retention::BUCKET_NAME;

use crate::storage::{OBAMA, is_empty, picture};

/// Three pages of the bucket. Slow, because it stores the faces one by one, as `cface` does.
#[tokio::test]
async fn thousands_of_faces_go_in_one_run() -> anyhow::Result<()> {
    const FACES: usize = 2_100;
    const AT_ONCE: usize = 8;
    let state = tempfile::tempdir()?;
    let server = Server::start(state.path()).await?;
    let api = Api::of(&server);
    let seed = Seed::of(&server, &api).await?;
    let started = Instant::now();
    let client = reqwest::Client::new();
    let workers = (0..AT_ONCE).map(|first| {
        let (seed, client) = (&seed, &client);
        async move {
            for i in (first..FACES - 1).step_by(AT_ONCE) {
                seed.store(client, i).await?;
            }
            anyhow::Ok(())
        }
    });
    for worker in futures_util::future::join_all(workers).await {
        worker?;
    }
    println!("{FACES} faces stored in {:.1} s", started.elapsed().as_secs_f64());
    let index = server.index_control(&json!({})).await?;
    ensure!(index["vectors"] == FACES, "{index}");
    ensure!(server.objects(BUCKET_NAME) == FACES);

    let started = Instant::now();
    server.purge(0).await?;
    println!("{FACES} faces purged in {:.2} s", started.elapsed().as_secs_f64());
    let is_end = |line: &Value| line["event"] == "purge" && line["phase"] == "end";
    let lines = log::lines_after(&server, 0, 1, is_end).await?;
    let purge: Vec<_> = lines.iter().filter(|line| line["event"] == "purge").collect();
    let phases: Vec<_> = purge.iter().filter_map(|line| line["phase"].as_str()).collect();
    ensure!(phases == ["pictures", "vectors", "end"], "{phases:?}");
    let end = purge.last().context("no end")?;
    for (count, expected) in
        [("faces_removed", FACES), ("faces_left", 0), ("vectors_deleted", FACES), ("failures", 0)]
    {
        ensure!(end[count] == expected, "{count}: {end}");
    }
    let index = server.index_control(&json!({})).await?;
    ensure!(index["vectors"] == 0, "{index}");
    let objects = server.objects(BUCKET_NAME);
    ensure!(
        objects == FACES.div_ceil(1000) + 1,
        "{objects}: one tombstone for each page, and the purge"
    );
    ensure!(api.find(&golden(OBAMA)).await?["verdict"] == "none");

    let started = Instant::now();
    server.purge(1).await?;
    println!("their tombstones in {:.2} s", started.elapsed().as_secs_f64());
    ensure!(is_empty(&server));
    server.stop()
}

#[tokio::test]
async fn enrolments_and_purges_at_once_leave_nothing_behind() -> anyhow::Result<()> {
    const FACES: u64 = 400;
    const AT_ONCE: u64 = 8;
    let state = tempfile::tempdir()?;
    let server = Server::start(state.path()).await?;
    let api = Api::of(&server);
    let seed = Seed::of(&server, &api).await?;
    server.index_control(&json!({"late_ms": 300})).await?;
    // workerd closes a connection that has waited for five seconds, and a request that is sent just
    // then is lost.
    let patient = reqwest::Client::builder().pool_max_idle_per_host(0).build()?;
    let workers = futures_util::future::join_all((0..AT_ONCE).map(|first| {
        let (seed, patient) = (&seed, &patient);
        async move {
            let (mut stored, mut left) = (0, 0);
            for i in (first..FACES).step_by(AT_ONCE as usize) {
                // Every second caller hangs up, some before their face is stored and some after.
                let patience = Duration::from_millis(2 + i * 7 % 150);
                let hasty = reqwest::Client::builder().timeout(patience).build()?;
                let client = if i % 2 == 0 { patient } else { &hasty };
                match seed.store(client, i as usize).await {
                    Ok(()) => stored += 1,
                    Err(_) if i % 2 == 1 => left += 1,
                    Err(error) => return Err(error),
                }
            }
            Ok((stored, left))
        }
    }));
    // The trigger of a noon comes five times at once.
    let purges = async {
        tokio::time::sleep(Duration::from_secs(1)).await;
        let triggers = futures_util::future::join_all([(); 5].map(|()| server.purge(0))).await;
        triggers.into_iter().collect::<anyhow::Result<()>>()
    };
    let (workers, purges) = tokio::join!(workers, purges);
    purges?;
    let (mut stored, mut left) = (0, 0);
    for counts in workers {
        let (a, b) = counts?;
        (stored, left) = (stored + a, left + b);
    }
    let calls = server.index_control(&json!({})).await?["calls"]["upsert"].clone();
    println!("{stored} enrolments answered, {left} callers hung up, {calls} reached the index");
    ensure!(stored >= FACES / 2 && left > 0, "{stored} answered, {left} hung up");
    ensure!(calls.as_u64().is_some_and(|calls| calls > stored + 1), "nobody hung up on the way");
    // By then no enrolment is under way any more.
    tokio::time::sleep(Duration::from_secs(2)).await;
    server.purge(1).await?;
    let index = server.index_control(&json!({"reset": true})).await?;
    ensure!(index["vectors"] == 0, "{index}");
    server.purge(2).await?;
    ensure!(is_empty(&server), "{} objects are left", server.objects(BUCKET_NAME));
    server.stop()
}

/// One enrolled face, of which many others are made.
struct Seed {
    picture: String,
    embedding: Vec<f64>,
    url: String,
}

impl Seed {
    /// Enrols the one face, as people do.
    async fn of(server: &Server, api: &Api<'_>) -> anyhow::Result<Self> {
        let enrolled = api.enrol("Barack Obama", &golden(OBAMA)).await?;
        let picture = STANDARD.encode(picture(api, &enrolled).await?);
        let embedding = api.embed(&golden(OBAMA)).await?;
        Ok(Self { picture, embedding, url: server.inner_url("add")? })
    }

    /// Another embedding of length 1, which is as far from the seed's and from others as those of
    /// different people.
    fn embedding_of(&self, i: usize) -> Vec<f64> {
        let mut state = i as u64 + 1;
        let noise = self.embedding.iter().map(|_| {
            // The generator of Knuth's MMIX. Its upper bits look random.
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            (state >> 40) as f64 / f64::from(1 << 24) - 0.5
        });
        let noise: Vec<f64> = noise.collect();
        let length = noise.iter().map(|x| x * x).sum::<f64>().sqrt();
        noise.into_iter().map(|x| x / length).collect()
    }

    /// Stores a face with an embedding of its own, by the message that `cface` sends.
    async fn store(&self, client: &reqwest::Client, i: usize) -> anyhow::Result<()> {
        let embedding = self.embedding_of(i);
        let message = json!({
            "namespace": facenet::namespace("casia-webface", facenet::PIPELINE_INT8),
            "name": format!("Person {i} 人"),
            "embedding": embedding, "picture": self.picture,
        });
        let request = client.post(&self.url).header(WORKER_HEADER, STORE_WORKER).json(&message);
        json(request.send().await?, StatusCode::CREATED).await.map(drop)
    }
}
