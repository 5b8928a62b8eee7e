//! The interface against what is known of Vectorize.

use super::*;

fn config() -> Config {
    Config::read("2", "euclidean", "name:string").unwrap()
}

fn read_json(operation: &str, body: &Value) -> Result<Command, Fault> {
    read(operation, false, body.to_string().as_bytes(), &config())
}

/// Applies a write and returns the index.
fn write(index: &mut Index, operation: &str, body: &Value) {
    let Ok(Command::Write(write)) = read_json(operation, body) else { panic!("refused") };
    for change in write.changes(index) {
        index.apply(change);
    }
}

fn query(index: &Index, body: &Value) -> Value {
    let Ok(Command::Query(query)) = read_json("query", body) else { panic!("refused") };
    query.answer(index).unwrap()
}

fn filled() -> Index {
    let mut index = Index::new(config());
    let vectors = json!([
        {"id": "a", "values": [0.5, 0], "namespace": "n", "metadata": {"name": "A", "x": [1]}},
        {"id": "b", "values": [1, 0]},
    ]);
    write(&mut index, "upsert", &json!({ "vectors": vectors }));
    index
}

#[track_caller]
fn refused(operation: &str, body: &Value, code: Option<u32>, text: &str) {
    let fault = read_json(operation, body).unwrap_err();
    assert_eq!((fault.code, fault.error.as_str()), (code, text));
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
        "vectorId": "b", "topK": 1, "namespace": "n", "returnValues": true, "returnMetadata": "all",
    });
    let expected = json!({"count": 1, "matches": [{
        "id": "a", "score": 0.5, "namespace": "n", "values": [0.5, 0.0],
        "metadata": {"name": "A", "x": [1]},
    }]});
    assert_eq!(query(&index, &options), expected);
}

#[test]
fn indexed_metadata_is_what_has_a_metadata_index() {
    let answer = query(&filled(), &json!({"vector": [0, 0], "returnMetadata": "indexed"}));
    assert_eq!(answer["matches"][0]["metadata"], json!({"name": "A"}));
    assert_eq!(answer["matches"][1].get("metadata"), None);
}

#[test]
fn filters_are_applied_before_matches_are_counted() {
    let options = json!({"vector": [1, 0], "topK": 1, "filter": {"name": "A"}});
    let answer = query(&filled(), &options);
    assert_eq!((&answer["count"], &answer["matches"][0]["id"]), (&json!(1), &json!("a")));
}

#[test]
fn an_insert_keeps_what_is_there() {
    let mut index = filled();
    let vectors = json!([
        {"id": "b", "values": [9, 9]},
        {"id": "c", "values": [1, 1]},
        {"id": "c", "values": [2, 2]},
    ]);
    write(&mut index, "insert", &json!({ "vectors": vectors }));
    assert_eq!(index.get("b").unwrap().values, [1.0, 0.0]);
    assert_eq!(index.get("c").unwrap().values, [1.0, 1.0]);
}

#[test]
fn an_upsert_replaces_metadata_too() {
    let mut index = filled();
    write(&mut index, "upsert", &json!({"vectors": [{"id": "a", "values": [3, 4]}]}));
    let ids = ["b".to_owned(), "missing".to_owned(), "a".to_owned()];
    let expected = json!([{"id": "b", "values": [1.0, 0.0]}, {"id": "a", "values": [3.0, 4.0]}]);
    assert_eq!(vectors(&index, &ids), expected);
}

#[test]
fn deleting_what_is_not_there_is_no_error() {
    let mut index = filled();
    write(&mut index, "deleteByIds", &json!({"ids": ["a", "missing"]}));
    assert_eq!(info(&index, &Processed::default())["vectorCount"], 1);
    assert_eq!(info(&index, &Processed::default())["dimensions"], 2);
}

#[test]
fn vectors_may_come_line_by_line() {
    let body = b"{\"id\":\"a\",\"values\":[1,2]}\n{\"id\":\"b\",\"values\":[3,4]}";
    let command = read("insert", true, body, &config()).unwrap();
    let Command::Write(Write::Insert(vectors)) = command else { panic!("not an insert") };
    assert_eq!(vectors.len(), 2);
    assert_eq!(read("insert", true, b"{\"id\"", &config()).unwrap_err().code, Some(40023));
}

#[test]
fn refusals_have_the_codes_and_texts_of_vectorize() {
    refused(
        "query",
        &json!({"vector": [1]}),
        Some(40006),
        "invalid query vector, expected 2 dimensions, and got 1 dimensions",
    );
    refused(
        "deleteByIds",
        &json!({"ids": vec!["a"; 101]}),
        Some(40007),
        "too many ids in payload; max id count is 100, got 101",
    );
    refused(
        "getByIds",
        &json!({"ids": vec!["a"; 21]}),
        Some(40007),
        "too many ids in payload; max id count is 20, got 21",
    );
    refused(
        "upsert",
        &json!({"vectors": [{"id": "é".repeat(33), "values": [1, 2]}]}),
        Some(40008),
        "id too long; max is 64 bytes, got 66 bytes",
    );
    refused(
        "upsert",
        &json!({"vectors": [{"id": "a", "values": [1, 2, 3]}]}),
        Some(40012),
        "invalid vector for id=\"a\", expected 2 dimensions, and got 3 dimensions",
    );
    refused(
        "upsert",
        &json!({"vectors": [{"id": 7, "values": [1, 2]}]}),
        Some(40023),
        "failed to parse upsert vectors request in json format",
    );
    refused(
        "query",
        &json!({"vector": [1, 2], "topK": 51, "returnValues": true}),
        Some(40025),
        "with returnValues=true or returnMetadata=all, max top K is 50, but got 51; for a top K \
         up to 100, retry with returnValues=false and returnMetadata=indexed",
    );
    refused(
        "query",
        &json!({"vector": [1, 2], "topK": 101}),
        Some(40025),
        "max top K is 100, but got 101",
    );
}

#[test]
fn return_metadata_false_is_refused_as_in_production() {
    let fault = read_json("query", &json!({"vector": [1, 2], "returnMetadata": false}));
    let fault = fault.unwrap_err();
    assert_eq!(fault.code, Some(40026));
    let text = "Failed to parse the request body as JSON: returnMetadata: expected value";
    assert!(fault.error.starts_with(text), "{}", fault.error);
}

#[test]
fn limits_are_reached_before_they_are_passed() {
    let many: Vec<Value> =
        (0..1000).map(|i| json!({"id": format!("{i}"), "values": [1, 2]})).collect();
    assert!(read_json("upsert", &json!({ "vectors": many })).is_ok());
    assert!(read_json("deleteByIds", &json!({"ids": vec!["a"; 100]})).is_ok());
    assert!(read_json("getByIds", &json!({"ids": vec!["x".repeat(64); 20]})).is_ok());
    assert!(read_json("query", &json!({"vector": [1, 2], "topK": 100})).is_ok());
    let all = json!({"vector": [1, 2], "topK": 50, "returnMetadata": "all"});
    assert!(read_json("query", &all).is_ok());
}

#[test]
fn what_cannot_be_stored_is_refused() {
    let vector = |extra: Value| {
        let mut vector = json!({"id": "a", "values": [1, 2]});
        vector.as_object_mut().unwrap().extend(extra.as_object().unwrap().clone());
        json!({ "vectors": [vector] })
    };
    for extra in [
        json!({"id": ""}),
        json!({"values": [1, null]}),
        json!({"values": [1, 1e39]}),
        json!({"namespace": "n".repeat(65)}),
        json!({"metadata": {"a.b": 1}}),
        json!({"metadata": {"$a": 1}}),
        json!({"metadata": {"": 1}}),
        json!({"metadata": {"a": "x".repeat(11_000)}}),
        json!({"metadata": "text"}),
    ] {
        assert!(read_json("upsert", &vector(extra.clone())).is_err(), "{extra}");
    }
    assert!(read_json("query", &json!({"vector": [1, 2], "filter": {"a": [1]}})).is_err());
    assert!(read_json("query", &json!({"topK": 1})).is_err());
    assert!(read_json("query", &json!({"vector": [1, 2], "topK": 0})).is_err());
    assert!(read("query", false, b"", &config()).is_err());
    assert!(read("list", false, b"", &config()).is_err());
}

#[test]
fn a_query_by_an_unknown_id_is_refused() {
    let Ok(Command::Query(query)) = read_json("query", &json!({"vectorId": "zz"})) else {
        panic!("refused")
    };
    assert_eq!(query.answer(&filled()).unwrap_err().error, "no vector with id \"zz\"");
}
