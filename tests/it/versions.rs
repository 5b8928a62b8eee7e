//! Two deployments at once, as for some minutes after each deployment and rollback: their Workers
//! call Durable Objects that run the code of one of them, and each is served by its own weights or
//! told to come back.

use std::path::PathBuf;

use anyhow::{Context as _, ensure};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use facenet::Shard;
use facenet::record::{ALIGNMENT, Checksum, Digest, HEADER_BYTES, Weights, head};
use futures_util::future::join_all;
use reqwest::{Client, Method, Response, StatusCode};
use serde_json::json;
use testbed::bucket::{Bucket, Objects, Pace};
use testbed::golden::SERVED_COSINE_MIN;
use testbed::workerd::Workerd;
use tests::api::{Api, json as answer_of, problem};
use tests::server::{STORE_WORKER, Server, WORKER_HEADER};
use tests::{golden, variable};
use wire::faces::{VERSION, VERSION_HEADER};
use wire::retention::BUCKET_NAME;

const MODEL: &str = "casia-webface";

/// More than an isolate of Cloudflare may hold in WebAssembly besides everything else.
const MEMORY_MB_MAX: f64 = 100.0;

/// The records of both shards, and their weights' name.
struct Pair {
    weights: Weights,
    records: [Vec<u8>; 2],
}

impl Pair {
    /// The real ones.
    fn real() -> anyhow::Result<Self> {
        let folder = variable("CFACE_WEIGHTS")?;
        let [first, second] = Shard::ALL.map(|shard| std::fs::read(folder.join(shard.file())));
        let records = [first?, second?];
        Ok(Self { weights: tests::weights(MODEL, &folder)?, records })
    }

    /// A pair that gives other embeddings: every hundredth number has the other sign.
    fn other(&self) -> anyhow::Result<Self> {
        let digest = Digest::from([0xab; 32]);
        let [first, second] = self.records.each_ref().map(|record| changed(record, digest));
        let records = [first?, second?];
        let weights = head::weights(MODEL, [&records[0], &records[1]])?;
        ensure!(weights.digest() == digest, "{weights}");
        Ok(Self { weights, records })
    }

    fn put_into(&self, objects: &mut Objects) {
        for (shard, record) in Shard::ALL.into_iter().zip(&self.records) {
            objects.insert(self.weights.key(shard), record.clone());
        }
    }
}

fn changed(record: &[u8], digest: Digest) -> anyhow::Result<Vec<u8>> {
    let mut record = record.to_vec();
    let metadata = record[..HEADER_BYTES].last_chunk().context("no header")?;
    let metadata = u32::from_le_bytes(*metadata) as usize;
    let data = (HEADER_BYTES + metadata).next_multiple_of(ALIGNMENT);
    // Variances, which must not be negative, are at the end of the second record.
    for high in (data + 1..record.len() - (64 << 10)).step_by(200) {
        // Zeros between tensors stay.
        if record[high] & 0x7f != 0 {
            record[high] ^= 0x80;
        }
    }
    let mut checksum = Checksum::default();
    checksum.update(&record[data..]);
    // In CBOR a text follows its length, of which short ones have one byte and longer ones two.
    replace(&mut record[..data], Checksum::ENTRY, 1, &checksum.entry())?;
    replace(&mut record[..data], Digest::ENTRY, 2, &digest.to_string())?;
    Ok(record)
}

/// Replaces the value of an entry, so many bytes behind its key.
fn replace(head: &mut [u8], key: &str, behind: usize, value: &str) -> anyhow::Result<()> {
    let at = head.windows(key.len()).position(|text| text == key.as_bytes()).context("no entry")?;
    let at = at + key.len() + behind;
    head.get_mut(at..at + value.len()).context("a short head")?.copy_from_slice(value.as_bytes());
    Ok(())
}

/// Where the public Worker was built.
fn build() -> PathBuf {
    testbed::root().join("facenet-worker/build")
}

/// Starts a Worker for each of some weights, which share their objects.
async fn start(objects: Objects, versions: &[&Weights]) -> anyhow::Result<Workerd> {
    let names: Vec<_> = versions.iter().map(ToString::to_string).collect();
    let start = move || {
        let bucket = Bucket::serve(objects, Pace::UNBOUNDED)?;
        let variables: Vec<_> = names
            .iter()
            .map(|name| [("MODEL", MODEL), ("WEIGHTS", name.as_str()), ("ACCESS", "public")])
            .collect();
        let variables: Vec<_> = variables.iter().map(|variables| &variables[..]).collect();
        Workerd::start(&build(), bucket, &variables)
    };
    tokio::task::spawn_blocking(start).await?
}

/// The embedding of a crop by one of the versions, asked from an address of one's own.
async fn embed(workerd: &Workerd, version: usize, person: usize) -> anyhow::Result<Vec<f64>> {
    let request = Client::new().post(workerd.url(version, "/embed"));
    let request = request.header("cf-connecting-ip", format!("192.0.2.{person}"));
    let answer = request.body(std::fs::read(golden("obama-1.png"))?).send().await?;
    Ok(serde_json::from_value(answer_of(answer, StatusCode::OK).await?)?)
}

fn cosine(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

/// What each load has said of the isolate's memory.
fn memory_mb(log: &str) -> Vec<f64> {
    let ends = log.split("\"memory_mb\":").skip(1).filter_map(|rest| rest.split([',', '}']).next());
    ends.filter_map(|number| number.parse().ok()).collect()
}

#[tokio::test]
async fn each_version_is_served_by_its_own_weights() -> anyhow::Result<()> {
    let (old, mut objects) = (Pair::real()?, Objects::new());
    let new = old.other()?;
    old.put_into(&mut objects);
    new.put_into(&mut objects);
    let workerd = start(objects, &[&old.weights, &new.weights]).await?;
    // Deployed, rolled back, and deployed again.
    let mut expected = Vec::new();
    for version in [0, 1, 0, 1] {
        expected.push(embed(&workerd, version, 1).await?);
    }
    ensure!(expected[0] == expected[2] && expected[1] == expected[3], "other embeddings");
    let distance = 1.0 - cosine(&expected[0], &expected[1]);
    println!("the pairs differ by {distance:.2}");
    ensure!(distance > 0.01, "the pairs give the same: {distance}");
    let faces = testbed::golden::all()?;
    let face = faces.iter().find(|face| face.name == "obama-1").context("no golden crop")?;
    face.check("the old version", &expected[0], SERVED_COSINE_MIN)?;

    // Both at once: they take turns.
    let crowd = (0..24).map(|person| {
        let (workerd, expected) = (&workerd, &expected);
        async move {
            let found = embed(workerd, person % 2, person).await?;
            ensure!(found == expected[person % 2], "person {person} got an embedding of others");
            anyhow::Ok(())
        }
    });
    for served in join_all(crowd).await {
        served?;
    }
    let memory = memory_mb(&workerd.log());
    println!("memory in MB at each load: {memory:?}");
    ensure!(memory.len() >= 8, "{}", workerd.log());
    ensure!(memory.iter().all(|mb| *mb < MEMORY_MB_MAX), "{memory:?}");
    Ok(())
}

#[tokio::test]
async fn a_mixed_pair_is_refused() -> anyhow::Result<()> {
    let (old, mut objects) = (Pair::real()?, Objects::new());
    let new = old.other()?;
    new.put_into(&mut objects);
    // As an upload that somebody made by hand.
    objects.insert(new.weights.key(Shard::Shard2), old.records[1].clone());
    let workerd = start(objects, &[&new.weights, &old.weights]).await?;
    for (version, words) in [(0, "is not the record of that name"), (1, "is not in the models")] {
        let request = Client::new().post(workerd.url(version, "/embed"));
        let answer = request.body(std::fs::read(golden("obama-1.png"))?).send().await?;
        ensure!(answer.headers().contains_key("retry-after"), "no Retry-After");
        let document = answer_of(answer, StatusCode::SERVICE_UNAVAILABLE).await?;
        ensure!(document["detail"].to_string().contains(words), "{document}");
    }
    Ok(())
}

#[tokio::test]
async fn a_store_of_another_version_stores_nothing() -> anyhow::Result<()> {
    let state = tempfile::tempdir()?;
    let server = Server::start(state.path()).await?;
    let api = Api::of(&server);
    let first = api.enrol("Barack Obama", &golden("obama-1.png")).await?;
    let path = format!("/faces/{}", first["id"].as_str().context("no id")?);
    let picture = api.request(Method::GET, &path).send().await?.bytes().await?;
    let enrol = json!({
        "namespace": facenet::namespace("casia-webface", facenet::PIPELINE_INT8),
        "name": "Copy", "picture": STANDARD.encode(picture),
        "embedding": api.embed(&golden("obama-1.png")).await?,
    });
    let send = async |version: u32| -> anyhow::Result<Response> {
        let request = Client::new().post(server.inner_url("add")?);
        let request = request.header(WORKER_HEADER, STORE_WORKER).json(&enrol);
        Ok(request.header(VERSION_HEADER, version).send().await?)
    };
    let stored = server.objects(BUCKET_NAME);
    for version in [VERSION - 1, VERSION + 1] {
        let answer = send(version).await?;
        ensure!(answer.headers().contains_key("retry-after"), "no Retry-After");
        problem(answer, StatusCode::SERVICE_UNAVAILABLE).await?;
    }
    ensure!(server.objects(BUCKET_NAME) == stored, "something was stored");
    let found = api.find(&golden("obama-1.png")).await?;
    ensure!(found["matches"].as_array().is_some_and(|people| people.len() == 1), "{found}");
    answer_of(send(VERSION).await?, StatusCode::CREATED).await?;
    ensure!(server.objects(BUCKET_NAME) > stored, "nothing is ever stored");
    server.stop()
}
