//! Tests of the copies, and of rules for the page's own files that no browser checks.

use super::*;

/// Lines that a module of the page may have.
const MODULE_LINES_MAX: usize = 200;

/// What makes a request, besides an import and what the document itself loads.
const REQUESTS: [&str; 6] =
    ["fetch(", "fetch.", "XMLHttpRequest", "sendBeacon", "WebSocket", "EventSource"];

/// What a module may have of [`REQUESTS`].
fn allowed_requests(module: &str) -> &'static [&'static str] {
    match module {
        "server/api.js" => &["fetch("],
        // Passes the browser's function to the detector's library, which loads its models by it.
        "finder/detection.js" => &["fetch."],
        _ => &[],
    }
}

/// The files of the page with an ending: their paths below a folder, and their text.
fn files_of(folder: &str, ending: &str) -> Vec<(String, String)> {
    let folder = project::root().join("site").join(folder);
    let all = served::with_folders(folder.clone()).unwrap();
    let all = all.into_iter().flat_map(|folder| fs::read_dir(folder).unwrap());
    let files: Vec<_> = all
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|found| found == ending))
        .map(|path| {
            let name = path.strip_prefix(&folder).unwrap().to_str().unwrap().to_owned();
            (name, fs::read_to_string(&path).unwrap())
        })
        .collect();
    assert!(!files.is_empty(), "{}", folder.display());
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
    for (name, text) in files_of("js", "js") {
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
        assert_eq!(requests, allowed_requests(&name), "{name}: requests are made in api.js");
    }
}

/// The rooms of the page's modules. A module imports from its own room and from those after it.
const ROOMS: [&str; 6] = ["people", "viewfinder", "answers", "finder", "page", "server"];

#[test]
fn rooms_of_the_page_import_in_one_direction() {
    let rank = |name: &str| ROOMS.iter().position(|room| *room == name);
    let mut imported = 0;
    for (module, text) in files_of("js", "js") {
        // The entries in the folder above may import from all rooms.
        let Some((room, _)) = module.split_once('/') else { continue };
        let own = rank(room).unwrap_or_else(|| panic!("{module} is in no room of the list"));
        // Types, which comments import, do not count.
        let ways = [" from \"../", "await import(\"../"];
        for path in ways.iter().flat_map(|way| text.split(way).skip(1)) {
            let other = path.split('/').next().unwrap();
            let Some(other) = rank(other) else { continue };
            assert!(other > own, "{module} imports ../{}", path.lines().next().unwrap());
            imported += 1;
        }
    }
    assert!(imported > 0);
}

#[test]
fn documents_hold_no_script_and_no_style_of_their_own() {
    for (name, text) in files_of("", "html") {
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
