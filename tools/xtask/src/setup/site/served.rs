//! The folder that is served, `.cface/site`. It has four kinds of files:
//!
//! - the page's own files, in a folder with the hash of their contents as name, so that browsers
//!   keep them for ever;
//! - the documents, which name that folder, so that browsers ask for them each time;
//! - the pictures of the samples, whose addresses the API tells;
//! - the sets of third-party files.
//!
//! Nothing is bundled or translated. In scripts and style sheets, lines that hold only a comment
//! become empty, and others lose the spaces at their beginning. Both are a third of the bytes, and
//! the numbers of lines stay. Documents lose their comments, those spaces and empty lines.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use anyhow::Context as _;

use super::{Files, hash, remove_all_but, write};
use crate::project;

/// The folder of the page's own files, among those that are served.
pub(super) const OWN: &str = "page";

/// The file with wrangler's rules for headers, which is not served itself.
const HEADERS: &str = "_headers";

/// The folder that is served.
pub(crate) fn folder() -> PathBuf {
    project::local().join("site")
}

/// The page's own files, which a running server serves as they are now.
#[derive(Default)]
pub(crate) struct Watch {
    seen: Stamps,
}

/// Each file with its size and the time of its last change.
type Stamps = Vec<(PathBuf, u64, SystemTime)>;

impl Watch {
    /// Copies the files if one has changed since the last look. To look costs little, so an idle
    /// server takes no processor.
    pub(crate) fn look(&mut self) -> anyhow::Result<()> {
        let now = stamps(&source())?;
        if now != self.seen {
            ensure()?;
            self.seen = now;
        }
        Ok(())
    }
}

fn stamps(site: &Path) -> anyhow::Result<Stamps> {
    let stamp = |path: PathBuf| {
        let file = fs::metadata(&path)?;
        Ok((path, file.len(), file.modified()?))
    };
    paths(site)?.into_iter().map(stamp).collect()
}

/// Copies what has changed of the page's own files.
pub(crate) fn ensure() -> anyhow::Result<()> {
    put(&source(), &folder())
}

fn source() -> PathBuf {
    project::root().join("site")
}

fn put(site: &Path, served: &Path) -> anyhow::Result<()> {
    let (samples, files): (Files, Files) =
        read(site)?.into_iter().partition(|(name, _)| has_ending(name, "jpg"));
    let (documents, files): (Files, Files) =
        files.into_iter().partition(|(name, _)| name == HEADERS || has_ending(name, "html"));
    let hash = hash(&files);
    for (name, content) in &files {
        write(&served.join(OWN).join(&hash).join(name), content)?;
    }
    for (name, content) in &documents {
        let text = String::from_utf8_lossy(content);
        write(&served.join(name), with_addresses(&text, &hash, &files).as_bytes())?;
    }
    for (name, content) in &samples {
        write(&served.join(name), content)?;
    }
    remove_all_but(&served.join(OWN), &[&hash])
}

/// The page's own files, by their paths below `site`, as they are served.
fn read(site: &Path) -> anyhow::Result<Files> {
    let mut files = Files::new();
    for path in paths(site)? {
        let name = path.strip_prefix(site)?.to_string_lossy().into_owned();
        let bytes = fs::read(&path).with_context(|| format!("reading {name}"))?;
        let text = || std::str::from_utf8(&bytes).with_context(|| format!("reading {name}"));
        let content = match path.extension().and_then(|ending| ending.to_str()) {
            Some("js" | "css") => without_comments(text()?).into_bytes(),
            Some("html") => without_remarks(text()?).into_bytes(),
            _ => bytes,
        };
        files.insert(name, content);
    }
    Ok(files)
}

/// Where the page's own files are, sorted.
fn paths(site: &Path) -> anyhow::Result<Vec<PathBuf>> {
    let folders = ["", "samples", "vendor"].map(|folder| site.join(folder));
    let mut paths = Vec::new();
    for folder in folders.into_iter().chain(with_folders(site.join("js"))?) {
        let entries =
            fs::read_dir(&folder).with_context(|| format!("reading {}", folder.display()))?;
        for entry in entries {
            let path = entry?.path();
            let is_served = match path.extension().and_then(|ending| ending.to_str()) {
                Some(ending) => ["js", "css", "html", "svg", "jpg"].contains(&ending),
                None => path == site.join(HEADERS),
            };
            paths.extend(is_served.then_some(path));
        }
    }
    paths.sort();
    Ok(paths)
}

/// A folder and all folders in it.
pub(super) fn with_folders(folder: PathBuf) -> anyhow::Result<Vec<PathBuf>> {
    let mut folders = vec![folder];
    let mut at = 0;
    while let Some(folder) = folders.get(at) {
        let entries =
            fs::read_dir(folder).with_context(|| format!("reading {}", folder.display()))?;
        let paths: Vec<PathBuf> =
            entries.map(|entry| Ok(entry?.path())).collect::<anyhow::Result<_>>()?;
        folders.extend(paths.into_iter().filter(|path| path.is_dir()));
        at += 1;
    }
    Ok(folders)
}

fn has_ending(name: &str, ending: &str) -> bool {
    Path::new(name).extension().is_some_and(|found| found == ending)
}

/// A script or style sheet in which lines that hold only a comment are empty, and no line begins
/// with spaces.
fn without_comments(text: &str) -> String {
    let mut inside = false;
    let mut kept = String::with_capacity(text.len());
    for line in text.lines() {
        let trimmed = line.trim();
        let ends = trimmed.ends_with("*/");
        // A comment may begin a line that has code after it, as the cast of a type does.
        let begins = trimmed.starts_with("/*") && (ends || !trimmed.contains("*/"));
        let comment = inside || begins || trimmed.starts_with("//");
        inside = (inside || begins) && !ends;
        if !comment {
            kept += line.trim_start();
        }
        kept.push('\n');
    }
    kept
}

/// A document without its comments, empty lines and spaces at the beginning of lines.
fn without_remarks(document: &str) -> String {
    let mut parts = document.split("<!--");
    let first = parts.next().unwrap_or_default().to_owned();
    let text =
        parts.fold(first, |kept, part| kept + part.split_once("-->").map_or("", |(_, rest)| rest));
    let lines = text.lines().map(str::trim_start).filter(|line| !line.is_empty());
    lines.flat_map(|line| [line, "\n"]).collect()
}

/// A document with the served addresses of the files that it names.
fn with_addresses(document: &str, hash: &str, files: &Files) -> String {
    files.keys().fold(document.to_owned(), |text, name| {
        text.replace(&format!("=\"{name}\""), &format!("=\"/{OWN}/{hash}/{name}\""))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn site(script: &str) -> tempfile::TempDir {
        let dir = tempfile::tempdir().unwrap();
        let file = |name: &str, text: &str| write(&dir.path().join(name), text.as_bytes()).unwrap();
        file("index.html", "<script type=\"module\" src=\"js/a.js\"></script><a href=\"/x\">");
        file("_headers", "/*\n  A: b\n");
        file("README.md", "not served");
        file("style.css", "a { }");
        file("js/a.js", script);
        file("js/room/b.js", "b()");
        file("samples/a.jpg", "a picture");
        file("samples/README.md", "not served");
        file("vendor/index.js", "export const vendor = 1;\n");
        file("vendor/0123/library.js", "theirs");
        dir
    }

    #[test]
    fn a_change_is_seen_and_nothing_else() {
        let site = site("one()");
        let before = stamps(site.path()).unwrap();
        assert_eq!(before.len(), 7, "{before:?}");
        write(&site.path().join("README.md"), b"still not served").unwrap();
        assert_eq!(stamps(site.path()).unwrap(), before);
        write(&site.path().join("js/room/b.js"), b"c()").unwrap();
        assert_ne!(stamps(site.path()).unwrap(), before);
    }

    fn found_in(folder: &Path) -> Vec<String> {
        let mut paths: Vec<String> = fs::read_dir(folder)
            .unwrap()
            .map(|entry| entry.unwrap().path())
            .flat_map(|path| {
                if path.is_dir() { found_in(&path) } else { vec![path.display().to_string()] }
            })
            .collect();
        paths.sort();
        paths
    }

    #[test]
    fn own_files_are_named_by_their_contents_and_documents_name_them() {
        let served = tempfile::tempdir().unwrap();
        let address = |script: &str| {
            put(site(script).path(), served.path()).unwrap();
            let document = fs::read_to_string(served.path().join("index.html")).unwrap();
            let (_, after) = document.split_once("src=\"/page/").unwrap();
            let rest = after.trim_end();
            assert!(rest.ends_with("/js/a.js\"></script><a href=\"/x\">"), "{document}");
            after.split('/').next().unwrap().to_owned()
        };
        let (first, second) = (address("one()"), address("two()"));
        assert_ne!(first, second);
        assert_eq!(address("// said\ntwo()"), address("// otherwise\ntwo()"));
        let last = address("two()");
        assert_eq!(last, second);
        let root = served.path().display().to_string();
        let found: Vec<String> = found_in(served.path())
            .iter()
            .map(|path| path.replace(&format!("{root}/"), ""))
            .collect();
        let own = |name: &str| format!("page/{last}/{name}");
        assert_eq!(
            found,
            [
                "_headers".to_owned(),
                "index.html".to_owned(),
                own("js/a.js"),
                own("js/room/b.js"),
                own("style.css"),
                own("vendor/index.js"),
                "samples/a.jpg".to_owned(),
            ]
        );
    }

    #[test]
    fn only_lines_that_are_comments_are_left_out() {
        let kept = ["a(\"b//c\"); // d", "let x; /* y */", "/** @type {z} */ (w);", "* 2;", ""];
        for line in kept {
            let script =
                format!("// @ts-check\n/**\n * What it does.\n */\n  {line}\n  /* x */\nb;\n");
            assert_eq!(without_comments(&script), format!("\n\n\n\n{line}\n\nb;\n"));
        }
        let document = "<!doctype html>\n<!-- said\nof it -->\n\n  <p>a\n  c</p><!-- more --> b\n";
        assert_eq!(without_remarks(document), "<!doctype html>\n<p>a\nc</p> b\n");
    }

    #[test]
    fn no_text_of_ours_looks_like_a_comment() {
        let site = project::root().join("site");
        for (name, content) in read(&site).unwrap() {
            if has_ending(&name, "js") {
                let text = String::from_utf8(content).unwrap();
                // A text over several lines could hold a line that only looks like a comment.
                let ticks = text.lines().filter(|line| line.matches('`').count() % 2 == 1).count();
                assert_eq!(ticks, 0, "{name}: a template over several lines");
            }
        }
    }
}
