//! What can be configured, as tables made from the code: `docs/configuration.md` has each of them
//! word by word.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::fs;

use clap::{Arg, Command, CommandFactory as _};
use wire::access::{Key, Scope};
use wire::limits;

use crate::{project, wrangler};

/// The document.
const DOCUMENT: &str = "docs/configuration.md";

#[track_caller]
fn check(table: &str) {
    let document = fs::read_to_string(project::root().join(DOCUMENT)).unwrap_or_default();
    assert!(document.contains(table), "{DOCUMENT} has to say:\n\n{table}");
}

fn read(file: &str) -> String {
    fs::read_to_string(project::root().join(file)).unwrap()
}

/// A row of a table. Cells may hold anything but line breaks.
fn row(cells: &[&str]) -> String {
    let cells: Vec<_> = cells.iter().map(|cell| cell.replace('|', "\\|")).collect();
    format!("| {} |\n", cells.join(" | "))
}

fn code(text: &str) -> String {
    if text.is_empty() { String::new() } else { format!("`{text}`") }
}

/// A comment as one line, without links that only Rust's documentation has.
fn plain(comment: &str) -> String {
    let mut text = String::new();
    let mut rest = comment;
    while let Some((before, after)) = rest.split_once("[`") {
        let Some((word, after)) = after.split_once("`]") else { break };
        // Writing to a string does not fail.
        let _ = write!(text, "{before}`{word}`");
        rest = match after.strip_prefix('(').and_then(|target| target.split_once(')')) {
            Some((_, after)) => after,
            None => after,
        };
    }
    text + rest
}

/// The items of a file with the comments right before them. `item` finds the name of one in a line.
fn commented<'a>(
    text: &'a str,
    mark: &str,
    item: impl Fn(&'a str) -> Option<&'a str>,
) -> Vec<(&'a str, String)> {
    let mut found = Vec::new();
    let mut comment = Vec::new();
    for line in text.lines() {
        if let Some(words) = line.trim().strip_prefix(mark) {
            comment.push(words.trim());
            continue;
        }
        if let Some(name) = item(line) {
            found.push((name, plain(&comment.join(" "))));
        }
        comment.clear();
    }
    found
}

/// The name of a constant that a line defines.
fn constant(line: &str) -> Option<&str> {
    let (_, after) = line.split_once("const ")?;
    let (name, _) = after.split_once(':')?;
    (line.starts_with("pub") && name != "_").then_some(name)
}

#[test]
fn every_variable_is_documented() {
    let config = wrangler::config(wrangler::PUBLIC_CONFIG).unwrap();
    let variables = config["vars"].as_table().unwrap();
    let text = read(wrangler::PUBLIC_CONFIG);
    let vars = text.split_once("[vars]").unwrap().1.split("\n[").next().unwrap();
    let named = commented(vars, "#", |line| Some(line.split_once(" = ")?.0));
    let mut table = row(&["variable", "default", "what it decides"]) + &row(&["---"; 3]);
    for (name, comment) in &named {
        let default = code(variables[*name].as_str().unwrap());
        table += &row(&[&code(name), if default.is_empty() { "empty" } else { &default }, comment]);
    }
    assert_eq!(named.len(), variables.len());
    check(&table);
    let bindings = read("facenet-worker/src/bindings.rs");
    let code = commented(&bindings, "///", constant);
    let code: BTreeSet<_> = code.iter().filter(|(_, doc)| doc.starts_with("Variable:")).collect();
    let code: BTreeSet<_> = code.into_iter().map(|(name, _)| *name).collect();
    assert_eq!(code, named.iter().map(|(name, _)| *name).collect(), "the code reads others");
}

#[test]
fn every_budget_is_documented() {
    let config = wrangler::config(wrangler::PUBLIC_CONFIG).unwrap();
    let bindings = read("facenet-worker/src/bindings.rs");
    let docs = commented(&bindings, "///", constant);
    let mut table = row(&["budget", "a minute", "of what"]) + &row(&["---", "---:", "---"]);
    let budgets = config["ratelimits"].as_array().unwrap();
    for budget in budgets {
        let name = budget["name"].as_str().unwrap();
        let (_, doc) = docs.iter().find(|(known, _)| *known == name).unwrap();
        let of = doc.strip_prefix("Rate limit: ").unwrap();
        table += &row(&[&code(name), &budget["simple"]["limit"].to_string(), of]);
    }
    check(&table);
    let in_code = docs.iter().filter(|(_, doc)| doc.starts_with("Rate limit:")).count();
    assert_eq!(in_code, budgets.len());
    // What a request may compute.
    let cpu_ms = config["limits"]["cpu_ms"].as_integer().unwrap();
    check(&format!("`cpu_ms = {cpu_ms}`"));
}

/// The values of [`limits`], under their names.
macro_rules! values {
    ($($name:ident),* $(,)?) => { [$((stringify!($name), limits::$name.to_string())),*] };
}

#[test]
fn every_limit_is_documented() {
    let values = values![
        BODY_BYTES_MAX,
        UPLOADS_BYTES_MAX,
        UPLOADS_MAX,
        UPLOAD_S_MAX,
        IMAGE_SIDE_MAX,
        IMAGE_PIXELS_MAX,
        IMAGE_DECODED_BYTES_MAX,
        IMAGE_BLOCKS_MAX,
        SANDBOX_PAGES_MIN,
        SANDBOX_PAGES_MAX,
        PHOTOGRAPH_BODY_BYTES_MAX,
        PHOTOGRAPH_PIXELS_MAX,
        PHOTOGRAPH_SIDE_MAX,
        PHOTOGRAPH_FACES_MAX,
        IMAGE_SIDE_MIN,
        FORM_FIELDS_MAX,
        FORM_TEXT_BYTES_MAX,
        JSON_BYTES_MAX,
        JSON_DEPTH_MAX,
        QUERY_BYTES_MAX,
        RATE_LIMIT_PERIOD_S,
        REQUESTS_AT_ONCE_MAX,
        NAME_CHARS_MAX,
        PERSON_PICTURES_MAX,
        LISTED_FACES_MAX,
        COPIES_MAX,
        TOP_K_MAX,
        TOP_K_DEFAULT,
        LOG_WHOLE_LINES_MAX,
        LOG_ONE_OF,
        LOG_SLOW_MS,
    ];
    let text = read("crates/wire/src/limits.rs");
    let docs = commented(&text, "///", constant);
    let names: Vec<_> = docs.iter().map(|(name, _)| *name).collect();
    assert_eq!(names, values.each_ref().map(|(name, _)| *name), "the list above lacks one");
    let mut table = row(&["limit", "value", "of what"]) + &row(&["---", "---:", "---"]);
    for ((name, doc), (_, value)) in docs.iter().zip(&values) {
        table += &row(&[&code(name), value, doc]);
    }
    check(&table);
}

/// The commands below one, by their whole names, that people see.
fn commands(command: &Command, name: &str) -> Vec<(String, Command)> {
    let own = command.get_subcommands().filter(|it| it.get_name() != "help" && !it.is_hide_set());
    own.flat_map(|command| {
        let name = format!("{name} {}", command.get_name());
        let below = commands(command, &name);
        std::iter::once((name, command.clone())).chain(below)
    })
    .collect()
}

fn option_row(command: &str, option: &Arg) -> String {
    let name = match option.get_long() {
        Some(long) => format!("--{long}"),
        None => option.get_value_names().map_or_else(String::new, |it| format!("<{}>", it[0])),
    };
    let values: Vec<_> =
        option.get_default_values().iter().map(|it| it.to_string_lossy()).collect();
    let takes_value = option.get_action().takes_values();
    let default = if takes_value { code(&values.join(",")) } else { "off".into() };
    let possible: Vec<_> = option
        .get_possible_values()
        .into_iter()
        .filter(|_| takes_value)
        .map(|value| format!("`{}`", value.get_name()))
        .collect();
    let help = option.get_help().map(ToString::to_string).unwrap_or_default().replace('\n', " ");
    let mut help = format!("{}.", help.trim_end_matches('.'));
    if !possible.is_empty() {
        let _ = write!(help, " One of {}.", possible.join(", "));
    }
    row(&[&code(command), &code(&name), &default, &help])
}

#[test]
fn every_option_is_documented() {
    let mut root = crate::Command::command();
    root.build();
    let mut table = row(&["command", "option", "default", "what it changes"]) + &row(&["---"; 4]);
    for (name, command) in commands(&root, "") {
        let own = command.get_arguments().filter(|it| !it.is_hide_set() && it.get_id() != "help");
        // Those of a whole group of commands stand with the group.
        let is_inner = name.trim().contains(' ');
        for option in own.filter(|option| !(is_inner && option.is_global_set())) {
            table += &option_row(name.trim(), option);
        }
    }
    check(&table);
}

#[test]
fn every_command_is_documented() {
    let root = crate::Command::command();
    let mut table = row(&["command", "what it does"]) + &row(&["---"; 2]);
    for command in root.get_subcommands() {
        let about = command.get_about().map(ToString::to_string).unwrap_or_default();
        let about = format!("{}.", about.replace('\n', " ").trim_end_matches('.'));
        table += &row(&[&code(&format!("cargo xtask {}", command.get_name())), &about]);
    }
    check(&table);
}

#[test]
fn secrets_and_the_environment_are_documented() {
    let key = Key::new("front_door", &[Scope::Search, Scope::Enrol]).unwrap();
    check(&code(&key.binding()));
    for scope in Scope::ALL {
        check(&code(scope.as_str()));
    }
    for variable in ["CLOUDFLARE_API_TOKEN", "CLOUDFLARE_ACCOUNT_ID", "CFACE_API_KEY", "CI"] {
        check(&code(variable));
    }
}
