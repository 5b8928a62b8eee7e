//! Storing and removing.

use serde_json::{Value, json};

use super::{Method, Session, Stop, Test, same, same_values};

pub(super) const TESTS: &[(&str, Test)] = &[
    ("inserts_keep_what_is_there", inserts_keep_what_is_there),
    ("upserts_replace_the_whole_vector", upserts_replace_the_whole_vector),
    ("writes_are_counted", writes_are_counted),
    ("deleted_vectors_are_gone", deleted_vectors_are_gone),
    ("deleting_what_is_not_there_is_no_error", deleting_what_is_not_there_is_no_error),
    ("a_hundred_ids_can_be_deleted", a_hundred_ids_can_be_deleted),
    ("more_ids_cannot_be_deleted", more_ids_cannot_be_deleted),
    ("a_thousand_vectors_can_be_stored", a_thousand_vectors_can_be_stored),
    ("more_vectors_cannot_be_stored", more_vectors_cannot_be_stored),
    ("wrong_dimensions_are_refused", wrong_dimensions_are_refused),
    ("ids_may_have_64_bytes", ids_may_have_64_bytes),
    ("longer_ids_are_refused", longer_ids_are_refused),
    ("longer_namespaces_are_refused", longer_namespaces_are_refused),
    ("metadata_may_have_10_kib", metadata_may_have_10_kib),
    ("larger_metadata_is_refused", larger_metadata_is_refused),
    ("metadata_keys_are_checked", metadata_keys_are_checked),
    ("vectors_of_another_shape_are_refused", vectors_of_another_shape_are_refused),
    ("numbers_that_are_none_are_refused", numbers_that_are_none_are_refused),
    ("a_bad_vector_spoils_the_batch", a_bad_vector_spoils_the_batch),
];

/// The vector stored under a name, or null.
fn read(session: &Session<'_>, name: &str) -> Result<Value, Stop> {
    Ok(session.call(Method::GetByIds, &[json!([session.id(name)])])?[0].clone())
}

fn inserts_keep_what_is_there(session: &Session<'_>) -> Result<(), Stop> {
    let first = session.stored("a", 1, json!({"n": 1}));
    session.write(Method::Insert, json!([first]))?;
    let second = session.stored("a", 2, json!({"n": 2}));
    session.write(Method::Insert, json!([second, session.stored("b", 3, json!(null))]))?;
    let kept = read(session, "a")?;
    same_values(&kept["values"], &first["values"])?;
    same("metadata", &kept["metadata"], &first["metadata"])?;
    same("the other", &read(session, "b")?.is_null(), &false)
}

fn upserts_replace_the_whole_vector(session: &Session<'_>) -> Result<(), Stop> {
    session.write(Method::Upsert, json!([session.stored("a", 1, json!({"n": 1, "m": 1}))]))?;
    let second = session.stored("a", 2, json!({"n": 2}));
    session.write(Method::Upsert, json!([second]))?;
    let kept = read(session, "a")?;
    same_values(&kept["values"], &second["values"])?;
    same("metadata", &kept["metadata"], &second["metadata"])
}

fn writes_are_counted(session: &Session<'_>) -> Result<(), Stop> {
    let count = || -> Result<Option<u64>, Stop> {
        Ok(session.call(Method::Describe, &[])?["vectorCount"].as_u64())
    };
    let before = count()?.unwrap_or_default();
    let vectors: Vec<_> = (0..3).map(|i| session.stored(&format!("{i}"), i, json!(null))).collect();
    session.write(Method::Upsert, json!(vectors))?;
    same("after three", &count()?, &Some(before + 3))?;
    session.write(Method::DeleteByIds, json!([session.id("1")]))?;
    same("after one went", &count()?, &Some(before + 2))
}

fn deleted_vectors_are_gone(session: &Session<'_>) -> Result<(), Stop> {
    session.write(Method::Upsert, json!([session.stored("a", 1, json!(null))]))?;
    same("found", &session.found(&session.vector(1), json!({}))?, &vec!["a".to_owned()])?;
    session.write(Method::DeleteByIds, json!([session.id("a")]))?;
    same("found", &session.found(&session.vector(1), json!({}))?, &vec![])?;
    same("read", &read(session, "a")?, &Value::Null)
}

fn deleting_what_is_not_there_is_no_error(session: &Session<'_>) -> Result<(), Stop> {
    session.write(Method::DeleteByIds, json!([session.id("never")]))
}

fn a_hundred_ids_can_be_deleted(session: &Session<'_>) -> Result<(), Stop> {
    let ids: Vec<String> = (0..100).map(|i| session.id(&format!("{i}"))).collect();
    session.write(Method::DeleteByIds, json!(ids))
}

fn more_ids_cannot_be_deleted(session: &Session<'_>) -> Result<(), Stop> {
    let ids: Vec<String> = (0..101).map(|i| session.id(&format!("{i}"))).collect();
    let text = "too many ids in payload; max id count is 100, got 101";
    session.refused(Method::DeleteByIds, &[json!(ids)], Some(40007), text)
}

fn many(session: &Session<'_>, count: u32) -> Value {
    // Values do not matter here, and short ones make the request small.
    let values = vec![0.5; session.config.dimensions];
    let vector = |i| json!({"id": session.id(&format!("{i}")), "values": values});
    (0..count).map(vector).collect()
}

fn a_thousand_vectors_can_be_stored(session: &Session<'_>) -> Result<(), Stop> {
    session.write(Method::Upsert, many(session, 1000))?;
    same("the last", &read(session, "999")?.is_null(), &false)?;
    for start in (0..1000).step_by(100) {
        let ids: Vec<_> = (start..start + 100).map(|i| session.id(&format!("{i}"))).collect();
        session.write(Method::DeleteByIds, json!(ids))?;
    }
    Ok(())
}

/// Over HTTP 5000 may come at once.
fn more_vectors_cannot_be_stored(session: &Session<'_>) -> Result<(), Stop> {
    session.needs_binding()?;
    session.refused(Method::Upsert, &[many(session, 1001)], None, "")
}

fn wrong_dimensions_are_refused(session: &Session<'_>) -> Result<(), Stop> {
    let dimensions = session.config.dimensions;
    for got in [0, dimensions - 1, dimensions + 1] {
        let id = session.id("a");
        let text = format!(
            "invalid vector for id=\"{id}\", expected {dimensions} dimensions, and got {got} \
             dimensions"
        );
        let vector = json!([{"id": id, "values": vec![0.5; got]}]);
        for method in [Method::Insert, Method::Upsert] {
            session.refused(method, std::slice::from_ref(&vector), Some(40012), &text)?;
        }
    }
    Ok(())
}

fn ids_may_have_64_bytes(session: &Session<'_>) -> Result<(), Stop> {
    let start = session.id("x");
    let id = start.clone() + &"é".repeat((64 - start.len()) / 2);
    same("bytes", &id.len(), &64)?;
    let mut vector = session.stored("a", 1, json!(null));
    vector["id"] = json!(id);
    session.write(Method::Upsert, json!([vector]))?;
    let read = session.call(Method::GetByIds, &[json!([id])])?;
    same("id", &read[0]["id"], &json!(id))
}

fn longer_ids_are_refused(session: &Session<'_>) -> Result<(), Stop> {
    let mut vector = session.stored("a", 1, json!(null));
    vector["id"] = json!("é".repeat(33));
    let text = "id too long; max is 64 bytes, got 66 bytes";
    session.refused(Method::Upsert, &[json!([vector])], Some(40008), text)
}

fn longer_namespaces_are_refused(session: &Session<'_>) -> Result<(), Stop> {
    let mut vector = session.stored("a", 1, json!(null));
    vector["namespace"] = json!("n".repeat(65));
    session.refused(Method::Upsert, &[json!([vector])], Some(40009), "")
}

/// Metadata of so many bytes of JSON.
fn metadata(bytes: usize) -> Value {
    json!({ "x": "x".repeat(bytes - r#"{"x":""}"#.len()) })
}

fn metadata_may_have_10_kib(session: &Session<'_>) -> Result<(), Stop> {
    session.write(Method::Upsert, json!([session.stored("a", 1, metadata(10 << 10))]))
}

fn larger_metadata_is_refused(session: &Session<'_>) -> Result<(), Stop> {
    let vector = session.stored("a", 1, metadata((10 << 10) + 1));
    let text = format!(
        "oversized metadata for vector id=\"{}\"; the compact JSON representation of the metadata \
         must not exceed 10240 bytes, got 10241 bytes",
        session.id("a")
    );
    session.refused(Method::Upsert, &[json!([vector])], Some(40016), &text)
}

fn metadata_keys_are_checked(session: &Session<'_>) -> Result<(), Stop> {
    for key in ["", "a.b", "a\"b", "$a"] {
        let vector = session.stored("a", 1, json!({ key: 1 }));
        session.refused(Method::Upsert, &[json!([vector])], Some(40018), "")?;
    }
    Ok(())
}

fn vectors_of_another_shape_are_refused(session: &Session<'_>) -> Result<(), Stop> {
    let values = session.vector(1);
    let text = "failed to parse upsert vectors request in json format";
    for vector in [
        json!({"id": 7, "values": values}),
        json!({ "values": values }),
        json!({"id": session.id("a"), "values": "text"}),
        json!({"id": session.id("a"), "values": values, "metadata": "text"}),
    ] {
        session.refused(Method::Upsert, &[json!([vector])], Some(40023), text)?;
    }
    Ok(())
}

/// JSON has no not-a-number: the binding makes null of it.
fn numbers_that_are_none_are_refused(session: &Session<'_>) -> Result<(), Stop> {
    let text = "failed to parse upsert vectors request in json format";
    let mut vector = session.stored("a", 1, json!(null));
    vector["values"][0] = Value::Null;
    session.refused(Method::Upsert, &[json!([vector])], Some(40023), text)
}

fn a_bad_vector_spoils_the_batch(session: &Session<'_>) -> Result<(), Stop> {
    let bad = json!({"id": session.id("b"), "values": [1]});
    let batch = json!([session.stored("a", 1, json!(null)), bad]);
    session.refused(Method::Upsert, &[batch], Some(40012), "invalid vector for id=")?;
    same("the good one", &read(session, "a")?, &Value::Null)
}
