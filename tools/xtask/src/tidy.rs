//! The house rules that no compiler checks, as tests of this crate.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use facenet::embedding::DIMENSIONS;
use testbed::workerd::COMPATIBILITY_DATE;
use toml::{Table, Value};
use wire::installation::{MODELS_BUCKET, PREFIX, PRIVATE_WORKER, PUBLIC_WORKER};
use wire::retention::{BUCKET_NAME, INDEX_NAME, PURGE_CRON, REPEAT_CRON};

use crate::{project, wrangler};

const COLUMNS_MAX: usize = 100;
const LINES_MAX: usize = 500;

/// Folders that hold nothing of ours.
const FOREIGN: [&str; 9] = [
    "target",
    "node_modules",
    "build",
    ".git",
    ".cface",
    ".wrangler",
    "vendor",
    "models",
    "golden",
];

/// Endings of files that people write.
const TEXT: [&str; 9] = ["rs", "py", "js", "mjs", "html", "css", "toml", "md", "sh"];

/// What may lie in the root, so that a newcomer sees at a glance what ships and what does not.
const ROOT: [&str; 28] = [
    ".cargo",
    ".ci",
    ".editorconfig",
    ".gitattributes",
    ".github",
    ".gitignore",
    "ARCHITECTURE.md",
    "CHANGELOG.md",
    "CONTRIBUTING.md",
    "Cargo.lock",
    "Cargo.toml",
    "LICENSE",
    "README.md",
    "SECURITY.md",
    "clippy.toml",
    "crates",
    "docs",
    "facenet-worker",
    "onnx-to-burn",
    "package-lock.json",
    "package.json",
    "rust-toolchain.toml",
    "rustfmt.toml",
    "site",
    "tests",
    "tools",
    "vectorize-worker",
    "wrangler.toml",
];

/// More entries would not be seen at a glance.
const _: () = assert!(ROOT.len() <= 32);

/// Leftovers and private paths, split so that this file may have them.
const FORBIDDEN: [&str; 5] = [
    concat!("TO", "DO"),
    concat!("FIX", "ME"),
    concat!("/wo", "rk/"),
    concat!("/ro", "ot/"),
    concat!("dbg", "!("),
];

fn files(endings: &[&str]) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut waiting = vec![project::root().to_owned()];
    while let Some(dir) = waiting.pop() {
        for entry in fs::read_dir(&dir).unwrap() {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_str().unwrap();
            if path.is_dir() && !FOREIGN.contains(&name) {
                waiting.push(path);
            } else if path.extension().is_some_and(|end| endings.contains(&end.to_str().unwrap())) {
                found.push(path);
            }
        }
    }
    assert!(!found.is_empty());
    found
}

/// Applies a rule to every file and reports all that break it at once.
#[track_caller]
fn check(endings: &[&str], rule: impl Fn(&Path, &str) -> Option<String>) {
    let broken: Vec<String> = files(endings)
        .iter()
        .filter_map(|file| {
            // A file may go away while others work.
            let text = fs::read_to_string(file).ok()?;
            let short = file.strip_prefix(project::root()).unwrap();
            Some(format!("{}: {}", short.display(), rule(file, &text)?))
        })
        .collect();
    assert!(broken.is_empty(), "\n{}", broken.join("\n"));
}

#[test]
fn the_root_holds_what_it_may() {
    let mut git = Command::new("git");
    let listed = git.args(["ls-files", "-z"]).current_dir(project::root()).output();
    // An archive of the project has no repository.
    let Ok(listed) = listed.map(|output| String::from_utf8(output.stdout).unwrap()) else { return };
    let entries: BTreeSet<&str> = listed
        .split('\0')
        .filter(|file| !file.is_empty())
        .map(|file| file.split('/').next().unwrap())
        .collect();
    let strangers: Vec<_> = entries.iter().filter(|entry| !ROOT.contains(entry)).collect();
    assert!(strangers.is_empty(), "not in the list of what may lie in the root: {strangers:?}");
}

fn is_generated(text: &str) -> bool {
    text.lines().take(3).any(|line| line.contains("@generated"))
}

#[test]
fn every_module_says_what_it_owns() {
    check(&["rs"], |_, text| {
        // A crate's documentation is its README.
        let begins = ["//!", "#![doc = include_str!(\"../README.md\")]"];
        let documented = begins.iter().any(|begin| text.starts_with(begin)) || is_generated(text);
        (!documented).then(|| "does not begin by saying what it owns".into())
    });
}

#[test]
fn lines_and_files_are_short() {
    check(&["rs", "js", "mjs", "py"], |_, text| {
        if is_generated(text) {
            return None;
        }
        let long = text.lines().position(|line| line.chars().count() > COLUMNS_MAX);
        let many = text.lines().count() > LINES_MAX;
        long.map(|line| format!("line {} is longer than {COLUMNS_MAX} columns", line + 1))
            .or(many.then(|| format!("has more than {LINES_MAX} lines")))
    });
}

#[test]
fn nothing_is_left_over() {
    check(&TEXT, |_, text| {
        let word = FORBIDDEN.iter().find(|word| text.contains(*word))?;
        Some(format!("contains `{word}`"))
    });
}

fn manifests() -> Vec<(PathBuf, Table)> {
    let root = project::read_toml(&project::root().join("Cargo.toml")).unwrap();
    let members = root["workspace"]["members"].as_array().unwrap();
    let file = |member: &Value| project::root().join(member.as_str().unwrap()).join("Cargo.toml");
    members
        .iter()
        .map(|member| (file(member), project::read_toml(&file(member)).unwrap()))
        .collect()
}

/// All tables of dependencies in a manifest, those of single targets too.
fn dependencies(manifest: &Table) -> Vec<&Table> {
    let kinds = ["dependencies", "dev-dependencies", "build-dependencies"];
    let targets = manifest.get("target").and_then(Value::as_table);
    let of_targets = targets.into_iter().flat_map(Table::values).filter_map(Value::as_table);
    std::iter::once(manifest)
        .chain(of_targets)
        .flat_map(|table| kinds.iter().filter_map(|kind| table.get(*kind)?.as_table()))
        .collect()
}

#[test]
fn manifests_inherit_from_the_workspace() {
    for (file, manifest) in manifests() {
        let inherits = |value: Option<&Value>| {
            value.and_then(|value| value.get("workspace")) == Some(&Value::Boolean(true))
        };
        assert!(inherits(manifest.get("lints")), "{}: lints", file.display());
        let package = &manifest["package"];
        for key in ["version", "edition", "rust-version", "license", "publish"] {
            assert!(inherits(package.get(key)), "{}: {key}", file.display());
        }
        let folder = file.parent().and_then(Path::file_name).unwrap();
        assert_eq!(package["name"].as_str(), folder.to_str(), "a folder is called as its package");
        for (name, dependency) in dependencies(&manifest).into_iter().flatten() {
            assert!(inherits(Some(dependency)), "{}: version of {name}", file.display());
        }
    }
}

#[test]
fn every_package_has_a_readme() {
    for (file, _) in manifests() {
        let readme = file.with_file_name("README.md");
        assert!(readme.is_file(), "{} is missing", readme.display());
    }
}

/// Code and wrangler's files name the same things, and TOML cannot take them from the code.
#[test]
fn wranglers_files_say_what_the_code_says() {
    let public = wrangler::config(wrangler::PUBLIC_CONFIG).unwrap();
    assert_eq!(public["name"].as_str(), Some(PUBLIC_WORKER));
    assert_eq!(public["vars"]["INSTALLATION"].as_str(), Some(PREFIX));
    assert_eq!(public["r2_buckets"][0]["bucket_name"].as_str(), Some(MODELS_BUCKET));
    assert_eq!(public["services"][0]["service"].as_str(), Some(PRIVATE_WORKER));
    let private = wrangler::config(wrangler::PRIVATE_CONFIG).unwrap();
    assert_eq!(private["name"].as_str(), Some(PRIVATE_WORKER));
    assert_eq!(private["r2_buckets"][0]["bucket_name"].as_str(), Some(BUCKET_NAME));
    assert_eq!(private["vectorize"][0]["index_name"].as_str(), Some(INDEX_NAME));
    let crons = private["triggers"]["crons"].as_array().unwrap().as_slice();
    assert_eq!(crons, [PURGE_CRON.into(), REPEAT_CRON.into()]);
    let index = wrangler::config(wrangler::INDEX_CONFIG).unwrap();
    let dimensions = index["vars"]["DIMENSIONS"].as_str().unwrap();
    assert_eq!(dimensions.parse(), Ok(DIMENSIONS));
    for config in [public, private, index] {
        assert_eq!(config["compatibility_date"].as_str(), Some(COMPATIBILITY_DATE));
    }
}

/// Lines of the log have one form, and nobody is in them: one place writes them.
#[test]
fn one_file_writes_to_the_log() {
    let writer = project::root().join("crates/wire/src/log.rs");
    let word = concat!("console", "_");
    check(&["rs"], |file, text| {
        let is_ours = file == writer || !text.contains(word);
        (!is_ours).then(|| "writes to the log without `wire::log`".into())
    });
}

/// The libraries that only compute.
const PURE: [&str; 3] = ["facenet", "face-finder", "jpeg"];

/// What they may not name: Workers, and what reads or writes outside of memory.
const OUTSIDE: [&str; 9] = [
    "worker",
    "wasm-bindgen",
    "js-sys",
    "web-sys",
    "tokio",
    "std::fs",
    "std::net",
    "std::env",
    "std::time",
];

#[test]
fn what_only_computes_knows_no_workers_and_reads_nothing() {
    for package in PURE {
        let folder = project::member(package).unwrap();
        let manifest = project::read_toml(&folder.join("Cargo.toml")).unwrap();
        let names: Vec<&String> =
            manifest["dependencies"].as_table().into_iter().flat_map(Table::keys).collect();
        assert!(!names.is_empty());
        for name in names {
            assert!(!OUTSIDE.contains(&name.as_str()), "{package} depends on {name}");
        }
        let (source, tests) = (folder.join("src"), folder.join("src/tests"));
        check(&["rs"], |file, text| {
            let found = OUTSIDE.iter().find(|path| path.contains("::") && text.contains(**path))?;
            let is_its = file.starts_with(&source) && !file.starts_with(&tests);
            is_its.then(|| format!("names {found}"))
        });
    }
}

/// Clippy refuses these calls in the Workers themselves; their libraries are apart.
#[test]
fn libraries_of_workers_name_no_clock_and_no_thread() {
    let folders = ["input", "sandbox", "wire"].map(|name| project::member(name).unwrap());
    check(&["rs"], |file, text| {
        let found = ["std::time", "std::thread"].iter().find(|path| text.contains(**path))?;
        let is_its = folders.iter().any(|folder| file.starts_with(folder.join("src")));
        is_its.then(|| format!("names {found}"))
    });
}

/// The folders that may have unsafe code: the kernels, and bare modules, which export names and
/// have a heap of their own.
const UNSAFE: [&str; 3] =
    ["crates/facenet/src/simd/kernels", "crates/facenet/examples/engine", "crates/sandbox/src"];

#[test]
fn unsafe_code_is_in_the_kernels_only() {
    let word = concat!("uns", "afe");
    let allowed = UNSAFE.map(|folder| project::root().join(folder));
    check(&["rs"], |file, text| {
        let inside = allowed.iter().any(|folder| file.starts_with(folder));
        let opens = [format!("{word} {{"), format!("{word} fn"), format!("({word}_code")];
        let found = opens.iter().any(|form| text.contains(form));
        (found && !inside).then(|| format!("has {word} code outside of {UNSAFE:?}"))
    });
}

/// The functions that a file of kernels gives to the others, without those that only run others or
/// that are given nothing to compute with.
fn kernels(file: &str) -> Vec<String> {
    let folder = project::root().join("crates/facenet/src/simd/kernels");
    let text = fs::read_to_string(folder.join(file)).unwrap();
    let lines = text.lines().filter_map(|line| line.strip_prefix("pub(super) fn "));
    let lines = lines.filter(|line| !line.contains("impl FnOnce") && !line.contains("()"));
    lines.map(|line| line.split(['<', '(']).next().unwrap().to_owned()).collect()
}

#[test]
fn every_kernel_has_a_scalar_twin_and_a_test_against_it() {
    let twins = kernels("scalar.rs");
    let list = project::root().join("crates/facenet/src/simd/tests.rs");
    let list = fs::read_to_string(list).unwrap();
    let fast: Vec<_> = ["simd128.rs", "lanes.rs"].into_iter().flat_map(kernels).collect();
    assert!(!fast.is_empty());
    for kernel in &fast {
        assert!(twins.contains(kernel), "{kernel} has no twin in scalar.rs");
        let test = format!("kernels::tests::{kernel}_is_as_its_twin;");
        assert!(list.contains(&test), "{kernel} is not tested: no {test}");
    }
}

/// The modules of a crate by their files, without tests: `commands/bench/report.rs` is
/// `commands::bench::report`.
fn modules(src: &Path) -> Vec<(String, String)> {
    let all = files(&["rs"]).into_iter().filter(|file| file.starts_with(src));
    let module = |file: &Path| {
        let path = file.strip_prefix(src).unwrap().with_extension("");
        path.to_str().unwrap().replace('/', "::").replace("::mod", "")
    };
    let product = |text: &str| text.split("#[cfg(test)]\nmod").next().unwrap().to_owned();
    let is_product = |(name, _): &(String, String)| name.split("::").all(|part| part != "tests");
    let all = all.map(|file| (module(&file), product(&fs::read_to_string(file).unwrap())));
    all.filter(is_product).collect()
}

/// The modules that a module imports: the longest known path after `crate::` and `super::`.
fn imports(module: &str, text: &str, known: &BTreeSet<&str>) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    let lines = text.lines().filter(|line| !line.trim_start().starts_with("//"));
    let code: String = lines.flat_map(|line| [line, "\n"]).collect();
    for statement in code.split(';').filter(|part| part.trim_start().starts_with("use ")) {
        let path = statement.trim().trim_start_matches("use ");
        let parent = module.rsplit_once("::").map_or("", |(parent, _)| parent);
        let path = match (path.strip_prefix("crate::"), path.strip_prefix("super::")) {
            (Some(path), _) => path.to_owned(),
            (_, Some(path)) => format!("{parent}::{path}").trim_start_matches("::").to_owned(),
            _ => continue,
        };
        let (stem, names) = path.split_once('{').unwrap_or((&path, ""));
        let names = names.trim_end_matches('}').split(',');
        for name in names.map(|name| format!("{stem}{}", name.trim())) {
            let mut path = name.split(" as ").next().unwrap();
            while !known.contains(path) {
                let Some((shorter, _)) = path.rsplit_once("::") else { break };
                path = shorter;
            }
            if known.contains(path) && path != module {
                found.insert(path.to_owned());
            }
        }
    }
    found
}

/// The only modules that import each other: the face finder's recipe chooses among faces, and each
/// face has its crop.
const TOGETHER: (&str, &str) = ("crop", "find");

/// What is left of the modules of a crate and their imports without those that are in no cycle.
fn cycles(src: &Path) -> Vec<(String, BTreeSet<String>)> {
    let modules = modules(src);
    let known: BTreeSet<&str> = modules.iter().map(|(name, _)| name.as_str()).collect();
    let mut edges: Vec<(String, BTreeSet<String>)> = modules
        .iter()
        .map(|(name, text)| {
            let mut imports = imports(name, text, &known);
            // A module may use what its parent declares.
            imports.retain(|other| !name.starts_with(&format!("{other}::")));
            imports.retain(|other| (name.as_str(), other.as_str()) != TOGETHER);
            (name.clone(), imports)
        })
        .collect();
    // A module that imports none of those left is in no cycle.
    loop {
        let left: BTreeSet<String> = edges.iter().map(|(name, _)| name.clone()).collect();
        let before = edges.len();
        edges.retain(|(_, imports)| imports.iter().any(|other| left.contains(other)));
        if edges.len() == before {
            return edges;
        }
    }
}

#[test]
fn no_module_imports_itself_through_others() {
    for (name, folder) in project::members().unwrap() {
        let cycles = cycles(&project::root().join(folder).join("src"));
        assert!(cycles.is_empty(), "{name}: these import each other: {cycles:#?}");
    }
}

#[test]
fn imports_are_found() {
    let known = BTreeSet::from(["a", "a::b", "c"]);
    let text = "use crate::c::{D, E};\nuse super::b::F;\nuse std::fs;\n// use crate::a::G;\n";
    assert_eq!(imports("a::d", text, &known), ["a::b".to_owned(), "c".to_owned()].into());
}
