//! The copies, and the rules of the page's own files that no browser checks.

use std::path::PathBuf;

use super::*;

/// Lines that a module of the page may have.
const MODULE_LINES_MAX: usize = 200;

fn files_of(folder: &str, ending: &str) -> Vec<(PathBuf, String)> {
    let entries = fs::read_dir(project::root().join("site").join(folder)).unwrap();
    let files: Vec<_> = entries
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|found| found == ending))
        .map(|path| (path.clone(), fs::read_to_string(&path).unwrap()))
        .collect();
    assert!(!files.is_empty(), "{folder}");
    files
}

#[test]
fn a_set_is_named_by_its_contents() {
    let set = |name: &str, content: &[u8]| Files::from([(name.to_owned(), content.to_vec())]);
    let one = hash(&set("a.js", b"1"));
    assert_eq!(one.len(), HASH_DIGITS);
    assert_eq!(one, hash(&set("a.js", b"1")));
    assert_ne!(one, hash(&set("a.js", b"2")));
    assert_ne!(one, hash(&set("b.js", b"1")));
    let text = exports("vendor", &one, &set("a.js", b"123"));
    assert!(text.contains(&format!("\"../vendor/{one}/\"")), "{text}");
    assert!(text.contains("\"a.js\": 3,"), "{text}");
}

#[test]
fn other_versions_go_and_the_present_one_stays() {
    let dir = tempfile::tempdir().unwrap();
    write(&dir.path().join("new/a.js"), b"1").unwrap();
    write(&dir.path().join("old/a.js"), b"1").unwrap();
    write(&dir.path().join("stray.js"), b"1").unwrap();
    write(&dir.path().join(INDEX), b"1").unwrap();
    remove_all_but(dir.path(), &["new", INDEX]).unwrap();
    let mut left: Vec<_> =
        fs::read_dir(dir.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    left.sort();
    assert_eq!(left, [INDEX, "new"]);
}

#[test]
fn modules_are_small_checked_and_put_data_as_text() {
    for (path, text) in files_of("js", "js") {
        let name = path.file_name().unwrap().to_str().unwrap();
        assert!(text.starts_with("// @ts-check\n/**"), "{name}: no @ts-check and what it owns");
        let lines = text.lines().count();
        assert!(lines <= MODULE_LINES_MAX, "{name} has {lines} lines");
        for word in ["innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval("] {
            assert!(!text.contains(word), "{name} uses {word}");
        }
        for word in ["alert(", "confirm(", "prompt("] {
            assert!(!text.contains(word), "{name} interrupts with {word}");
        }
        let fetches = text.contains(" fetch(");
        assert_eq!(fetches, name == "api.js", "{name}: api.js alone talks to the network");
    }
}

#[test]
fn documents_hold_no_script_and_no_style_of_their_own() {
    for (path, text) in files_of("", "html") {
        let name = path.display();
        assert!(!text.contains("<style") && !text.contains(" style="), "{name} has styles");
        assert!(
            text.matches("<script").count() == text.matches("<script type=\"module\" src=").count()
        );
        assert!(!text.contains("\"http"), "{name} names another origin");
        assert!(!text.contains(" on"), "{name}");
    }
}

#[test]
fn files_with_a_hash_are_kept_for_ever_and_scripts_are_our_own() {
    let headers = fs::read_to_string(project::root().join("site/_headers")).unwrap();
    for (name, _) in SETS {
        let rule =
            format!("\n/{name}/:hash/*\n  Cache-Control: public, max-age=31536000, immutable");
        assert!(headers.contains(&rule), "{name}");
    }
    assert!(headers.contains("default-src 'none'"));
    assert!(
        !headers.contains("unsafe-inline") && !headers.contains("unsafe-eval'")
            || headers.contains("wasm-unsafe-eval")
    );
}
