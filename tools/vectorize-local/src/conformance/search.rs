//! Searching: scores, order, scope, and what comes back.

use serde_json::{Value, json};

use super::{Method, Session, Stop, Test, close, same, same_values};
use crate::metric::Metric;

pub(super) const TESTS: &[(&str, Test)] = &[
    ("matches_have_ids_and_scores_only", matches_have_ids_and_scores_only),
    ("matches_have_what_is_asked_for", matches_have_what_is_asked_for),
    ("indexed_metadata_is_what_is_indexed", indexed_metadata_is_what_is_indexed),
    ("scores_are_those_of_the_metric", scores_are_those_of_the_metric),
    ("the_nearest_comes_first", the_nearest_comes_first),
    ("a_vector_finds_itself", a_vector_finds_itself),
    ("stored_vectors_can_be_searched_by", stored_vectors_can_be_searched_by),
    ("five_matches_are_the_default", five_matches_are_the_default),
    ("a_hundred_matches_can_be_had", a_hundred_matches_can_be_had),
    ("more_than_a_hundred_cannot", more_than_a_hundred_cannot),
    ("fifty_can_be_had_with_content", fifty_can_be_had_with_content),
    ("more_than_fifty_cannot_with_content", more_than_fifty_cannot_with_content),
    ("namespaces_divide_the_index", namespaces_divide_the_index),
    ("wrong_dimensions_are_refused", wrong_dimensions_are_refused),
    ("numbers_that_are_none_are_refused", numbers_that_are_none_are_refused),
    ("false_is_no_kind_of_metadata", false_is_no_kind_of_metadata),
    ("true_is_all_metadata", true_is_all_metadata),
    ("other_kinds_of_metadata_are_refused", other_kinds_of_metadata_are_refused),
    ("filters_compare_for_equality", filters_compare_for_equality),
    ("filters_take_lists", filters_take_lists),
    ("filters_take_bounds", filters_take_bounds),
    ("filters_look_into_objects", filters_look_into_objects),
    ("filters_hold_all_at_once", filters_hold_all_at_once),
    ("filters_come_before_counting", filters_come_before_counting),
    ("what_has_no_index_is_not_found", what_has_no_index_is_not_found),
    ("long_texts_match_by_their_beginning", long_texts_match_by_their_beginning),
    ("filters_that_cannot_be_are_refused", filters_that_cannot_be_are_refused),
];

/// Stores vectors under the names 0, 1, 2 and so on.
fn store(session: &Session<'_>, count: u32) -> Result<(), Stop> {
    let vectors: Vec<Value> =
        (0..count).map(|i| session.stored(&format!("{i}"), i, json!(null))).collect();
    session.write(Method::Upsert, json!(vectors))
}

fn keys(found: &Value) -> Vec<&str> {
    let mut keys: Vec<_> = found.as_object().into_iter().flat_map(|o| o.keys()).collect();
    keys.sort();
    keys.into_iter().map(String::as_str).collect()
}

fn matches_have_ids_and_scores_only(session: &Session<'_>) -> Result<(), Stop> {
    session.write(Method::Upsert, json!([session.stored("a", 1, json!({"city": "Brno"}))]))?;
    let answer = session.query(&session.vector(1), json!({}))?;
    same("count", &answer["count"], &json!(1))?;
    same("keys", &keys(&answer["matches"][0]), &vec!["id", "namespace", "score"])?;
    let none = session.query(&session.vector(1), json!({"returnMetadata": "none"}))?;
    same("none", &none["matches"][0].get("metadata"), &None)
}

fn matches_have_what_is_asked_for(session: &Session<'_>) -> Result<(), Stop> {
    let vector = session.stored("a", 1, json!({"city": "Brno", "x": [1, {"y": null}]}));
    session.write(Method::Upsert, json!([vector]))?;
    let options = json!({"returnValues": true, "returnMetadata": "all"});
    let answer = session.query(&session.vector(1), options)?;
    same_values(&answer["matches"][0]["values"], &vector["values"])?;
    for key in ["id", "metadata", "namespace"] {
        same(key, &answer["matches"][0][key], &vector[key])?;
    }
    Ok(())
}

fn indexed_metadata_is_what_is_indexed(session: &Session<'_>) -> Result<(), Stop> {
    let metadata = json!({"city": "Brno", "year": 1930, "other": 1});
    session.write(Method::Upsert, json!([session.stored("a", 1, metadata)]))?;
    let answer = session.query(&session.vector(1), json!({"returnMetadata": "indexed"}))?;
    let expected = json!({"city": "Brno", "year": 1930});
    let metadata = &answer["matches"][0]["metadata"];
    same("city", &metadata["city"], &expected["city"])?;
    same("year", &metadata["year"].as_f64(), &Some(1930.0))?;
    same("other", &metadata.get("other"), &None)
}

fn scores_are_those_of_the_metric(session: &Session<'_>) -> Result<(), Stop> {
    store(session, 20)?;
    let query = session.vector(99);
    // With values, scores are exact in Cloudflare too.
    let answer = session.query(&query, json!({"topK": 20, "returnValues": true}))?;
    same("count", &answer["count"], &json!(20))?;
    for i in 0..20 {
        let id = session.id(&format!("{i}"));
        let found = answer["matches"].as_array().into_iter().flatten();
        let found = found.into_iter().find(|found| found["id"] == id);
        let score = session.score(&query, &session.vector(i));
        close(&id, found.map_or(&Value::Null, |found| &found["score"]), score)?;
    }
    Ok(())
}

fn the_nearest_comes_first(session: &Session<'_>) -> Result<(), Stop> {
    store(session, 20)?;
    let query = session.vector(99);
    let found = session.found(&query, json!({"topK": 10, "returnValues": true}))?;
    let mut expected: Vec<(f64, String)> =
        (0..20).map(|i| (session.score(&query, &session.vector(i)), format!("{i}"))).collect();
    expected.sort_by(|a, b| a.0.total_cmp(&b.0));
    if session.config.metric == Metric::Cosine {
        expected.reverse();
    }
    let expected: Vec<String> = expected.into_iter().take(10).map(|(_, name)| name).collect();
    same("order", &found, &expected)
}

fn a_vector_finds_itself(session: &Session<'_>) -> Result<(), Stop> {
    store(session, 5)?;
    let vector = session.vector(3);
    let answer = session.query(&vector, json!({"topK": 5, "returnValues": true}))?;
    let id = session.id("3");
    let itself = answer["matches"].as_array().into_iter().flatten().find(|one| one["id"] == id);
    let score = itself.map_or(&Value::Null, |itself| &itself["score"]);
    close("score", score, session.score(&vector, &vector))
}

fn stored_vectors_can_be_searched_by(session: &Session<'_>) -> Result<(), Stop> {
    store(session, 10)?;
    let options = json!({"topK": 4, "namespace": session.namespace(), "returnValues": true});
    let by_id = session.call(Method::QueryById, &[json!(session.id("3")), options.clone()])?;
    let by_value = session.query(&session.vector(3), options)?;
    same("matches", &by_id, &by_value)
}

fn five_matches_are_the_default(session: &Session<'_>) -> Result<(), Stop> {
    store(session, 7)?;
    same("found", &session.found(&session.vector(1), json!({}))?.len(), &5)?;
    same("three", &session.found(&session.vector(1), json!({"topK": 3}))?.len(), &3)
}

fn a_hundred_matches_can_be_had(session: &Session<'_>) -> Result<(), Stop> {
    store(session, 101)?;
    for metadata in ["none", "indexed"] {
        let options = json!({"topK": 100, "returnMetadata": metadata});
        same("found", &session.found(&session.vector(1), options)?.len(), &100)?;
    }
    Ok(())
}

fn more_than_a_hundred_cannot(session: &Session<'_>) -> Result<(), Stop> {
    let arguments = [json!(session.vector(1)), json!({"topK": 101})];
    session.refused(Method::Query, &arguments, Some(40025), "")
}

fn fifty_can_be_had_with_content(session: &Session<'_>) -> Result<(), Stop> {
    store(session, 51)?;
    for options in
        [json!({"topK": 50, "returnValues": true}), json!({"topK": 50, "returnMetadata": "all"})]
    {
        same("found", &session.found(&session.vector(1), options)?.len(), &50)?;
    }
    Ok(())
}

fn more_than_fifty_cannot_with_content(session: &Session<'_>) -> Result<(), Stop> {
    let text = "with returnValues=true or returnMetadata=all, max top K is 50, but got 51; for a \
                top K up to 100, retry with returnValues=false and returnMetadata=indexed";
    for options in
        [json!({"topK": 51, "returnValues": true}), json!({"topK": 51, "returnMetadata": "all"})]
    {
        let arguments = [json!(session.vector(1)), options];
        session.refused(Method::Query, &arguments, Some(40025), text)?;
    }
    Ok(())
}

fn namespaces_divide_the_index(session: &Session<'_>) -> Result<(), Stop> {
    let mut other = session.stored("other", 1, json!(null));
    other["namespace"] = json!(session.id("other"));
    session.write(Method::Upsert, json!([session.stored("a", 1, json!(null)), other]))?;
    let found =
        |namespace: String| session.found(&session.vector(1), json!({ "namespace": namespace }));
    same("its own", &found(session.namespace())?, &vec!["a".to_owned()])?;
    same("the other", &found(session.id("other"))?, &vec!["other".to_owned()])?;
    same("a third", &found(session.id("third"))?, &vec![])
}

fn wrong_dimensions_are_refused(session: &Session<'_>) -> Result<(), Stop> {
    let dimensions = session.config.dimensions;
    for got in [0, dimensions - 1, dimensions + 1] {
        let text = format!(
            "invalid query vector, expected {dimensions} dimensions, and got {got} dimensions"
        );
        let arguments = [json!(vec![0.5; got]), json!({})];
        session.refused(Method::Query, &arguments, Some(40006), &text)?;
    }
    Ok(())
}

/// JSON has no not-a-number: the binding makes null of it.
fn numbers_that_are_none_are_refused(session: &Session<'_>) -> Result<(), Stop> {
    let mut vector = json!(session.vector(1));
    vector[0] = Value::Null;
    let text = "Failed to parse the request body as JSON";
    session.refused(Method::Query, &[vector, json!({})], Some(40026), text)
}

fn false_is_no_kind_of_metadata(session: &Session<'_>) -> Result<(), Stop> {
    let arguments = [json!(session.vector(1)), json!({"returnMetadata": false})];
    let text = "Failed to parse the request body as JSON: returnMetadata: expected value";
    session.refused(Method::Query, &arguments, Some(40026), text)
}

/// The binding says `all` for it.
fn true_is_all_metadata(session: &Session<'_>) -> Result<(), Stop> {
    session.needs_binding()?;
    session.write(Method::Upsert, json!([session.stored("a", 1, json!({"x": 1}))]))?;
    let answer = session.query(&session.vector(1), json!({"returnMetadata": true}))?;
    same("metadata", &answer["matches"][0]["metadata"], &json!({"x": 1}))
}

/// By the binding, without asking the index.
fn other_kinds_of_metadata_are_refused(session: &Session<'_>) -> Result<(), Stop> {
    session.needs_binding()?;
    let arguments = [json!(session.vector(1)), json!({"returnMetadata": "some"})];
    let wanted = "Invalid returnMetadata option. Expected: true, false, \"none\", \"indexed\" or \
                  \"all\"; got: some";
    match session.target.call(Method::Query, &arguments) {
        Err(fault) => same("text", &fault.error.as_str(), &wanted),
        Ok(_) => Err("it is taken".to_owned().into()),
    }
}

/// Three works of art, and one without metadata.
fn store_art(session: &Session<'_>) -> Result<(), Stop> {
    let toyen = json!({"city": "Brno", "year": 1930, "sold": false, "artist": {"name": "Toyen"}});
    let kupka = json!({"city": "Praha", "year": 1912, "sold": true, "artist": {"name": "Kupka"}});
    let mucha = json!({"city": "Praha", "year": 1894.5, "sold": false});
    session.write(
        Method::Upsert,
        json!([
            session.stored("toyen", 1, toyen),
            session.stored("kupka", 2, kupka),
            session.stored("mucha", 3, mucha),
        ]),
    )
}

/// Checks what filters let through.
fn filters(session: &Session<'_>, cases: &[(Value, &[&str])]) -> Result<(), Stop> {
    store_art(session)?;
    for (filter, expected) in cases {
        let mut found = session.found(&session.vector(1), json!({ "filter": filter }))?;
        found.sort();
        let expected: Vec<String> = expected.iter().map(|&name| name.to_owned()).collect();
        same(&filter.to_string(), &found, &expected)?;
    }
    Ok(())
}

fn filters_compare_for_equality(session: &Session<'_>) -> Result<(), Stop> {
    filters(
        session,
        &[
            (json!({"city": "Praha"}), &["kupka", "mucha"]),
            (json!({"city": {"$eq": "Brno"}}), &["toyen"]),
            (json!({"city": {"$ne": "Praha"}}), &["toyen"]),
            (json!({"year": 1894.5}), &["mucha"]),
            (json!({"year": 1930.0}), &["toyen"]),
            (json!({"sold": true}), &["kupka"]),
            (json!({"sold": {"$ne": true}}), &["mucha", "toyen"]),
            (json!({"city": "Wien"}), &[]),
        ],
    )
}

fn filters_take_lists(session: &Session<'_>) -> Result<(), Stop> {
    filters(
        session,
        &[
            (json!({"city": {"$in": ["Brno", "Wien"]}}), &["toyen"]),
            (json!({"city": {"$nin": ["Brno", "Wien"]}}), &["kupka", "mucha"]),
            (json!({"year": {"$in": [1912, 1930]}}), &["kupka", "toyen"]),
        ],
    )
}

fn filters_take_bounds(session: &Session<'_>) -> Result<(), Stop> {
    filters(
        session,
        &[
            (json!({"year": {"$lt": 1912}}), &["mucha"]),
            (json!({"year": {"$lte": 1912}}), &["kupka", "mucha"]),
            (json!({"year": {"$gt": 1912}}), &["toyen"]),
            (json!({"year": {"$gte": 1912}}), &["kupka", "toyen"]),
            (json!({"year": {"$gt": 1894, "$lt": 1930}}), &["kupka", "mucha"]),
            (json!({"city": {"$gte": "P", "$lt": "Q"}}), &["kupka", "mucha"]),
        ],
    )
}

fn filters_look_into_objects(session: &Session<'_>) -> Result<(), Stop> {
    filters(session, &[(json!({"artist.name": "Kupka"}), &["kupka"])])
}

fn filters_hold_all_at_once(session: &Session<'_>) -> Result<(), Stop> {
    filters(session, &[(json!({"city": "Praha", "sold": false}), &["mucha"])])
}

fn filters_come_before_counting(session: &Session<'_>) -> Result<(), Stop> {
    store_art(session)?;
    // The nearest is another.
    let options = json!({"topK": 1, "filter": {"city": "Praha", "sold": true}});
    same("found", &session.found(&session.vector(1), options)?, &vec!["kupka".to_owned()])
}

fn what_has_no_index_is_not_found(session: &Session<'_>) -> Result<(), Stop> {
    session.write(Method::Upsert, json!([session.stored("a", 1, json!({"other": 1}))]))?;
    let found = session.found(&session.vector(1), json!({"filter": {"other": 1}}))?;
    same("found", &found, &vec![])
}

fn long_texts_match_by_their_beginning(session: &Session<'_>) -> Result<(), Stop> {
    let city = "x".repeat(70);
    session.write(Method::Upsert, json!([session.stored("a", 1, json!({"city": city}))]))?;
    let filter = json!({"filter": {"city": "x".repeat(64)}});
    same("found", &session.found(&session.vector(1), filter)?, &vec!["a".to_owned()])
}

fn filters_that_cannot_be_are_refused(session: &Session<'_>) -> Result<(), Stop> {
    for filter in [
        json!({}),
        json!({"city": "x".repeat(2048)}),
        json!({"": 1}),
        json!({"$city": 1}),
        json!({"city": {"$like": "x"}}),
        json!({"year": {"$lt": 1, "$lte": 2}}),
        json!({"year": {"$gt": true}}),
    ] {
        let arguments = [json!(session.vector(1)), json!({ "filter": filter })];
        session.refused(Method::Query, &arguments, None, "")?;
    }
    Ok(())
}
