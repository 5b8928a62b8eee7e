//! Storing and removing.

use std::slice;

use anyhow::ensure;
use serde_json::{Value, json};
use vectorize_local::method::Method;

use super::session::{Session, ensure_same_values, values};
use super::{DIMENSIONS, Test, tests};

pub(super) const TESTS: &[Test] = tests![
    upserts_replace_the_whole_vector,
    writes_are_counted,
    deleted_vectors_are_gone,
    deleting_what_is_not_there_is_no_error,
    a_hundred_ids_can_be_deleted,
    more_ids_cannot_be_deleted,
    a_thousand_vectors_can_be_stored,
    more_vectors_cannot_be_stored,
    wrong_dimensions_are_refused,
    ids_may_have_64_bytes,
    longer_ids_are_refused,
    empty_ids_are_refused,
    longer_namespaces_are_refused,
    metadata_may_have_10_kib,
    larger_metadata_is_refused,
    metadata_keys_are_checked,
    vectors_of_another_shape_are_refused,
    numbers_that_are_none_are_refused,
    a_bad_vector_spoils_the_batch,
];

/// Checks that a vector cannot be stored.
fn refused(
    session: &Session<'_>,
    vector: &Value,
    code: Option<u32>,
    text: &str,
) -> anyhow::Result<()> {
    session.refused(Method::Upsert, &[json!([vector])], code, text)
}

fn upserts_replace_the_whole_vector(session: &Session<'_>) -> anyhow::Result<()> {
    session.upsert(&[session.vector_with("a", 1, json!({"n": 1, "m": 1}))])?;
    let second = session.vector_with("a", 2, json!({"n": 2}));
    session.upsert(slice::from_ref(&second))?;
    let kept = session.read("a")?;
    ensure_same_values(&kept["values"], &second["values"])?;
    ensure!(kept["metadata"] == second["metadata"], "{kept}");
    Ok(())
}

fn writes_are_counted(session: &Session<'_>) -> anyhow::Result<()> {
    let count = || -> anyhow::Result<u64> {
        let info = session.call(Method::Describe, &[])?;
        info["vectorCount"].as_u64().ok_or_else(|| anyhow::anyhow!("no count: {info}"))
    };
    let before = count()?;
    session.store(3)?;
    let after = count()?;
    ensure!(after == before + 3, "{before}, then {after}");
    session.delete(&["1"])?;
    let last = count()?;
    ensure!(last == before + 2, "{before}, then {last}");
    Ok(())
}

fn deleted_vectors_are_gone(session: &Session<'_>) -> anyhow::Result<()> {
    session.upsert(&[session.vector("a", 1)])?;
    let found = session.found(&values(1), json!({}))?;
    ensure!(found == ["a"], "{found:?}");
    session.delete(&["a"])?;
    let found = session.found(&values(1), json!({}))?;
    ensure!(found.is_empty(), "{found:?}");
    let read = session.read("a")?;
    ensure!(read.is_null(), "{read}");
    Ok(())
}

fn deleting_what_is_not_there_is_no_error(session: &Session<'_>) -> anyhow::Result<()> {
    session.delete(&["never"])
}

fn ids(session: &Session<'_>, count: usize) -> Value {
    (0..count).map(|i| session.id(&i.to_string())).collect()
}

fn a_hundred_ids_can_be_deleted(session: &Session<'_>) -> anyhow::Result<()> {
    session.write(Method::DeleteByIds, ids(session, 100))
}

fn more_ids_cannot_be_deleted(session: &Session<'_>) -> anyhow::Result<()> {
    let text = "too many ids in payload; max id count is 100, got 101";
    session.refused(Method::DeleteByIds, &[ids(session, 101)], Some(40007), text)
}

/// Vectors whose numbers are short, so that the request is small.
fn many(session: &Session<'_>, count: usize) -> Value {
    let values = vec![0.5; DIMENSIONS];
    let vector = |i: usize| json!({"id": session.id(&i.to_string()), "values": values});
    (0..count).map(vector).collect()
}

fn a_thousand_vectors_can_be_stored(session: &Session<'_>) -> anyhow::Result<()> {
    session.write(Method::Upsert, many(session, 1000))?;
    let last = session.read("999")?;
    ensure!(!last.is_null(), "the last is missing");
    for first in (0..1000).step_by(100) {
        let ids: Value = (first..first + 100).map(|i| session.id(&i.to_string())).collect();
        session.write(Method::DeleteByIds, ids)?;
    }
    Ok(())
}

fn more_vectors_cannot_be_stored(session: &Session<'_>) -> anyhow::Result<()> {
    let text = "too many vectors in payload; max vector count is 1000, got 1001";
    session.refused(Method::Upsert, &[many(session, 1001)], None, text)
}

fn wrong_dimensions_are_refused(session: &Session<'_>) -> anyhow::Result<()> {
    for got in [0, DIMENSIONS - 1, DIMENSIONS + 1] {
        let id = session.id("a");
        let text = format!(
            "invalid vector for id=\"{id}\", expected {DIMENSIONS} dimensions, and got {got} \
             dimensions"
        );
        let vector = json!({"id": id, "values": vec![0.5; got]});
        refused(session, &vector, Some(40012), &text)?;
    }
    Ok(())
}

fn ids_may_have_64_bytes(session: &Session<'_>) -> anyhow::Result<()> {
    let start = session.id("x");
    let id = start.clone() + &"é".repeat((64 - start.len()) / 2);
    ensure!(id.len() == 64, "{} bytes", id.len());
    let mut vector = session.vector("a", 1);
    vector["id"] = json!(id);
    session.upsert(&[vector])?;
    let read = session.call(Method::GetByIds, &[json!([id])])?;
    ensure!(read[0]["id"] == id, "{read}");
    Ok(())
}

fn longer_ids_are_refused(session: &Session<'_>) -> anyhow::Result<()> {
    let mut vector = session.vector("a", 1);
    vector["id"] = json!("é".repeat(33));
    refused(session, &vector, Some(40008), "id too long; max is 64 bytes, got 66 bytes")
}

fn empty_ids_are_refused(session: &Session<'_>) -> anyhow::Result<()> {
    let mut vector = session.vector("a", 1);
    vector["id"] = json!("");
    refused(session, &vector, None, "id is empty")
}

fn longer_namespaces_are_refused(session: &Session<'_>) -> anyhow::Result<()> {
    let mut vector = session.vector("a", 1);
    vector["namespace"] = json!("n".repeat(65));
    let text = "namespace too long; max is 64 bytes, got 65 bytes";
    refused(session, &vector, Some(40009), text)
}

/// Metadata of so many bytes of JSON.
fn metadata(bytes: usize) -> Value {
    json!({ "x": "x".repeat(bytes - r#"{"x":""}"#.len()) })
}

fn metadata_may_have_10_kib(session: &Session<'_>) -> anyhow::Result<()> {
    session.upsert(&[session.vector_with("a", 1, metadata(10 << 10))])
}

fn larger_metadata_is_refused(session: &Session<'_>) -> anyhow::Result<()> {
    let vector = session.vector_with("a", 1, metadata((10 << 10) + 1));
    let text = format!(
        "oversized metadata for vector id=\"{}\"; the compact JSON representation of the metadata \
         must not exceed 10240 bytes, got 10241 bytes",
        session.id("a")
    );
    refused(session, &vector, Some(40016), &text)
}

fn metadata_keys_are_checked(session: &Session<'_>) -> anyhow::Result<()> {
    for key in ["", "a.b", "a\"b", "$a"] {
        let vector = session.vector_with("a", 1, json!({ key: 1 }));
        let text = format!("invalid metadata key {key:?} for vector id=\"{}\"", session.id("a"));
        refused(session, &vector, Some(40018), &text)?;
    }
    Ok(())
}

fn vectors_of_another_shape_are_refused(session: &Session<'_>) -> anyhow::Result<()> {
    let values = values(1);
    let text = "failed to parse upsert vectors request in json format";
    for vector in [
        json!({"id": 7, "values": values}),
        json!({ "values": values }),
        json!({"id": session.id("a"), "values": "text"}),
        json!({"id": session.id("a"), "values": values, "metadata": "text"}),
    ] {
        refused(session, &vector, Some(40023), text)?;
    }
    Ok(())
}

/// JSON has no not-a-number: the binding makes null of it.
fn numbers_that_are_none_are_refused(session: &Session<'_>) -> anyhow::Result<()> {
    let mut vector = session.vector("a", 1);
    vector["values"][0] = Value::Null;
    let text = "failed to parse upsert vectors request in json format";
    refused(session, &vector, Some(40023), text)
}

fn a_bad_vector_spoils_the_batch(session: &Session<'_>) -> anyhow::Result<()> {
    let bad = json!({"id": session.id("b"), "values": [1]});
    let batch = json!([session.vector("a", 1), bad]);
    let text = format!("invalid vector for id=\"{}\"", session.id("b"));
    session.refused(Method::Upsert, &[batch], Some(40012), &text)?;
    let good = session.read("a")?;
    ensure!(good.is_null(), "{good}");
    Ok(())
}
