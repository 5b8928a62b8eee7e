//! The first embedding of a cold server whose weights come as slowly as from R2. Each is measured
//! in a fresh workerd, from outside: no process, isolate or connection is left of the one before.
//! The Worker itself has answered before, since the page asks it for its facts.
//!
//! That is less than a cold start on Cloudflare: objects are not made elsewhere, and both shards
//! compute on one thread.

use std::fmt;
use std::fs;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};
use serde_json::{Value, json};
use testbed::bucket::Pace;
use testbed::golden::{Golden, SERVED_COSINE_MIN};
use testbed::workerd::Workerd;

use super::report::{Sample, line};
use crate::commands::scene::Scene;

/// R2 as it was measured from Workers in its own region: one stream brings 20 to 70 MB a second.
const R2: Pace =
    Pace { first_byte: Duration::from_millis(50), bytes_per_second: 40e6, one_at_a_time: false };

/// How long people look for a picture after they have agreed. The detector alone takes as long.
const LOOKING: Duration = Duration::from_secs(2);

/// Embeddings from which the least is taken as that of a warm server.
const WARM: u32 = 8;

/// Milliseconds until the first embedding has come, and later ones.
#[derive(Default)]
pub(super) struct Cold {
    /// One shard is read after the other, as it was before the first one woke the second.
    in_turn: Sample,
    at_once: Sample,
    /// After `POST /wake`.
    woken: Sample,
    warm: Sample,
}

/// Measures so many fresh servers of each kind.
pub(super) fn run(golden: &Golden, rounds: u32) -> anyhow::Result<Cold> {
    let scene = Scene::new()?;
    let in_turn = scene.bucket(Pace { one_at_a_time: true, ..R2 })?;
    let at_once = scene.bucket(R2)?;
    let picture = fs::read(&golden.picture).context("no golden picture")?;
    let mut cold = Cold::default();
    for _ in 0..rounds {
        for (sample, bucket, wakes) in [
            (&mut cold.in_turn, in_turn, false),
            (&mut cold.at_once, at_once, false),
            (&mut cold.woken, at_once, true),
        ] {
            let workerd = scene.start(bucket, &[])?;
            if wakes {
                let answer = ureq::post(workerd.url(0, "/wake")).send_empty()?;
                ensure!(answer.status() == 202, "{}", answer.status());
                thread::sleep(LOOKING);
            }
            sample.0.push(embed(&workerd, golden, &picture)?);
            for _ in 0..WARM {
                cold.warm.0.push(embed(&workerd, golden, &picture)?);
            }
        }
    }
    Ok(cold)
}

/// Embeds a picture, and gives the milliseconds that it took.
fn embed(workerd: &Workerd, golden: &Golden, picture: &[u8]) -> anyhow::Result<f64> {
    let began = Instant::now();
    let text = ureq::post(workerd.url(0, "/embed")).send(picture)?.body_mut().read_to_string()?;
    let ms = began.elapsed().as_secs_f64() * 1e3;
    let embedding: Vec<f64> = serde_json::from_str(&text)?;
    golden.check("the server", &embedding, SERVED_COSINE_MIN)?;
    Ok(ms)
}

impl Cold {
    pub(super) fn json(&self) -> Value {
        json!({
            "in_turn": self.in_turn.json(),
            "at_once": self.at_once.json(),
            "woken": self.woken.json(),
            "warm": self.warm.json(),
        })
    }
}

impl fmt::Display for Cold {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ms = R2.first_byte.as_millis();
        let mb = R2.bytes_per_second / 1e6;
        writeln!(out, "\nThe first embedding of a cold server, with R2 at {ms} ms and {mb} MB/s")?;
        writeln!(out, "{:38}{:>10}{:>10}", "", "min ms", "median")?;
        for (what, sample) in [
            ("one shard after the other, as before", &self.in_turn),
            ("both at once", &self.at_once),
            ("2 s after POST /wake", &self.woken),
            ("warm", &self.warm),
        ] {
            writeln!(out, "{what:38}{:10.0}{:10.0}", sample.min(), sample.median())?;
        }
        line(out, "both at once, ms", self.at_once.median(), "at most 1000")?;
        let more = self.woken.median() - self.warm.median();
        line(out, "woken, more than warm, ms", more, "at most 200")
    }
}
