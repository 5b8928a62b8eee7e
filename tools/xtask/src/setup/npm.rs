//! The npm packages of package-lock.json: wrangler with workerd, what `worker-build` needs, and
//! the page's libraries.

use std::fs;
use std::path::Path;

use anyhow::{Context as _, ensure};
use serde_json::{Map, Value};

use crate::project;
use crate::run::Run;

/// The oldest Node that wrangler runs on, as in package.json.
const NODE_MIN: (u32, u32) = (20, 3);

/// Installs what package-lock.json says, unless it is there.
pub(crate) fn ensure() -> anyhow::Result<()> {
    if is_installed(project::root())? {
        return Ok(());
    }
    check_node()?;
    Run::new("installing npm packages", "npm")
        .args(["ci", "--no-audit", "--no-fund"])
        .hint("Is the npm registry reachable? `npm ci` by hand tells more")
        .quietly()
}

/// An error that says what to do unless Node is there and new enough.
pub(crate) fn check_node() -> anyhow::Result<()> {
    let (major, minor) = NODE_MIN;
    let hint = format!("Install Node {major}.{minor} or newer with npm");
    let version = Run::new("asking for Node's version", "node")
        .args(["--version"])
        .hint(&hint)
        .output()
        .context(hint.clone())?;
    let found = parse_version(&version).with_context(|| format!("node is {version:?}. {hint}"))?;
    ensure!(found >= NODE_MIN, "node is {}, which is too old. {hint}", version.trim());
    Ok(())
}

fn parse_version(text: &str) -> Option<(u32, u32)> {
    let mut numbers = text.trim().strip_prefix('v')?.split('.').map(str::parse);
    Some((numbers.next()?.ok()?, numbers.next()?.ok()?))
}

/// Whether `node_modules` holds what package-lock.json asks for and nothing else. As its last step,
/// npm writes what it has installed to a lock file of the same form.
fn is_installed(root: &Path) -> anyhow::Result<bool> {
    let installed = root.join("node_modules/.package-lock.json");
    if !installed.is_file() {
        return Ok(false);
    }
    let wanted = packages(&root.join("package-lock.json"))?;
    let installed = packages(&installed)?;
    let is_optional = |package: &Value| package.get("optional") == Some(&Value::Bool(true));
    // Packages for other machines are optional, and absent.
    let none_missing = wanted.iter().all(|(name, package)| {
        name.is_empty() || is_optional(package) || installed.contains_key(name)
    });
    let none_other = installed.iter().all(|(name, package)| {
        wanted.get(name).is_some_and(|wanted| wanted.get("version") == package.get("version"))
    });
    Ok(none_missing && none_other)
}

fn packages(file: &Path) -> anyhow::Result<Map<String, Value>> {
    let context = || format!("reading {}", file.display());
    let text = fs::read_to_string(file).with_context(context)?;
    let lock: Value = serde_json::from_str(&text).with_context(context)?;
    lock.get("packages").and_then(Value::as_object).cloned().with_context(context)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_of_node() {
        assert_eq!(parse_version("v20.20.2\n"), Some((20, 20)));
        assert_eq!(parse_version("twenty"), None);
    }

    #[test]
    fn node_modules_is_compared_with_the_lock_file() {
        let dir = tempfile::tempdir().unwrap();
        let check = |installed: &str| {
            fs::write(dir.path().join("node_modules/.package-lock.json"), installed).unwrap();
            is_installed(dir.path()).unwrap()
        };
        let wanted = r#"{"packages": {"": {}, "node_modules/a": {"version": "1.0.0"},
            "node_modules/b": {"version": "2.0.0", "optional": true}}}"#;
        fs::write(dir.path().join("package-lock.json"), wanted).unwrap();
        assert!(!is_installed(dir.path()).unwrap());
        fs::create_dir(dir.path().join("node_modules")).unwrap();
        assert!(check(r#"{"packages": {"node_modules/a": {"version": "1.0.0"}}}"#));
        assert!(!check(r#"{"packages": {"node_modules/a": {"version": "1.0.1"}}}"#));
        assert!(!check(r#"{"packages": {}}"#));
        let with_a_stray = r#"{"packages": {"node_modules/a": {"version": "1.0.0"},
            "node_modules/c": {"version": "1.0.0"}}}"#;
        assert!(!check(with_a_stray));
    }
}
