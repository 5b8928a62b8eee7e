//! The house rules that no compiler checks, as tests of this crate.

use std::fs;
use std::path::{Path, PathBuf};

use toml::{Table, Value};

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

fn is_generated(text: &str) -> bool {
    text.lines().take(3).any(|line| line.contains("@generated"))
}

#[test]
fn every_module_says_what_it_owns() {
    check(&["rs"], |_, text| {
        let documented = text.starts_with("//!") || is_generated(text);
        (!documented).then(|| "does not begin with `//!`".into())
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

/// Removes the binding `VECTORIZE` from a wrangler configuration, and says whether it was there.
fn without_index(config: &mut Table, kind: &str) -> bool {
    let Some(Value::Array(bindings)) = config.get_mut(kind) else { return false };
    let before = bindings.len();
    bindings.retain(|binding| binding["binding"].as_str() != Some("VECTORIZE"));
    let found = bindings.len() < before;
    if bindings.is_empty() {
        config.remove(kind);
    }
    found
}

#[test]
fn the_local_private_worker_differs_in_its_index_only() {
    let [_, local, _] = wrangler::LOCAL_CONFIGS;
    let mut production =
        project::read_toml(&project::root().join(wrangler::PRIVATE_CONFIG)).unwrap();
    let mut local = project::read_toml(&project::root().join(local)).unwrap();
    assert!(without_index(&mut production, "vectorize"));
    assert!(without_index(&mut local, "services"));
    assert_eq!(production, local);
}

#[test]
fn commands_and_configuration_agree_on_names() {
    let read = |file: &str| project::read_toml(&project::root().join(file)).unwrap();
    let private = read(wrangler::PRIVATE_CONFIG);
    assert_eq!(private["name"].as_str(), Some(wrangler::CRON_WORKER));
    let bucket =
        |config: &Table| config["r2_buckets"][0]["bucket_name"].as_str().map(str::to_owned);
    assert_eq!(bucket(&private).as_deref(), Some(wrangler::FACES_BUCKET));
    assert_eq!(bucket(&read(wrangler::PUBLIC_CONFIG)).as_deref(), Some(wrangler::MODELS_BUCKET));
}

/// The folders that may have unsafe code: the kernels, and what only exports names.
const UNSAFE: [&str; 2] = ["crates/facenet/src/simd/kernels", "crates/facenet/examples/engine"];

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

/// The functions that a file of kernels gives to the others.
fn kernels(file: &str) -> Vec<String> {
    let folder = project::root().join("crates/facenet/src/simd/kernels");
    let text = fs::read_to_string(folder.join(file)).unwrap();
    let lines = text.lines().filter_map(|line| line.strip_prefix("pub(super) fn "));
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
