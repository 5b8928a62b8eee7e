//! The commands in the README and in `docs`: those that can run here are run as they are pasted,
//! and print what the document says. The others are listed, with the reason.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, ensure};
use tests::server::Server;
use tests::xtask;

/// The address of the local server in the documents.
const LOCAL: &str = "http://localhost:8787";

/// Commands that are not run here, by how they begin, and why.
const NOT_RUN: [(&str, &str); 8] = [
    ("cargo xtask dev", "runs until it is stopped; every test here starts servers by it"),
    ("cargo xtask deploy", "needs an account; its own tests run it against a stand-in"),
    ("cargo xtask destroy", "needs an account; its own tests run it against a stand-in"),
    ("cargo xtask keys", "needs an account; `access.rs` runs it on a local server"),
    ("cargo xtask faces", "asks a deployment; `operator.rs` runs it on a local server"),
    ("cargo xtask weights --model vggface2", "downloads from a host that tests do not need"),
    ("cargo xtask weights", "every test here uses what it makes"),
    ("node_modules/.bin/wrangler", "needs an account"),
];

/// What the lines begin with, of which one makes a block run here.
const RUN: [&str; 3] = ["curl", "cargo xtask enrol", "cargo xtask search"];

/// The folder for photographs in the documents.
const PEOPLE: &str = ".cface/people";

/// A fenced block of a document.
#[derive(Debug)]
struct Block {
    language: String,
    text: String,
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn blocks(file: &Path) -> anyhow::Result<Vec<Block>> {
    let text = std::fs::read_to_string(file).with_context(|| file.display().to_string())?;
    let mut blocks = Vec::new();
    let mut open: Option<Block> = None;
    for line in text.lines() {
        match (line.strip_prefix("```"), &mut open) {
            (Some(_), Some(_)) => blocks.extend(open.take()),
            (Some(language), None) => {
                open = Some(Block { language: language.into(), text: String::new() });
            }
            (None, Some(block)) => {
                block.text += line;
                block.text.push('\n');
            }
            (None, None) => {}
        }
    }
    ensure!(open.is_none(), "{}: a block does not end", file.display());
    Ok(blocks)
}

/// The README, CONTRIBUTING and all files in `docs`.
fn documents() -> anyhow::Result<Vec<PathBuf>> {
    let mut files = vec![root().join("README.md"), root().join("CONTRIBUTING.md")];
    for entry in std::fs::read_dir(root().join("docs"))? {
        let path = entry?.path();
        files.extend(path.extension().is_some_and(|end| end == "md").then_some(path));
    }
    Ok(files)
}

/// Whether a block is run here.
fn is_run(block: &Block) -> bool {
    block.language == "sh" && RUN.iter().any(|command| block.text.contains(command))
}

#[test]
fn every_command_is_run_or_is_known_not_to_be() -> anyhow::Result<()> {
    let mut used = [false; NOT_RUN.len()];
    for file in documents()? {
        for block in blocks(&file)? {
            if is_run(&block) {
                let is_known = ["README.md", "photographs.md"].iter().any(|it| file.ends_with(it));
                ensure!(is_known, "{}: nothing runs its commands", file.display());
                continue;
            }
            let is_output = ["json", "text", "toml"].contains(&&*block.language);
            ensure!(is_output || block.language == "sh", "{}: {block:?}", file.display());
            for line in block.text.lines().filter(|_| !is_output) {
                let known = NOT_RUN.iter().position(|(start, _)| line.starts_with(start));
                let known = known.with_context(|| format!("{}: `{line}`", file.display()))?;
                used[known] = true;
            }
        }
    }
    for ((start, _), used) in NOT_RUN.iter().zip(used) {
        ensure!(used, "no document has a command that begins with `{start}`");
    }
    Ok(())
}

/// A text in which what differs from one run to the next is the same: ids, tokens and dates.
fn masked(text: &str) -> String {
    let mut masked = String::new();
    let mut word = String::new();
    let end = |word: &mut String, masked: &mut String| {
        let is_hex = word.len() >= 32 && word.bytes().all(|byte| byte.is_ascii_hexdigit());
        let is_date = word.len() == 10 && word.bytes().all(|b| b.is_ascii_digit() || b == b'-');
        *masked += if is_hex {
            "HEX"
        } else if is_date {
            "DATE"
        } else {
            word.as_str()
        };
        word.clear();
    };
    for c in text.chars() {
        if c.is_ascii_hexdigit() || c == '-' {
            word.push(c);
        } else {
            end(&mut word, &mut masked);
            masked.push(c);
        }
    }
    end(&mut word, &mut masked);
    masked
}

#[tokio::test]
async fn the_lines_of_the_readme_print_what_it_says() -> anyhow::Result<()> {
    check_lines("README.md").await
}

#[tokio::test]
async fn the_lines_on_photographs_print_what_they_say() -> anyhow::Result<()> {
    let people = root().join(PEOPLE);
    let clear = || {
        // There may be none.
        let _ = std::fs::remove_dir_all(&people);
        let _ = std::fs::remove_file(people.with_added_extension("tokens.json"));
    };
    clear();
    let checked = check_lines("docs/photographs.md").await;
    clear();
    checked
}

/// Runs the lines of a document on a server of their own.
async fn check_lines(document: &str) -> anyhow::Result<()> {
    let state = tempfile::tempdir()?;
    let server = Server::start(state.path()).await?;
    let address = server.url("");
    let xtask = xtask()?.display().to_string();
    let blocks = blocks(&root().join(document))?;
    // One shell runs all, since later lines use what earlier ones have set.
    let mut script = String::new();
    let mut expected = Vec::new();
    for (place, block) in blocks.iter().enumerate().filter(|(_, block)| is_run(block)) {
        script += &block.text.replace(LOCAL, &address).replace("cargo xtask", &xtask);
        script += "printf '\\036'\n";
        let answer = blocks.get(place + 1).context("no answer follows")?;
        ensure!(["json", "text"].contains(&&*answer.language), "no answer: {answer:?}");
        expected.push((&block.text, answer.text.replace(LOCAL, &address)));
    }
    ensure!(!expected.is_empty());
    let mut shell = Command::new("bash");
    shell.args(["-euo", "pipefail", "-c", &script]).current_dir(root());
    let shell =
        shell.env("NO_PROXY", "127.0.0.1,localhost").env_remove("CFACE_API_KEY").output()?;
    let said = String::from_utf8_lossy(&shell.stderr);
    ensure!(shell.status.success(), "{script}\n{said}");
    let printed = String::from_utf8(shell.stdout)?;
    let printed: Vec<_> = printed.split_terminator('\u{1e}').collect();
    ensure!(printed.len() == expected.len(), "{printed:?}");
    for (printed, (commands, answer)) in printed.iter().zip(expected) {
        let (printed, answer) = (printed.trim(), answer.trim());
        ensure!(
            masked(printed) == masked(answer),
            "{commands}\nprints\n{printed}\nand not\n{answer}"
        );
    }
    server.stop()
}

#[test]
fn links_lead_to_files_that_there_are() -> anyhow::Result<()> {
    for file in documents()? {
        let text = std::fs::read_to_string(&file)?;
        let folder = file.parent().context("no folder")?;
        let links = text.split("](").skip(1).chain(text.split("src=\"").skip(1));
        for after in links {
            let target = after.split([')', '#', '"']).next().unwrap_or_default();
            if target.is_empty() || target.contains("://") {
                continue;
            }
            ensure!(folder.join(target).exists(), "{}: {target}", file.display());
        }
    }
    Ok(())
}
