//! The interface compared with what is known of Vectorize.

use super::*;

const DIMENSIONS: usize = 2;

fn read_json(method: Method, body: &Value) -> Result<Command, Refusal> {
    read(method, body.to_string().as_bytes(), DIMENSIONS)
}

/// Reads an upsert of vectors that come one a line.
fn read_upsert(vectors: &[Value]) -> Result<Command, Refusal> {
    let lines: Vec<String> = vectors.iter().map(Value::to_string).collect();
    read(Method::Upsert, lines.join("\n").as_bytes(), DIMENSIONS)
}

fn apply(index: &mut Index, command: Result<Command, Refusal>) {
    let Ok(Command::Write(write)) = command else { panic!("{command:?}") };
    index.apply(write);
}

fn query(index: &Index, body: &Value) -> Value {
    match read_json(Method::Query, body) {
        Ok(Command::Query(query)) => query.answer(index),
        other => panic!("{other:?}"),
    }
}

fn filled() -> Index {
    let mut index = Index::new(DIMENSIONS);
    let vectors = [
        json!({"id": "a", "values": [0.5, 0], "namespace": "n", "metadata": {"x": [1]}}),
        json!({"id": "b", "values": [1, 0]}),
    ];
    apply(&mut index, read_upsert(&vectors));
    index
}

#[track_caller]
fn refused(outcome: Result<Command, Refusal>, code: Option<u32>, text: &str) {
    let refusal = outcome.unwrap_err();
    assert_eq!((refusal.code, refusal.error.as_str()), (code, text));
}

#[test]
fn queries_answer_in_the_shape_of_vectorize() {
    let index = filled();
    let answer = query(&index, &json!({"vector": [0, 0]}));
    let expected = json!({"count": 2, "matches": [
        {"id": "a", "score": 0.5, "namespace": "n"},
        {"id": "b", "score": 1.0},
    ]});
    assert_eq!(answer, expected);

    let options = json!({
        "vector": [1, 0], "topK": 1, "namespace": "n", "returnValues": true,
        "returnMetadata": "all",
    });
    let expected = json!({"count": 1, "matches": [{
        "id": "a", "score": 0.5, "namespace": "n", "values": [0.5, 0.0], "metadata": {"x": [1]},
    }]});
    assert_eq!(query(&index, &options), expected);
}

#[test]
fn metadata_without_an_index_is_not_indexed() {
    let answer = query(&filled(), &json!({"vector": [0, 0], "returnMetadata": "indexed"}));
    assert_eq!(answer["matches"][0].get("metadata"), None);
}

#[test]
fn vectors_are_read_in_the_order_asked_for() {
    let mut index = filled();
    apply(&mut index, read_upsert(&[json!({"id": "a", "values": [3, 4]})]));
    let ids = ["b".to_owned(), "missing".to_owned(), "a".to_owned()];
    let expected = json!([{"id": "b", "values": [1.0, 0.0]}, {"id": "a", "values": [3.0, 4.0]}]);
    assert_eq!(vectors(&index, &ids), expected);
}

#[test]
fn deleting_what_is_not_there_is_no_error() {
    let mut index = filled();
    apply(&mut index, read_json(Method::DeleteByIds, &json!({"ids": ["a", "missing"]})));
    let processed = Processed { datetime: Some("now".into()), mutation: Some("m".into()) };
    let expected = json!({
        "dimensions": 2, "vectorCount": 1,
        "processedUpToDatetime": "now", "processedUpToMutation": "m",
    });
    assert_eq!(describe(&index, &processed), expected);
}

#[test]
fn refusals_of_queries_have_the_codes_and_texts_of_vectorize() {
    let refused = |body: Value, code: u32, text: &str| {
        refused(read_json(Method::Query, &body), Some(code), text);
    };
    refused(
        json!({"vector": [1]}),
        40006,
        "invalid query vector, expected 2 dimensions, and got 1 dimensions",
    );
    refused(
        json!({"vector": [1, 2], "topK": 51, "returnValues": true}),
        40025,
        "with returnValues=true or returnMetadata=all, max top K is 50, but got 51; for a top K \
         up to 100, retry with returnValues=false and returnMetadata=indexed",
    );
    refused(json!({"vector": [1, 2], "topK": 101}), 40025, "max top K is 100, but got 101");
    refused(
        json!({"vector": [1, 2], "namespace": "n".repeat(65)}),
        40009,
        "namespace too long; max is 64 bytes, got 65 bytes",
    );
}

#[test]
fn refusals_of_ids_have_the_codes_and_texts_of_vectorize() {
    for (method, max) in [(Method::DeleteByIds, 100), (Method::GetByIds, 20)] {
        let got = max + 1;
        refused(
            read_json(method, &json!({"ids": vec!["a"; got]})),
            Some(40007),
            &format!("too many ids in payload; max id count is {max}, got {got}"),
        );
        refused(
            read_json(method, &json!({"ids": ["a", "x".repeat(65)]})),
            Some(40008),
            "id too long; max is 64 bytes, got 65 bytes",
        );
        refused(read_json(method, &json!({"ids": [""]})), None, "id is empty");
    }
}

#[test]
fn refusals_of_vectors_have_the_codes_and_texts_of_vectorize() {
    let refused = |vector: Value, code: Option<u32>, text: &str| {
        refused(read_upsert(&[vector]), code, text);
    };
    refused(
        json!({"id": "é".repeat(33), "values": [1, 2]}),
        Some(40008),
        "id too long; max is 64 bytes, got 66 bytes",
    );
    refused(
        json!({"id": "a", "values": [1, 2, 3]}),
        Some(40012),
        "invalid vector for id=\"a\", expected 2 dimensions, and got 3 dimensions",
    );
    refused(
        json!({"id": "a", "values": [1, 2], "namespace": "n".repeat(65)}),
        Some(40009),
        "namespace too long; max is 64 bytes, got 65 bytes",
    );
    refused(
        json!({"id": "a", "values": [1, 2], "metadata": {"x": "x".repeat(10_240)}}),
        Some(40016),
        "oversized metadata for vector id=\"a\"; the compact JSON representation of the metadata \
         must not exceed 10240 bytes, got 10248 bytes",
    );
    for key in ["a.b", "$a", ""] {
        refused(
            json!({"id": "a", "values": [1, 2], "metadata": {key: 1}}),
            Some(40018),
            &format!("invalid metadata key \"{key}\" for vector id=\"a\""),
        );
    }
    for vector in [
        json!({"id": 7, "values": [1, 2]}),
        json!({"id": "a"}),
        json!({"id": "a", "values": [1, null]}),
        json!({"id": "a", "values": [1, 2], "metadata": "text"}),
    ] {
        let text = "failed to parse upsert vectors request in json format";
        refused(vector, Some(40023), text);
    }
    refused(json!({"id": "", "values": [1, 2]}), None, "id is empty");
    refused(
        json!({"id": "a", "values": [1, 1e39]}),
        None,
        "invalid vector for id=\"a\", not a float32 number",
    );
}

#[test]
fn unreadable_queries_are_refused() {
    for (body, text) in [
        (json!({"topK": 1}), "missing field `vector`"),
        (json!({"vector": [1, 1e39]}), "vector: a number is out of range"),
        // As in production, where only the binding makes something of `true` and `false`.
        (json!({"vector": [1, 2], "returnMetadata": false}), "returnMetadata: expected value"),
    ] {
        let refusal = read_json(Method::Query, &body).unwrap_err();
        assert_eq!(refusal.code, Some(40026));
        let text = format!("Failed to parse the request body as JSON: {text}");
        assert!(refusal.error.starts_with(&text), "{}", refusal.error);
    }
    assert_eq!(read(Method::Query, b"", DIMENSIONS).unwrap_err().code, Some(40026));
    let zero = json!({"vector": [1, 2], "topK": 0});
    refused(read_json(Method::Query, &zero), None, "min top K is 1, but got 0");
    let filter = json!({"vector": [1, 2], "filter": {"a": 1}});
    refused(read_json(Method::Query, &filter), None, "filters are not emulated");
}

#[test]
fn a_call_may_reach_each_limit() {
    let many: Vec<Value> =
        (0..=1000).map(|i| json!({"id": format!("{i}"), "values": [1, 2]})).collect();
    assert!(read_upsert(&many[1..]).is_ok());
    let text = "too many vectors in payload; max vector count is 1000, got 1001";
    refused(read_upsert(&many), None, text);
    assert!(read_json(Method::DeleteByIds, &json!({"ids": vec!["a"; 100]})).is_ok());
    assert!(read_json(Method::GetByIds, &json!({"ids": vec!["x".repeat(64); 20]})).is_ok());
    assert!(read_json(Method::Query, &json!({"vector": [1, 2], "topK": 100})).is_ok());
    let all = json!({"vector": [1, 2], "topK": 50, "returnMetadata": "all"});
    assert!(read_json(Method::Query, &all).is_ok());
}
