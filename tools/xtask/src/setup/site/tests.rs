//! Tests of the copies, and of rules for the page's own files that no browser checks.

use std::path::PathBuf;

use super::*;

/// Lines that a module of the page may have.
const MODULE_LINES_MAX: usize = 200;

/// What makes a request, besides an import and what the document itself loads.
const REQUESTS: [&str; 6] =
    ["fetch(", "fetch.", "XMLHttpRequest", "sendBeacon", "WebSocket", "EventSource"];

/// What a module may have of [`REQUESTS`].
fn allowed_requests(module: &str) -> &'static [&'static str] {
    match module {
        "api.js" => &["fetch("],
        // Passes the browser's function to the detector's library, which loads its models by it.
        "detection.js" => &["fetch."],
        _ => &[],
    }
}

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
    assert!(text.contains(&format!("\"/vendor/{one}/\"")), "{text}");
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
        let requests: Vec<_> =
            REQUESTS.into_iter().filter(|request| text.contains(request)).collect();
        assert_eq!(requests, allowed_requests(name), "{name}: requests are made in api.js");
    }
}

#[test]
fn documents_hold_no_script_and_no_style_of_their_own() {
    for (path, text) in files_of("", "html") {
        let name = path.display();
        for word in ["<style", " style=", "\"http", " onclick=", " onload=", " onerror="] {
            assert!(!text.contains(word), "{name} contains {word}");
        }
        let scripts = text.matches("<script").count();
        assert_eq!(scripts, text.matches("<script type=\"module\" src=").count(), "{name}");
    }
}

#[test]
fn files_with_a_hash_are_kept_for_ever_and_scripts_are_our_own() {
    let headers = fs::read_to_string(project::root().join("site/_headers")).unwrap();
    for name in SETS.map(|(name, _)| name).into_iter().chain([served::OWN]) {
        let rule = format!("\n/{name}/:hash/*\n  Cache-Control: public, max-age=31536000, imm");
        assert!(headers.contains(&rule), "{name}");
    }
    let allowed = headers.replace("'wasm-unsafe-eval'", "");
    assert!(allowed.contains("default-src 'none'") && allowed.contains("script-src 'self'"));
    assert!(!allowed.contains("unsafe"));
}
