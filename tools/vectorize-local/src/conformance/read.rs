//! Describing, and reading by id.

use serde_json::json;

use super::{Method, Session, Stop, Test, same, same_values};

pub(super) const TESTS: &[(&str, Test)] = &[
    ("describe_has_its_four_fields", describe_has_its_four_fields),
    ("describe_names_the_last_write", describe_names_the_last_write),
    ("vectors_are_read_as_stored", vectors_are_read_as_stored),
    ("values_are_float32", values_are_float32),
    ("what_is_not_there_is_left_out", what_is_not_there_is_left_out),
    ("twenty_ids_can_be_read", twenty_ids_can_be_read),
    ("twenty_one_ids_cannot_be_read", twenty_one_ids_cannot_be_read),
    ("ids_that_are_too_long_cannot_be_read", ids_that_are_too_long_cannot_be_read),
];

fn describe_has_its_four_fields(session: &Session<'_>) -> Result<(), Stop> {
    session.write(Method::Upsert, json!([session.stored("a", 1, json!(null))]))?;
    let info = session.call(Method::Describe, &[])?;
    same("dimensions", &info["dimensions"], &json!(session.config.dimensions))?;
    same("vectorCount", &info["vectorCount"].is_u64(), &true)?;
    same("processedUpToMutation", &info["processedUpToMutation"].is_string(), &true)?;
    same("processedUpToDatetime", &info["processedUpToDatetime"].is_null(), &false)
}

fn describe_names_the_last_write(session: &Session<'_>) -> Result<(), Stop> {
    for seed in 0..2 {
        // `write` waits for its own mutation, and so sees each of them.
        session.write(Method::Upsert, json!([session.stored("a", seed, json!(null))]))?;
    }
    let answer = session.call(Method::DeleteByIds, &[json!([session.id("a")])])?;
    same("mutationId", &answer["mutationId"].is_string(), &true)
}

fn vectors_are_read_as_stored(session: &Session<'_>) -> Result<(), Stop> {
    let metadata = json!({"text": "Žofie", "number": 1.5, "list": ["a", "b"], "in": {"x": true}});
    let full = session.stored("full", 1, metadata);
    let bare = json!({"id": session.id("bare"), "values": session.vector(2)});
    session.write(Method::Insert, json!([full, bare]))?;
    for vector in [full, bare] {
        let read = session.call(Method::GetByIds, &[json!([vector["id"]])])?;
        same_values(&read[0]["values"], &vector["values"])?;
        for key in ["id", "namespace", "metadata"] {
            same(key, &read[0][key], &vector[key])?;
        }
    }
    Ok(())
}

fn values_are_float32(session: &Session<'_>) -> Result<(), Stop> {
    let mut vector = session.stored("a", 1, json!(null));
    vector["values"][0] = json!(0.1);
    session.write(Method::Upsert, json!([vector]))?;
    let read = session.call(Method::GetByIds, &[json!([vector["id"]])])?;
    let read = read[0]["values"][0].as_f64().unwrap_or_default();
    // Not 0.1, but not far from it either.
    let error = (read - f64::from(0.1_f32)).abs();
    same("0.1 as float32", &(error < 1e-15), &true)
}

fn what_is_not_there_is_left_out(session: &Session<'_>) -> Result<(), Stop> {
    session.write(Method::Upsert, json!([session.stored("a", 1, json!(null))]))?;
    let ids = json!([session.id("missing"), session.id("a")]);
    let read = session.call(Method::GetByIds, &[ids])?;
    same("vectors", &read.as_array().map(Vec::len), &Some(1))?;
    same("id", &read[0]["id"], &json!(session.id("a")))
}

fn twenty_ids_can_be_read(session: &Session<'_>) -> Result<(), Stop> {
    let ids: Vec<String> = (0..20).map(|i| session.id(&format!("{i}"))).collect();
    same("vectors", &session.call(Method::GetByIds, &[json!(ids)])?, &json!([]))
}

fn twenty_one_ids_cannot_be_read(session: &Session<'_>) -> Result<(), Stop> {
    let ids: Vec<String> = (0..21).map(|i| session.id(&format!("{i}"))).collect();
    let text = "too many ids in payload; max id count is 20, got 21";
    session.refused(Method::GetByIds, &[json!(ids)], Some(40007), text)
}

fn ids_that_are_too_long_cannot_be_read(session: &Session<'_>) -> Result<(), Stop> {
    let text = "id too long; max is 64 bytes, got 65 bytes";
    session.refused(Method::GetByIds, &[json!(["x".repeat(65)])], Some(40008), text)
}
