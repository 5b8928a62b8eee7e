//! Budgets: what one caller, one network and all together may have in a minute, and that nobody
//! waits for somebody else's flood.

use std::collections::BTreeMap;
use std::time::{Duration, Instant, SystemTime};

use anyhow::{Context as _, ensure};
use futures_util::future::join_all;
use reqwest::{Method, Response, StatusCode};
use tests::api::{ADDRESS, Api, json, problem};
use tests::server::Server;
use tests::{golden, log};

use crate::lent::Lent;

/// Programs that send at once, one request after the other.
const FLOOD: usize = 64;

/// Requests that are sent at once where a budget is wide.
const TOGETHER: usize = 20;

/// The number of the present minute. Local budgets begin anew with each.
fn minute() -> anyhow::Result<u64> {
    Ok(SystemTime::now().duration_since(SystemTime::UNIX_EPOCH)?.as_secs() / 60)
}

async fn send(api: &Api<'_>, method: &Method, path: &str, from: &str) -> anyhow::Result<Response> {
    Ok(api.request(method.clone(), path).header(ADDRESS, from).send().await?)
}

/// How many requests, which compute nothing, are answered until one is refused, and why it is.
/// `address` gives one for each round and request: a round that a new minute has cut is repeated.
async fn spend(
    api: &Api<'_>,
    requests: &[(Method, &str)],
    address: impl Fn(usize, usize) -> String,
) -> anyhow::Result<(usize, String)> {
    for round in 0..4 {
        let began = minute()?;
        for (count, (method, path)) in requests.iter().cycle().take(5_000).enumerate() {
            let response = send(api, method, path, &address(round, count)).await?;
            if response.status() != StatusCode::TOO_MANY_REQUESTS {
                continue;
            }
            let seconds = response.headers()["retry-after"].to_str()?.parse::<u32>()?;
            ensure!((1..=60).contains(&seconds), "{seconds}");
            let document = json(response, StatusCode::TOO_MANY_REQUESTS).await?;
            if minute()? != began {
                break;
            }
            return Ok((count, document["detail"].as_str().context("no detail")?.to_owned()));
        }
    }
    anyhow::bail!("{requests:?} are never refused")
}

/// Why embeddings are refused in the end, of callers who send [`TOGETHER`] at once: a budget that
/// many share is not spent within a minute one request after the other. A comparison takes two.
async fn spend_together(
    api: &Api<'_>,
    address: impl Fn(usize, usize) -> String,
) -> anyhow::Result<String> {
    for round in 0..4 {
        for batch in 0..5_000 / TOGETHER {
            let each = (batch * TOGETHER..(batch + 1) * TOGETHER).map(|count| {
                let from = address(round, count);
                async move { send(api, &Method::POST, "/verify", &from).await }
            });
            let responses: Vec<_> = join_all(each).await.into_iter().collect::<Result<_, _>>()?;
            let refused = |response: &Response| response.status() == StatusCode::TOO_MANY_REQUESTS;
            if let Some(response) = responses.into_iter().find(refused) {
                let document = json(response, StatusCode::TOO_MANY_REQUESTS).await?;
                return Ok(document["detail"].as_str().context("no detail")?.to_owned());
            }
        }
    }
    anyhow::bail!("embeddings are never refused")
}

#[tokio::test]
async fn a_caller_has_one_budget_of_embeddings() -> anyhow::Result<()> {
    let state = tempfile::tempdir()?;
    let server = Server::start_with(state.path(), &["--rate-limits"]).await?;
    let api = Api::of(&server);
    let post = |path| (Method::POST, path);
    let own = |network: u8| move |round: usize, _| format!("192.0.{network}.{round}");

    let (embeddings, why) = spend(&api, &[post("/embed")], own(1)).await?;
    ensure!(why.starts_with("You "), "{why}");
    let (searches, _) = spend(&api, &[post("/match")], own(2)).await?;
    ensure!(searches == embeddings, "{searches} searches, {embeddings} embeddings");
    let (pairs, _) = spend(&api, &[post("/verify")], own(3)).await?;
    ensure!(pairs == embeddings / 2, "{pairs} pairs, {embeddings} embeddings");
    let (mixed, _) = spend(&api, &[post("/embed"), post("/match"), post("/add")], own(4)).await?;
    let (enrolments, _) = spend(&api, &[post("/add")], own(5)).await?;
    ensure!(enrolments < embeddings, "{enrolments} enrolments");
    // Every third one was an enrolment, of which there are fewer.
    ensure!(mixed == embeddings.min(3 * enrolments + 2), "{mixed} mixed, {enrolments} enrolments");

    server.stop()
}

/// In a server of its own: all callers together have a budget too.
#[tokio::test]
async fn a_caller_is_half_an_address_and_reads_have_a_budget_of_their_own() -> anyhow::Result<()> {
    let state = tempfile::tempdir()?;
    let server = Server::start_with(state.path(), &["--rate-limits"]).await?;
    let api = Api::of(&server);
    let post = |path| (Method::POST, path);
    let own = |network: u8| move |round: usize, _| format!("192.0.{network}.{round}");
    let (embeddings, _) = spend(&api, &[post("/embed")], own(1)).await?;

    // Half of an IPv6 address is one caller.
    let v6 = |round: usize, count: usize| format!("2001:db8:1:{round}::{count:x}");
    ensure!(spend(&api, &[post("/embed")], v6).await?.0 == embeddings);

    // A spent budget of embeddings leaves the one of reads, which all reads and deletions share.
    let unknown = format!("/faces/{}", "0".repeat(32));
    let status = format!("{unknown}/status");
    let reads = [
        (Method::GET, unknown.as_str()),
        (Method::GET, status.as_str()),
        (Method::DELETE, unknown.as_str()),
        (Method::DELETE, "/faces"),
        (Method::GET, "/health"),
        (Method::HEAD, "/config"),
        (Method::POST, "/wake"),
    ];
    let (count, why) = spend(&api, &reads[..5], own(6)).await?;
    ensure!(count > embeddings && why.starts_with("You "), "{count} reads: {why}");
    let from = "192.0.7.1";
    spend(&api, &[post("/embed")], |_, _| from.into()).await?;
    for (method, path) in &reads {
        let status = send(&api, method, path, from).await?.status();
        ensure!(status != StatusCode::TOO_MANY_REQUESTS, "{method} {path}");
    }
    server.stop()
}

#[tokio::test]
async fn networks_and_all_together_have_wider_budgets() -> anyhow::Result<()> {
    let state = tempfile::tempdir()?;
    let server = Server::start_with(state.path(), &["--rate-limits"]).await?;
    let api = Api::of(&server);
    let neighbours = |round, count| format!("198.51.{round}.{}", count % 250);
    let why = spend_together(&api, neighbours).await?;
    ensure!(why.starts_with("Your network "), "{why}");
    // What others of the network have is spent, that of other networks is not.
    let strangers = |round, count| format!("{}.{}.{}.1", 100 + round, count / 250, count % 250);
    let elsewhere = send(&api, &Method::POST, "/embed", "203.0.113.1").await?;
    ensure!(elsewhere.status() != StatusCode::TOO_MANY_REQUESTS, "another network is refused");
    let why = spend_together(&api, strangers).await?;
    ensure!(why.starts_with("All callers "), "{why}");
    server.stop()
}

#[tokio::test]
async fn a_token_is_checked_before_anything_is_computed() -> anyhow::Result<()> {
    let state = tempfile::tempdir()?;
    let server = Server::start(state.path()).await?;
    let api = Api::of(&server);
    let picture = std::fs::read(golden("obama-1.png"))?;
    for token in ["0".repeat(64), "x".into()] {
        let request = api.request(Method::POST, "/add").bearer_auth(token).body(picture.clone());
        problem(request.send().await?, StatusCode::UNAUTHORIZED).await?;
    }
    let lines = log::requests(&server, "/add", 2).await?;
    ensure!(log::of_event(&lines, "load").count() == 0, "something was computed: {lines:?}");
    server.stop()
}

/// The statuses of answers, and how often each came.
type Statuses = BTreeMap<u16, usize>;

#[tokio::test]
async fn a_flood_from_one_address_leaves_room_for_others() -> anyhow::Result<()> {
    const HONEST: usize = 40;
    let server = Lent::take().await?;
    let api = Api::of(&server);
    let picture = std::fs::read(golden("obama-1.png"))?;
    let embed = async |from: &str| {
        let request = api.request(Method::POST, "/embed").header(ADDRESS, from);
        anyhow::Ok(request.body(picture.clone()).send().await?)
    };
    let honest = async || {
        let (mut answers, mut times) = (Vec::new(), Vec::new());
        for _ in 0..HONEST {
            let began = Instant::now();
            answers.push(json(embed("192.0.2.1").await?, StatusCode::OK).await?);
            times.push(began.elapsed());
        }
        times.sort_unstable();
        anyhow::Ok((answers, times[HONEST / 2], times[HONEST - 1]))
    };
    json(embed("192.0.2.1").await?, StatusCode::OK).await?;
    let (quiet, median, most) = honest().await?;
    println!("quiet: {median:?}, at most {most:?}");

    let is_over = std::cell::Cell::new(false);
    let flood = async || {
        let mut statuses = Statuses::new();
        while !is_over.get() {
            let response = embed("198.51.100.1").await?;
            *statuses.entry(response.status().as_u16()).or_default() += 1;
            ensure!(response.status() != 429 || response.headers().contains_key("retry-after"));
            response.bytes().await?;
        }
        anyhow::Ok(statuses)
    };
    let flood = join_all((0..FLOOD).map(|_| flood()));
    let meanwhile = async {
        // The flood fills what it can first.
        tokio::time::sleep(Duration::from_millis(500)).await;
        let outcome = honest().await;
        is_over.set(true);
        outcome
    };
    let (flood, meanwhile) = tokio::join!(flood, meanwhile);
    let (answers, median, most) = meanwhile?;
    let mut statuses = Statuses::new();
    for counts in flood {
        for (status, count) in counts? {
            *statuses.entry(status).or_default() += count;
        }
    }
    println!("in a flood ({statuses:?}): {median:?}, at most {most:?}");
    ensure!(answers == quiet, "other embeddings in a flood");
    ensure!(statuses.keys().all(|status| matches!(status, 200 | 429)), "{statuses:?}");
    ensure!(statuses.contains_key(&200) && statuses.contains_key(&429), "{statuses:?}");
    server.give_back().await
}

/// What a request holds is given back although nobody waits for its answer.
#[tokio::test]
async fn whoever_hangs_up_may_come_back_at_once() -> anyhow::Result<()> {
    let server = Lent::take().await?;
    let api = Api::of(&server);
    let picture = std::fs::read(golden("obama-1.png"))?;
    let expected = api.embed(&golden("obama-1.png")).await?;
    let mut answered = 0;
    for patience in [5, 10, 20, 30, 40, 50, 5, 10, 20, 30, 40, 50] {
        let hasty = api.request(Method::POST, "/embed").timeout(Duration::from_millis(patience));
        answered += usize::from(hasty.body(picture.clone()).send().await.is_ok());
    }
    println!("{answered} were answered in time");
    ensure!(answered < 8, "hardly anybody hung up");
    // A permit that is never given back ends after a minute.
    let began = Instant::now();
    loop {
        let response = api.post_file("/embed", &golden("obama-1.png")).await?;
        if response.status() == 200 {
            ensure!(
                serde_json::from_value::<Vec<f64>>(json(response, StatusCode::OK).await?)?
                    == expected
            );
            break;
        }
        problem(response, StatusCode::TOO_MANY_REQUESTS).await?;
        ensure!(began.elapsed() < Duration::from_secs(30), "the permits are lost");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    server.give_back().await
}
