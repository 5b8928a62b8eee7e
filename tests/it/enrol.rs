//! `cargo xtask enrol` and `cargo xtask search`: a folder of photographs, and who is on others.

use std::collections::BTreeSet;
use std::fs;
use std::io::{BufRead as _, BufReader};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context as _, ensure};
use image::{Rgb, RgbImage};
use reqwest::{Method, StatusCode};
use serde_json::Value;
use tests::api::Api;
use tests::server::Server;
use tests::{photograph, xtask};

use crate::access::add_key;

/// The colour of a frame around somebody who was found; `tools/frames` has it.
const MATCH: Rgb<u8> = Rgb([64, 208, 96]);

/// How often a budget is spent until the command meets one that is: its minute may end before.
const ROUNDS_MAX: u32 = 4;

/// What a command has printed.
#[derive(Debug)]
struct Ran {
    code: Option<i32>,
    out: String,
    error: String,
}

fn command(server: &Server, arguments: &[&str]) -> anyhow::Result<Command> {
    let mut command = Command::new(xtask()?);
    command.args(arguments).args(["--to", &server.url("")]).env_remove("CFACE_API_KEY");
    Ok(command)
}

fn run(server: &Server, arguments: &[&str]) -> anyhow::Result<Ran> {
    let output = command(server, arguments)?.output()?;
    Ok(Ran {
        code: output.status.code(),
        out: String::from_utf8(output.stdout)?,
        error: String::from_utf8(output.stderr)?,
    })
}

impl Ran {
    /// Makes sure of the exit code, and that these lines were printed, whole or as an end.
    fn check(&self, code: i32, lines: &[&str]) -> anyhow::Result<()> {
        ensure!(self.code == Some(code), "{self:?}");
        for line in lines {
            ensure!(self.out.lines().any(|it| it.ends_with(line)), "no `{line}`: {self:#?}");
        }
        Ok(())
    }

    /// How many lines hold a text.
    fn count(&self, text: &str) -> usize {
        self.out.lines().filter(|line| line.contains(text)).count()
    }
}

fn text(path: &Path) -> anyhow::Result<&str> {
    path.to_str().context("a path that is no text")
}

/// Puts photographs into a folder, by the names that they get there.
fn fill(folder: &Path, files: &[(&str, &str)]) -> anyhow::Result<()> {
    for (name, file) in files {
        let path = folder.join(name);
        fs::create_dir_all(path.parent().context("no folder")?)?;
        fs::copy(photograph(file), path)?;
    }
    Ok(())
}

/// The ids of all faces.
fn ids(server: &Server) -> anyhow::Result<BTreeSet<String>> {
    let list = run(server, &["faces", "list"])?;
    list.check(0, &[])?;
    Ok(list.out.lines().filter_map(|line| line.split('\t').next()).map(str::to_owned).collect())
}

/// The columns of the line about the one face of a photograph.
fn found(server: &Server, file: &str, options: &[&str]) -> anyhow::Result<Vec<String>> {
    let photo = photograph(file);
    let ran = run(server, &[&["search", text(&photo)?], options].concat())?;
    ran.check(0, &[])?;
    let [line] = ran.out.lines().collect::<Vec<_>>()[..] else {
        anyhow::bail!("not one face: {ran:?}")
    };
    Ok(line.split('\t').map(str::to_owned).collect())
}

/// A hillside under the sky, in which nobody is.
fn landscape() -> RgbImage {
    RgbImage::from_fn(640, 480, |x, y| {
        let hill = 300 + (x as i32 - 320).abs() / 4;
        let grain = (x.wrapping_mul(2_654_435_761) ^ y.wrapping_mul(40_503)) >> 13 & 15;
        let grain = grain as u8;
        if (y as i32) < hill {
            Rgb([120 + grain, 170 + (y / 8) as u8, 240])
        } else {
            Rgb([60 + grain, 110 + grain, 40])
        }
    })
}

#[tokio::test]
async fn a_folder_is_enrolled_and_its_people_are_found() -> anyhow::Result<()> {
    let state = tempfile::tempdir()?;
    let server = Server::start(state.path()).await?;
    let dir = tempfile::tempdir()?;
    let people = dir.path().join("people");
    let files = [("Barack Obama/IMG_1.jpg", "obama-1.jpg"), ("Joe_Biden-1.jpg", "biden-1.jpg")];
    fill(&people, &files)?;
    landscape().save(people.join("Landscape.png"))?;
    fs::write(people.join("notes.txt"), "taken at the lake")?;

    // Nothing is sent without consent, or when a name is none.
    let enrol = ["enrol", text(&people)?, "--consent"];
    let asked = run(&server, &enrol[..2])?;
    asked.check(1, &["Barack Obama: 1 picture", "Joe Biden: 1 picture"])?;
    ensure!(asked.error.contains("--consent is missing"), "{asked:?}");
    fs::copy(photograph("obama-2.jpg"), people.join("IMG_2.jpg"))?;
    let refused = run(&server, &enrol)?;
    refused.check(1, &[])?;
    ensure!(refused.error.contains("IMG_2.jpg: a camera"), "{refused:?}");
    fs::remove_file(people.join("IMG_2.jpg"))?;
    ensure!(ids(&server)?.is_empty());

    let first = run(&server, &enrol)?;
    let lines = [
        "notes.txt: left out: it is no JPEG, PNG or WebP",
        "1/3 Barack Obama/IMG_1.jpg: enrolled as Barack Obama",
        "2/3 Joe_Biden-1.jpg: enrolled as Joe Biden",
        "Pictures: 2 enrolled, 1 refused.",
    ];
    first.check(0, &lines)?;
    ensure!(first.count("3/3 Landscape.png: refused: ") == 1, "{first:?}");
    let tokens = dir.path().join("people.tokens.json");
    ensure!(fs::metadata(&tokens)?.permissions().mode() & 0o777 == 0o600);
    let stored = ids(&server)?;
    ensure!(stored.len() == 2, "{stored:?}");

    // The others of the same people are found, and the frame is around the face.
    let out = dir.path().join("out.png");
    let obama = found(&server, "obama-2.jpg", &["--write", text(&out)?])?;
    ensure!(obama[..2] == ["1", "match"] && obama[4] == "Barack Obama", "{obama:?}");
    ensure!(obama[2].parse::<f64>()? <= 0.85, "{obama:?}");
    let numbers: Vec<u32> =
        obama[3].split([',', ' ', 'x']).map(str::parse).collect::<Result<_, _>>()?;
    let [x, y, width, height] = numbers[..] else { anyhow::bail!("{obama:?}") };
    let picture = image::open(&out)?.into_rgb8();
    let middle = (x + width / 2, y + height / 2);
    ensure!(*picture.get_pixel(x - 2, middle.1) == MATCH);
    ensure!(*picture.get_pixel(middle.0, y - 2) == MATCH);
    let original = image::open(photograph("obama-2.jpg"))?.into_rgb8();
    ensure!(picture.get_pixel(middle.0, middle.1) == original.get_pixel(middle.0, middle.1));
    let biden = found(&server, "biden-2.jpg", &[])?;
    ensure!(biden[1] == "match" && biden[4] == "Joe Biden", "{biden:?}");

    // A repetition stores nothing twice, and nobody again who was deleted.
    let again = run(&server, &enrol)?;
    again.check(0, &["Pictures: 2 enrolled before, 1 refused."])?;
    ensure!(ids(&server)? == stored);
    let noted: Value = serde_json::from_str(&fs::read_to_string(&tokens)?)?;
    let token = noted["people"][0]["delete_token"].as_str().context("no token")?;
    let deleted = Api::of(&server).request(Method::DELETE, "/faces").bearer_auth(token);
    ensure!(deleted.send().await?.status() == StatusCode::NO_CONTENT);
    let after = run(&server, &enrol)?;
    after.check(1, &["Pictures: 1 enrolled before, 1 refused, 1 failed."])?;
    ensure!(after.count("somebody has deleted it since") == 1, "{after:?}");
    ensure!(ids(&server)?.len() == 1);
    ensure!(!server.log().contains("Obama"), "{}", server.log());
    server.stop()
}

#[tokio::test]
async fn an_enrolment_that_broke_off_goes_on() -> anyhow::Result<()> {
    let state = tempfile::tempdir()?;
    let server = Server::start_with(state.path(), &["--var", "ACCESS=private"]).await?;
    let key = add_key(state.path(), "crowd", "search,enrol")?;
    let key = key.trim();
    let dir = tempfile::tempdir()?;
    let people = dir.path().join("people");
    let files = ["obama-1.jpg", "obama-2.jpg", "biden-1.jpg", "biden-2.jpg"];
    let names = ["Barack Obama/a", "Barack Obama/b", "Joe Biden/a", "Joe Biden/b"];
    fill(&people, &[0, 1, 2, 3].map(|index| (names[index], files[index])))?;
    let tokens = dir.path().join("the.tokens");
    let enrol = ["enrol", text(&people)?, "--consent", "--tokens", text(&tokens)?];

    let wrong = run(&server, &[&enrol[..], &["--key", &"0".repeat(64)]].concat())?;
    wrong.check(1, &["Pictures: 4 not reached."])?;
    ensure!(wrong.error.contains("(401)"), "{wrong:?}");

    // Killed after the first picture, while the second one is on its way.
    let enrol = [&enrol[..], &["--key", key]].concat();
    let mut child = command(&server, &enrol)?.stdout(Stdio::piped()).spawn()?;
    let mut lines = BufReader::new(child.stdout.take().context("no output")?).lines();
    let line = lines.next().context("it prints nothing")??;
    child.kill()?;
    child.wait()?;
    ensure!(line == "1/4 Barack Obama/a: enrolled as Barack Obama", "{line}");

    let rest = run(&server, &enrol)?;
    rest.check(0, &["1/4 Barack Obama/a: enrolled already as Barack Obama"])?;
    ensure!(rest.count(": enrolled as Joe Biden") == 2, "{rest:?}");
    let stored = ids(&server)?;
    let persons: BTreeSet<&str> = stored.iter().filter_map(|id| id.get(..16)).collect();
    ensure!((stored.len(), persons.len()) == (4, 2), "{stored:?}");

    // As if no answer had ever come: the tokens are there, and what is sent is the same face.
    let mut noted: Value = serde_json::from_str(&fs::read_to_string(&tokens)?)?;
    for person in noted["people"].as_array_mut().context("no people")? {
        person["pictures"] = Value::Array(Vec::new());
    }
    fs::write(&tokens, noted.to_string())?;
    let lost = run(&server, &enrol)?;
    lost.check(0, &["Pictures: 4 enrolled."])?;
    ensure!(ids(&server)? == stored, "{:?}", ids(&server)?);
    server.stop()
}

#[tokio::test]
async fn a_busy_instance_is_waited_for() -> anyhow::Result<()> {
    let state = tempfile::tempdir()?;
    let server = Server::start_with(state.path(), &["--rate-limits"]).await?;
    let dir = tempfile::tempdir()?;
    let people = dir.path().join("people");
    fill(&people, &[("Joe Biden.jpg", "biden-1.jpg")])?;
    // The command sends the same key, so the budget is its own.
    let api = Api::with_key(&server, &server.admin_key()?);
    for round in 0..ROUNDS_MAX {
        spend_enrolments(&api).await?;
        // Each round enrols somebody new.
        let tokens = dir.path().join(format!("{round}.json"));
        let ran =
            run(&server, &["enrol", text(&people)?, "--consent", "--tokens", text(&tokens)?])?;
        ran.check(0, &["1/1 Joe Biden.jpg: enrolled as Joe Biden"])?;
        if ran.error.contains("(429)") && ran.error.contains("Asking again in") {
            return server.stop();
        }
        // The minute of the budget has ended before the command asked.
        ensure!(ran.error.is_empty(), "{ran:?}");
    }
    anyhow::bail!("the command never met a spent budget")
}

/// Spends the caller's budget of enrolments.
async fn spend_enrolments(api: &Api<'_>) -> anyhow::Result<()> {
    for _ in 0..1000 {
        let response = api.request(Method::POST, "/add").send().await?;
        if response.status() == StatusCode::TOO_MANY_REQUESTS {
            return Ok(());
        }
    }
    anyhow::bail!("enrolments are never refused")
}
