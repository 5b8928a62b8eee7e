//! What a server has logged: the lines of both Workers among those of wrangler. A line comes by
//! another way than the answer, and often after it. So whoever looks for one waits for it, and
//! whoever looks for none waits for the line of the last request.

use std::time::Duration;

use anyhow::{Context as _, ensure};
use serde_json::Value;

use crate::server::Server;

/// What every line of ours begins with.
const MARK: &str = r#"{"worker":"#;

/// How long a line may take from the Worker to the file.
const LINE_MAX: Duration = Duration::from_secs(10);

/// The lines of both Workers that have come, in order.
///
/// # Errors
/// When one is not JSON, or lacks what every line has.
pub fn lines(server: &Server) -> anyhow::Result<Vec<Value>> {
    let log = server.log();
    // The last one may be half written.
    let log = log.rsplit_once('\n').map_or("", |(whole, _)| whole);
    // Wrangler puts words and colours around lines that tell of faults.
    let ours = |line: &'_ str| Some(line.find(MARK)?..line.rfind('}')? + 1);
    let lines = log.lines().filter_map(|line| line.get(ours(line)?));
    lines.map(read).collect()
}

fn read(text: &str) -> anyhow::Result<Value> {
    let line: Value = serde_json::from_str(text).with_context(|| format!("not JSON: {text}"))?;
    let has = |key: &str, values: &[&str]| line[key].as_str().is_some_and(|v| values.contains(&v));
    ensure!(has("worker", &["cface", "cface-vectorize"]), "{text}");
    ensure!(has("level", &["info", "warn", "error"]), "{text}");
    ensure!(line["event"].is_string(), "{text}");
    if line["event"] == "request" {
        ensure!(line["method"].is_string() && line["route"].is_string(), "{text}");
        ensure!(line["status"].as_u64().is_some_and(|it| (200..600).contains(&it)), "{text}");
        ensure!(line["ms"]["total"].is_u64(), "{text}");
    }
    Ok(line)
}

/// The lines about an event.
pub fn of_event<'a>(lines: &'a [Value], event: &str) -> impl Iterator<Item = &'a Value> {
    lines.iter().filter(move |line| line["event"] == event)
}

/// All lines, once so many requests for a route of the public Worker have theirs.
///
/// # Errors
/// When they do not come.
pub async fn requests(server: &Server, route: &str, count: usize) -> anyhow::Result<Vec<Value>> {
    let is_one = |line: &Value| line["worker"] == "cface" && line["route"] == route;
    lines_after(server, 0, count, is_one).await
}

/// The lines from the one with this number on, once there are so many of them for which `is_one`
/// is true.
///
/// # Errors
/// When they do not come.
pub async fn lines_after(
    server: &Server,
    number: usize,
    count: usize,
    is_one: impl Fn(&Value) -> bool,
) -> anyhow::Result<Vec<Value>> {
    let mut new = Vec::new();
    let come = async {
        loop {
            new = lines(server)?.split_off(number);
            if new.iter().filter(|line| is_one(line)).count() >= count {
                return anyhow::Ok(());
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    let come = tokio::time::timeout(LINE_MAX, come).await;
    come.with_context(|| format!("no {count} such lines:\n{}", server.log()))??;
    Ok(new)
}
