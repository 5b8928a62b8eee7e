//! Searching: scores, order, namespaces, and what comes back.

use std::slice;

use anyhow::{Context as _, ensure};
use serde_json::{Value, json};
use vectorize_local::method::Method;

use super::session::{Session, distance, ensure_close, ensure_same_values, values};
use super::{DIMENSIONS, Test, tests};

pub(super) const TESTS: &[Test] = tests![
    matches_have_ids_and_scores_only,
    matches_have_what_is_asked_for,
    scores_are_distances,
    the_nearest_comes_first,
    a_vector_finds_itself,
    five_matches_are_the_default,
    a_hundred_matches_can_be_had,
    more_than_a_hundred_cannot,
    no_matches_cannot_be_asked_for,
    fifty_can_be_had_with_content,
    more_than_fifty_cannot_with_content,
    namespaces_divide_the_index,
    longer_namespaces_are_refused,
    wrong_dimensions_are_refused,
    numbers_that_are_none_are_refused,
    false_is_no_kind_of_metadata,
];

/// What the binding itself does with options, before the index sees them.
pub(super) const BINDING_TESTS: &[Test] =
    tests![true_is_all_metadata, other_kinds_of_metadata_are_refused];

fn matches_have_ids_and_scores_only(session: &Session<'_>) -> anyhow::Result<()> {
    session.upsert(&[session.vector_with("a", 1, json!({"city": "Brno"}))])?;
    for options in [json!({}), json!({"returnMetadata": "none", "returnValues": false})] {
        let answer = session.query(&values(1), options)?;
        ensure!(answer["count"] == 1, "{answer}");
        let found = answer["matches"][0].as_object().context("no match")?;
        let mut keys: Vec<&str> = found.keys().map(String::as_str).collect();
        keys.sort_unstable();
        ensure!(keys == ["id", "namespace", "score"], "{answer}");
    }
    Ok(())
}

fn matches_have_what_is_asked_for(session: &Session<'_>) -> anyhow::Result<()> {
    let vector = session.vector_with("a", 1, json!({"city": "Brno", "x": [1, {"y": null}]}));
    session.upsert(slice::from_ref(&vector))?;
    let options = json!({"returnValues": true, "returnMetadata": "all"});
    let answer = session.query(&values(1), options)?;
    let found = &answer["matches"][0];
    ensure_same_values(&found["values"], &vector["values"])?;
    for key in ["id", "metadata", "namespace"] {
        ensure!(found[key] == vector[key], "{key}: {found}");
    }
    Ok(())
}

/// The match with a name.
fn match_of(session: &Session<'_>, answer: &Value, name: &str) -> anyhow::Result<Value> {
    let id = session.id(name);
    let mut matches = answer["matches"].as_array().into_iter().flatten();
    matches.find(|found| found["id"] == id).cloned().with_context(|| format!("no match {name}"))
}

fn scores_are_distances(session: &Session<'_>) -> anyhow::Result<()> {
    session.store(20)?;
    let query = values(99);
    // With values, scores are exact in Cloudflare too.
    let answer = session.query(&query, json!({"topK": 20, "returnValues": true}))?;
    ensure!(answer["count"] == 20, "{answer}");
    for seed in 0..20 {
        let found = match_of(session, &answer, &seed.to_string())?;
        ensure_close("score", &found["score"], distance(&query, &values(seed)))?;
    }
    Ok(())
}

fn the_nearest_comes_first(session: &Session<'_>) -> anyhow::Result<()> {
    session.store(20)?;
    let query = values(99);
    let found = session.found(&query, json!({"topK": 10, "returnValues": true}))?;
    let mut expected: Vec<u32> = (0..20).collect();
    expected
        .sort_by(|&a, &b| distance(&query, &values(a)).total_cmp(&distance(&query, &values(b))));
    let expected: Vec<String> = expected.iter().take(10).map(ToString::to_string).collect();
    ensure!(found == expected, "{found:?}, not {expected:?}");
    Ok(())
}

fn a_vector_finds_itself(session: &Session<'_>) -> anyhow::Result<()> {
    session.store(5)?;
    let answer = session.query(&values(3), json!({"topK": 5, "returnValues": true}))?;
    let found = match_of(session, &answer, "3")?;
    ensure_close("score", &found["score"], 0.0)
}

fn five_matches_are_the_default(session: &Session<'_>) -> anyhow::Result<()> {
    session.store(7)?;
    for (options, expected) in [(json!({}), 5), (json!({"topK": 3}), 3)] {
        let found = session.found(&values(1), options)?;
        ensure!(found.len() == expected, "{found:?}");
    }
    Ok(())
}

fn a_hundred_matches_can_be_had(session: &Session<'_>) -> anyhow::Result<()> {
    session.store(101)?;
    for metadata in ["none", "indexed"] {
        let options = json!({"topK": 100, "returnMetadata": metadata});
        let found = session.found(&values(1), options)?.len();
        ensure!(found == 100, "{found} with {metadata}");
    }
    Ok(())
}

fn more_than_a_hundred_cannot(session: &Session<'_>) -> anyhow::Result<()> {
    let arguments = [json!(values(1)), json!({"topK": 101})];
    session.refused(Method::Query, &arguments, Some(40025), "max top K is 100, but got 101")
}

fn no_matches_cannot_be_asked_for(session: &Session<'_>) -> anyhow::Result<()> {
    let arguments = [json!(values(1)), json!({"topK": 0})];
    session.refused(Method::Query, &arguments, None, "min top K is 1, but got 0")
}

fn fifty_can_be_had_with_content(session: &Session<'_>) -> anyhow::Result<()> {
    session.store(51)?;
    for options in
        [json!({"topK": 50, "returnValues": true}), json!({"topK": 50, "returnMetadata": "all"})]
    {
        let found = session.found(&values(1), options)?.len();
        ensure!(found == 50, "{found}");
    }
    Ok(())
}

fn more_than_fifty_cannot_with_content(session: &Session<'_>) -> anyhow::Result<()> {
    let text = "with returnValues=true or returnMetadata=all, max top K is 50, but got 51; for a \
                top K up to 100, retry with returnValues=false and returnMetadata=indexed";
    for options in
        [json!({"topK": 51, "returnValues": true}), json!({"topK": 51, "returnMetadata": "all"})]
    {
        let arguments = [json!(values(1)), options];
        session.refused(Method::Query, &arguments, Some(40025), text)?;
    }
    Ok(())
}

fn namespaces_divide_the_index(session: &Session<'_>) -> anyhow::Result<()> {
    let mut other = session.vector("other", 1);
    other["namespace"] = json!(session.id("other"));
    session.upsert(&[session.vector("a", 1), other])?;
    for (namespace, expected) in [
        (session.namespace(), &["a"][..]),
        (session.id("other"), &["other"]),
        (session.id("third"), &[]),
    ] {
        let found = session.found(&values(1), json!({ "namespace": namespace }))?;
        ensure!(found == expected, "{namespace}: {found:?}");
    }
    Ok(())
}

fn longer_namespaces_are_refused(session: &Session<'_>) -> anyhow::Result<()> {
    let arguments = [json!(values(1)), json!({"namespace": "n".repeat(65)})];
    let text = "namespace too long; max is 64 bytes, got 65 bytes";
    session.refused(Method::Query, &arguments, Some(40009), text)
}

fn wrong_dimensions_are_refused(session: &Session<'_>) -> anyhow::Result<()> {
    for got in [0, DIMENSIONS - 1, DIMENSIONS + 1] {
        let text = format!(
            "invalid query vector, expected {DIMENSIONS} dimensions, and got {got} dimensions"
        );
        let arguments = [json!(vec![0.5; got]), json!({})];
        session.refused(Method::Query, &arguments, Some(40006), &text)?;
    }
    Ok(())
}

/// JSON has no not-a-number: the binding makes null of it.
fn numbers_that_are_none_are_refused(session: &Session<'_>) -> anyhow::Result<()> {
    let mut vector = json!(values(1));
    vector[0] = Value::Null;
    let text = "Failed to parse the request body as JSON: ";
    session.refused(Method::Query, &[vector, json!({})], Some(40026), text)
}

fn false_is_no_kind_of_metadata(session: &Session<'_>) -> anyhow::Result<()> {
    let arguments = [json!(values(1)), json!({"returnMetadata": false})];
    let text = "Failed to parse the request body as JSON: returnMetadata: expected value";
    session.refused(Method::Query, &arguments, Some(40026), text)
}

/// The binding makes `all` of it.
fn true_is_all_metadata(session: &Session<'_>) -> anyhow::Result<()> {
    session.upsert(&[session.vector_with("a", 1, json!({"x": 1}))])?;
    let answer = session.query(&values(1), json!({"returnMetadata": true}))?;
    ensure!(answer["matches"][0]["metadata"] == json!({"x": 1}), "{answer}");
    Ok(())
}

/// The binding refuses them without asking the index.
fn other_kinds_of_metadata_are_refused(session: &Session<'_>) -> anyhow::Result<()> {
    let arguments = [json!(values(1)), json!({"returnMetadata": "some"})];
    let text = "Invalid returnMetadata option. Expected: true, false, \"none\", \"indexed\" or \
                \"all\"; got: some";
    session.refused(Method::Query, &arguments, None, text)
}
