//! A whole photograph in workerd, from its bytes to faces and to an embedding, and beside it the
//! page's own detector, face-api.js, in Chromium. Both begin with the file. They take turns.
//!
//! A Worker's clock stands still while it computes, so the parts are differences of requests.

use std::fmt;
use std::fs;
use std::time::Instant;

use anyhow::{Context as _, ensure};
use serde_json::{Value, json};

use super::browser::Browser;
use super::report::{Sample, line};
use super::workerd::Server;
use crate::project;

/// 2.1 megapixels with one face.
const PHOTOGRAPH: &str = "tests/faces/biden-1.jpg";

/// The page's own way from a file to faces, so many times. Answers milliseconds.
const FIND: &str = "
    const [bytes, rounds, done] = arguments;
    const load = (name) => import(new URL(name, document.querySelector('script').src));
    const find = async () => {
        const { detectFaces } = await load('finder/detector.js');
        const { readPicture } = await load('viewfinder/picture.js');
        const file = new Blob([new Uint8Array(bytes)]);
        const times = [];
        for (let round = 0; round < rounds; round += 1) {
            const began = performance.now();
            const faces = await detectFaces(await readPicture(file));
            times.push(performance.now() - began);
            if (faces.length !== 1) throw new Error(`${faces.length} faces`);
        }
        return times;
    };
    find().then((times) => done({ times }), ({ message }) => done({ error: message }));";

/// Milliseconds.
#[derive(Default)]
pub(super) struct Photographs {
    /// `POST /embed?detect=true`.
    embed: Sample,
    /// `POST /detect`: the same without an embedding.
    detect: Sample,
    /// A request with an empty body, which computes nothing.
    empty: Sample,
    /// face-api.js in Chromium.
    page: Sample,
    /// What the last answer with an embedding says of its stages.
    timing: String,
}

/// Measures so many rounds, after as many warm-ups as V8 needs to compile code again.
pub(super) fn run(rounds: u32, warm_up: u32) -> anyhow::Result<Photographs> {
    let photograph = fs::read(project::root().join(PHOTOGRAPH)).context(PHOTOGRAPH)?;
    let server = Server::start()?;
    let browser = Browser::start()?;
    browser.open(&server.page())?;
    let mut measured = Photographs::default();
    for round in 0..warm_up + rounds {
        let (embed, timing) = ask(&server, "/embed?detect=true", &photograph)?;
        let (detect, _) = ask(&server, "/detect", &photograph)?;
        let empty = server.empty()?;
        let page = page(&browser, &photograph)?;
        if round >= warm_up {
            measured.embed.0.push(embed);
            measured.detect.0.push(detect);
            measured.empty.0.push(empty);
            measured.page.0.push(page);
            measured.timing = timing;
        }
    }
    Ok(measured)
}

/// Sends the photograph. Gives the milliseconds that it took, and the answer's `Server-Timing`.
fn ask(server: &Server, path: &str, photograph: &[u8]) -> anyhow::Result<(f64, String)> {
    let began = Instant::now();
    let (status, timing, text) = server.ask(path, photograph)?;
    let ms = began.elapsed().as_secs_f64() * 1e3;
    ensure!(status == 200, "the server answers {status}: {text}");
    let answer: Value = serde_json::from_str(&text)?;
    let faces = answer["faces"].as_array().context("an answer without faces")?.len();
    ensure!(faces == 1, "{faces} faces in {PHOTOGRAPH}");
    Ok((ms, timing))
}

/// Lets the page find the face once. The first time it loads its detector too.
fn page(browser: &Browser, photograph: &[u8]) -> anyhow::Result<f64> {
    let answer = browser.run(FIND, &[json!(photograph), json!(1)])?;
    let time = answer["times"][0].as_f64();
    time.with_context(|| format!("the page finds no face: {}", answer["error"]))
}

impl Photographs {
    /// From the file to faces and their crops, without what every request takes.
    fn finding(&self) -> f64 {
        self.detect.min() - self.empty.min()
    }

    /// The same with an embedding.
    fn all(&self) -> f64 {
        self.embed.min() - self.empty.min()
    }

    pub(super) fn json(&self) -> Value {
        json!({
            "embed": self.embed.json(),
            "detect": self.detect.json(),
            "empty": self.empty.json(),
            "page": self.page.json(),
            "finding_beside_page": self.finding() / self.page.min(),
            "server_timing": self.timing,
        })
    }
}

impl fmt::Display for Photographs {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(out, "\nA photograph of 2.1 megapixels with one face")?;
        writeln!(out, "{:38}{:>10}{:>10}", "", "min ms", "median")?;
        for (what, sample) in [
            ("POST /embed?detect=true", &self.embed),
            ("POST /detect", &self.detect),
            ("an empty request", &self.empty),
            ("face-api.js in Chromium, finding", &self.page),
        ] {
            writeln!(out, "{what:38}{:10.1}{:10.1}", sample.min(), sample.median())?;
        }
        writeln!(out, "Server-Timing: {}", self.timing)?;
        line(out, "finding and cropping, ms", self.finding(), "")?;
        line(out, "the embedding, ms", self.all() - self.finding(), "")?;
        line(out, "both, ms", self.all(), "at most 80")?;
        line(out, "finding / face-api.js", self.finding() / self.page.min(), "below 1")
    }
}
