//! Describing, and reading by id.

use anyhow::ensure;
use serde_json::json;
use vectorize_local::method::Method;

use super::session::{Session, ensure_same_values, values};
use super::{DIMENSIONS, Test, tests};

pub(super) const TESTS: &[Test] = tests![
    describe_has_its_four_fields,
    describe_names_the_last_write,
    vectors_are_read_as_stored,
    values_are_float32,
    what_is_not_there_is_left_out,
    twenty_ids_can_be_read,
    twenty_one_ids_cannot_be_read,
    ids_that_are_too_long_cannot_be_read,
];

fn describe_has_its_four_fields(session: &Session<'_>) -> anyhow::Result<()> {
    session.upsert(&[session.vector("a", 1)])?;
    let info = session.call(Method::Describe, &[])?;
    ensure!(info["dimensions"] == DIMENSIONS, "{info}");
    ensure!(info["vectorCount"].is_u64(), "{info}");
    ensure!(info["processedUpToMutation"].is_string(), "{info}");
    ensure!(info["processedUpToDatetime"].is_string(), "{info}");
    Ok(())
}

fn describe_names_the_last_write(session: &Session<'_>) -> anyhow::Result<()> {
    for seed in 0..2 {
        // Returns only when `describe` names this very write.
        session.upsert(&[session.vector("a", seed)])?;
    }
    session.delete(&["a"])
}

fn vectors_are_read_as_stored(session: &Session<'_>) -> anyhow::Result<()> {
    let metadata = json!({"text": "Žofie", "number": 1.5, "list": ["a", "b"], "in": {"x": true}});
    let full = session.vector_with("full", 1, metadata);
    let bare = json!({"id": session.id("bare"), "values": values(2)});
    session.upsert(&[full.clone(), bare.clone()])?;
    for (name, vector) in [("full", full), ("bare", bare)] {
        let read = session.read(name)?;
        ensure_same_values(&read["values"], &vector["values"])?;
        for key in ["id", "namespace", "metadata"] {
            ensure!(read[key] == vector[key], "{key}: {read}");
        }
    }
    Ok(())
}

fn values_are_float32(session: &Session<'_>) -> anyhow::Result<()> {
    let mut vector = session.vector("a", 1);
    vector["values"][0] = json!(0.1);
    session.upsert(&[vector])?;
    let read = session.read("a")?["values"][0].as_f64().unwrap_or_default();
    // The float32 nearest to 0.1 is another number than the float64 nearest to it.
    let error = (read - f64::from(0.1_f32)).abs();
    ensure!(error < 1e-15, "{read}");
    Ok(())
}

fn what_is_not_there_is_left_out(session: &Session<'_>) -> anyhow::Result<()> {
    session.upsert(&[session.vector("a", 1)])?;
    let ids = json!([session.id("missing"), session.id("a")]);
    let read = session.call(Method::GetByIds, &[ids])?;
    ensure!(read.as_array().map(Vec::len) == Some(1), "{read}");
    ensure!(read[0]["id"] == session.id("a"), "{read}");
    Ok(())
}

fn ids(session: &Session<'_>, count: usize) -> Vec<String> {
    (0..count).map(|i| session.id(&i.to_string())).collect()
}

fn twenty_ids_can_be_read(session: &Session<'_>) -> anyhow::Result<()> {
    let read = session.call(Method::GetByIds, &[json!(ids(session, 20))])?;
    ensure!(read == json!([]), "{read}");
    Ok(())
}

fn twenty_one_ids_cannot_be_read(session: &Session<'_>) -> anyhow::Result<()> {
    let text = "too many ids in payload; max id count is 20, got 21";
    session.refused(Method::GetByIds, &[json!(ids(session, 21))], Some(40007), text)
}

fn ids_that_are_too_long_cannot_be_read(session: &Session<'_>) -> anyhow::Result<()> {
    let text = "id too long; max is 64 bytes, got 65 bytes";
    session.refused(Method::GetByIds, &[json!(["x".repeat(65)])], Some(40008), text)
}
