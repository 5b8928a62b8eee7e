//! What each route calls, counted in workerd, and what that costs: `docs/costs.md` says the same.

use std::cell::Cell;
use std::path::Path;

use anyhow::{Context as _, ensure};
use reqwest::multipart::{Form, Part};
use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};
use tests::api::{Api, json as answer, part};
use tests::costs::{Counts, Load, Month, months_table, requests_table};
use tests::server::Server;
use tests::{golden, log, photograph, pictures, shaded};

const FILE: &str = "obama-1.png";

/// Isolates that the table assumes, and so many that none of them thins its lines.
const ISOLATES: f64 = 100.0;
const ISOLATES_MAX: f64 = 700.0;

/// Counts what requests call, in one server.
struct Meter<'a> {
    server: &'a Server,
    api: Api<'a>,
    /// Lines that are known.
    seen: Cell<usize>,
}

/// What was called until now.
struct State {
    objects: u64,
    index: Value,
}

impl Meter<'_> {
    /// The lines of one request, which has been answered. The public Worker's comes last.
    async fn new_lines(&self) -> anyhow::Result<Vec<Value>> {
        let lines = log::lines_after(self.server, self.seen.get(), 1, is_public).await?;
        self.seen.set(self.seen.get() + lines.len());
        Ok(lines)
    }

    async fn state(&self) -> anyhow::Result<State> {
        let health = answer(self.api.health().await?, reqwest::StatusCode::OK).await?;
        self.new_lines().await?;
        let shards = health["shards"].as_array().context("no shards")?;
        let objects = shards.iter().filter_map(|shard| shard["requests"].as_u64()).sum();
        let index = self.server.index_control(&json!({})).await?["calls"].take();
        Ok(State { objects, index })
    }

    /// Sends a request, which has to succeed, and gives its answer and what it has called.
    async fn count(&self, request: RequestBuilder) -> anyhow::Result<(Value, Counts)> {
        let before = self.state().await?;
        let response = request.send().await?;
        let status = response.status();
        let body = response.bytes().await?;
        ensure!(status.is_success(), "{status}: {}", String::from_utf8_lossy(&body));
        let lines = self.new_lines().await?;
        let after = self.state().await?;
        // The line of the public Worker has what the private one has called too.
        let public = lines.last().context("no line")?;
        let sum = |kind: &str| public["calls"][kind].as_u64().unwrap_or_default();
        let private = lines.iter().filter(|line| line["worker"] == "cface-vectorize");
        for (kind, count) in private.filter_map(|line| line["calls"].as_object()).flatten() {
            ensure!(count.as_u64().is_some_and(|count| count <= sum(kind)), "{lines:?}");
        }
        // The index counts by itself. Its description is asked for by the operator's health too.
        for (method, kind) in [
            ("query", "vectorize_query"),
            ("upsert", "vectorize_upsert"),
            ("getByIds", "vectorize_get"),
            ("deleteByIds", "vectorize_delete"),
        ] {
            let calls = |index: &Value| index[method].as_u64().unwrap_or_default();
            let counted = calls(&after.index) - calls(&before.index);
            ensure!(counted == sum(kind), "{method}: {counted} calls, {lines:?}");
        }
        let others =
            ["upsert", "get", "delete", "describe"].map(|it| sum(&format!("vectorize_{it}")));
        let counts = Counts {
            objects: after.objects - before.objects,
            services: sum("store"),
            class_a: sum("r2_class_a"),
            class_b: sum("r2_class_b"),
            bucket_deletes: sum("r2_delete"),
            queries: sum("vectorize_query"),
            index_others: others.iter().sum(),
            lines: lines.len() as u64,
        };
        Ok((serde_json::from_slice(&body).unwrap_or_default(), counts))
    }

    fn search(&self, top_k: u32) -> anyhow::Result<RequestBuilder> {
        let picture = std::fs::read(golden(FILE))?;
        Ok(self.api.request(Method::POST, &format!("/match?top_k={top_k}")).body(picture))
    }

    /// An enrolment of a picture that differs from others by its shade.
    fn add(&self, shade: u8, token: Option<&str>) -> anyhow::Result<RequestBuilder> {
        let mut form = Form::new()
            .text("name", "Barack Obama")
            .text("consent", "true")
            .part("image", Part::bytes(shaded(FILE, shade)?));
        if let Some(token) = token {
            form = form.text("delete_token", token.to_owned());
        }
        Ok(self.api.request(Method::POST, "/add").multipart(form))
    }
}

fn is_public(line: &Value) -> bool {
    line["worker"] == "cface" && line["event"] == "request"
}

/// What every kind of request calls.
async fn measure(server: &Server) -> anyhow::Result<Vec<(&'static str, Counts)>> {
    let api = Api::with_key(server, &server.admin_key()?);
    // Loads the shards. By the time it is answered, whatever was sent before has its lines.
    api.embed(&golden(FILE)).await?;
    let is_embed = |line: &Value| is_public(line) && line["route"] == "/embed";
    let seen = log::lines_after(server, 0, 1, is_embed).await?.len();
    let meter = Meter { server, api, seen: Cell::new(seen) };
    let request = |method, path: &str| meter.api.request(method, path);
    let mut all = Vec::new();
    let embed = request(Method::POST, "/embed").body(std::fs::read(golden(FILE))?);
    all.push(("`POST /embed`", meter.count(embed).await?.1));
    let photo = std::fs::read(photograph("obama-1.jpg"))?;
    let detect = request(Method::POST, "/detect").body(photo);
    all.push(("`POST /detect`", meter.count(detect).await?.1));
    let pair = Form::new().part("image", part(&golden(FILE))?).part("other", part(&golden(FILE))?);
    let verify = request(Method::POST, "/verify").multipart(pair);
    all.push(("`POST /verify`", meter.count(verify).await?.1));
    all.push(("`POST /match`, nobody found", meter.count(meter.search(5)?).await?.1));
    let [left, right] = ["obama-2.jpg", "biden-2.jpg"].map(|it| image::open(photograph(it)));
    let two = pictures::side_by_side(&left?.into_rgb8(), &right?.into_rgb8());
    let two = pictures::jpeg(&two, pictures::Kind::Plain)?;
    let both = request(Method::POST, "/match?detect=true").body(two);
    all.push(("`POST /match?detect=true`, two faces", meter.count(both).await?.1));

    let (enrolled, counts) = meter.count(meter.add(0, None)?).await?;
    all.push(("`POST /add`, the token made by the store", counts));
    all.push(("`POST /match`, one person found", meter.count(meter.search(5)?).await?.1));
    let mine = "0f".repeat(32);
    let (_, counts) = meter.count(meter.add(1, Some(&mine))?).await?;
    all.push(("`POST /add`, the token brought, as the page does", counts));
    let further = meter.add(2, None)?.bearer_auth(&mine);
    all.push(("`POST /add`, a further picture", meter.count(further).await?.1));
    for shade in 3..6 {
        meter.count(meter.add(shade, None)?).await?;
    }
    let (found, counts) = meter.count(meter.search(5)?).await?;
    ensure!(found["matches"].as_array().is_some_and(|found| found.len() == 5), "{found}");
    all.push(("`POST /match`, five people found, one with two pictures", counts));

    let id = enrolled["id"].as_str().context("no id")?;
    let token = enrolled["delete_token"].as_str().context("no token")?;
    let face = format!("/faces/{id}");
    let get = request(Method::GET, &face);
    all.push(("`GET /faces/{id}`", meter.count(get).await?.1));
    let status = request(Method::GET, &format!("{face}/status"));
    all.push(("`GET /faces/{id}/status`", meter.count(status).await?.1));
    let delete = request(Method::DELETE, &face).bearer_auth(token);
    all.push(("`DELETE /faces/{id}`", meter.count(delete).await?.1));
    let delete = request(Method::DELETE, "/faces").bearer_auth(&mine);
    all.push(("`DELETE /faces` of a person with two pictures", meter.count(delete).await?.1));
    let list = request(Method::GET, "/faces");
    all.push(("`GET /faces`, up to twenty faces", meter.count(list).await?.1));
    let config = request(Method::GET, "/config");
    all.push(("`GET /config`", meter.count(config).await?.1));
    let health = request(Method::GET, "/health");
    all.push(("`GET /health` with a key of scope `admin`", meter.count(health).await?.1));
    Ok(all)
}

fn load(requests: &[(&str, Counts)], request: &str, per_day: f64) -> anyhow::Result<Load> {
    let counts = requests.iter().find(|(name, _)| *name == request).context(request.to_owned())?.1;
    let (cpu_ms, stores) = match request {
        "`POST /embed`" => (5.0, false),
        "`POST /match`, one person found" => (12.0, false),
        _ => (20.0, true),
    };
    Ok(Load { per_day, counts, cpu_ms, stores })
}

#[tokio::test]
async fn what_requests_call_and_cost_is_what_the_document_says() -> anyhow::Result<()> {
    let state = tempfile::tempdir()?;
    let server = Server::start(state.path()).await?;
    let requests = measure(&server).await?;
    server.stop()?;

    let embeds = |per_day| load(&requests, "`POST /embed`", per_day);
    let searches = |per_day| load(&requests, "`POST /match`, one person found", per_day);
    let adds =
        |per_day| load(&requests, "`POST /add`, the token brought, as the page does", per_day);
    let few = [searches(1e3)?, adds(100.0)?];
    let many = [searches(1e6)?, adds(1e4)?];
    let month = |title, loads| Month { title, loads, isolates: ISOLATES };
    let (few_embeds, many_embeds) = ([embeds(1e3)?], [embeds(1e6)?]);
    let months = [
        month("1,000 embeddings", &few_embeds),
        month("1,000 searches, 100 enrolments", &few),
        month("1 M embeddings", &many_embeds),
        month("1 M searches, 10,000 enrolments", &many),
    ];
    let with_all_lines = Month { title: "", loads: &many, isolates: ISOLATES_MAX }.sum();
    let document = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/costs.md");
    let document = std::fs::read_to_string(document)?;
    let sentence = format!(
        "With {ISOLATES_MAX} isolates, none of which thins its lines, the last column is \
         ${with_all_lines:.2}"
    );
    let assumed = format!("there are {ISOLATES} isolates of the public Worker");
    for expected in [requests_table(&requests), months_table(&months), sentence, assumed] {
        ensure!(document.contains(&expected), "docs/costs.md has to say:\n\n{expected}");
    }
    ensure!(months.iter().all(|month| month.sum() < 200.0), "more than 200 dollars");
    let million = months.last().map(Month::sum).unwrap_or_default();
    let sentence = format!("cost ${million:.0} a month");
    let readme = Path::new(env!("CARGO_MANIFEST_DIR")).join("../README.md");
    ensure!(std::fs::read_to_string(readme)?.contains(&sentence), "README.md: {sentence}");
    Ok(())
}
