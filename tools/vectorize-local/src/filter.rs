//! Metadata filters: what of a vector's metadata is indexed, and which vectors a filter lets
//! through.
//!
//! A filter sees only what was indexed when the vector was written. What is not there counts as
//! null: `$ne` and `$nin` let it through, ranges do not.

use serde_json::{Map, Value};

use crate::{
    config::{Kind, MetadataIndex},
    fault::Fault,
    limits,
};

/// What is indexed of a vector: values by the names of their metadata indexes.
pub type Indexed = Map<String, Value>;

/// A filter that can be applied. All its conditions have to hold.
#[derive(Debug, PartialEq)]
pub struct Filter(Vec<Condition>);

#[derive(Debug, PartialEq)]
struct Condition {
    property: String,
    test: Test,
}

#[derive(Debug, PartialEq)]
enum Test {
    In(Vec<Value>),
    NotIn(Vec<Value>),
    Below { bound: Value, inclusive: bool },
    Above { bound: Value, inclusive: bool },
}

/// What the indexes hold of this metadata.
#[must_use]
pub fn indexed(metadata: &Map<String, Value>, indexes: &[MetadataIndex]) -> Indexed {
    let entry = |index: &MetadataIndex| {
        let mut parts = index.property.split('.');
        let first = metadata.get(parts.next()?)?;
        let value = parts.try_fold(first, |value, part| value.get(part))?;
        let fits = match index.kind {
            Kind::String => value.is_string(),
            Kind::Number => value.is_number(),
            Kind::Boolean => value.is_boolean(),
        };
        fits.then(|| (index.property.clone(), cut(value.clone())))
    };
    indexes.iter().filter_map(entry).collect()
}

/// Indexed values in the shape of the metadata that they come from.
#[must_use]
pub fn unfold(indexed: &Indexed) -> Map<String, Value> {
    let mut metadata = Map::new();
    for (property, value) in indexed {
        let (path, name) = property.rsplit_once('.').unwrap_or(("", property));
        let mut object = &mut metadata;
        for part in path.split('.').filter(|part| !part.is_empty()) {
            let inner = object.entry(part).or_insert_with(|| Value::Object(Map::new()));
            match inner {
                Value::Object(inner) => object = inner,
                // Two indexes of which one lies in the other's value: that has no such part.
                _ => return metadata,
            }
        }
        object.insert(name.to_owned(), value.clone());
    }
    metadata
}

/// A text as an index holds it; other values as they are.
fn cut(value: Value) -> Value {
    match value {
        Value::String(mut text) => {
            text.truncate(text.floor_char_boundary(limits::INDEXED_STRING_BYTES_MAX));
            Value::String(text)
        }
        other => other,
    }
}

impl Filter {
    /// Reads the option `filter` of a query.
    ///
    /// # Errors
    /// When it is empty or too large, has a key or an operator that cannot be, or combines
    /// operators that cannot be combined.
    pub fn read(filter: &Map<String, Value>) -> Result<Self, Fault> {
        let bytes = serde_json::to_string(filter).map_or(usize::MAX, |text| text.len());
        if bytes >= limits::FILTER_BYTES_END {
            let end = limits::FILTER_BYTES_END;
            return Err(invalid(format!("must be less than {end} bytes, got {bytes} bytes")));
        }
        let mut conditions = vec![];
        read_object("", filter, &mut conditions)?;
        Ok(Self(conditions))
    }

    /// Whether it lets a vector through.
    #[must_use]
    pub fn matches(&self, indexed: &Indexed) -> bool {
        self.0.iter().all(|condition| {
            let value = indexed.get(&condition.property).unwrap_or(&Value::Null);
            condition.test.holds(value)
        })
    }
}

impl Test {
    fn holds(&self, value: &Value) -> bool {
        let is_in = |list: &[Value]| list.iter().any(|other| equal(value, other));
        match self {
            Self::In(list) => is_in(list),
            Self::NotIn(list) => !is_in(list),
            Self::Below { bound, inclusive } => order(value, bound)
                .is_some_and(|order| order.is_lt() || *inclusive && order.is_eq()),
            Self::Above { bound, inclusive } => order(value, bound)
                .is_some_and(|order| order.is_gt() || *inclusive && order.is_eq()),
        }
    }
}

fn equal(a: &Value, b: &Value) -> bool {
    a == b || order(a, b).is_some_and(std::cmp::Ordering::is_eq)
}

/// The order of two numbers, or of two texts by their bytes.
fn order(a: &Value, b: &Value) -> Option<std::cmp::Ordering> {
    match (a, b) {
        (Value::Number(a), Value::Number(b)) => a.as_f64()?.partial_cmp(&b.as_f64()?),
        (Value::String(a), Value::String(b)) => Some(a.cmp(b)),
        _ => None,
    }
}

fn invalid(reason: impl std::fmt::Display) -> Fault {
    Fault::new(format!("invalid filter: {reason}"))
}

fn read_object(
    prefix: &str,
    object: &Map<String, Value>,
    conditions: &mut Vec<Condition>,
) -> Result<(), Fault> {
    if object.is_empty() {
        return Err(invalid("an object is empty"));
    }
    for (key, value) in object {
        let long = key.chars().count() > limits::FILTER_KEY_CHARS_MAX;
        if long || key.contains('"') || key.starts_with('$') || key.split('.').any(str::is_empty) {
            return Err(invalid(format_args!("key {key:?}")));
        }
        let property = format!("{prefix}{key}");
        match value {
            Value::Object(inner) if inner.keys().any(|key| key.starts_with('$')) => {
                read_operators(&property, inner, conditions)?;
            }
            Value::Object(inner) => read_object(&format!("{property}."), inner, conditions)?,
            value => {
                let test = Test::In(vec![scalar(value)?]);
                conditions.push(Condition { property, test });
            }
        }
    }
    Ok(())
}

fn read_operators(
    property: &str,
    operators: &Map<String, Value>,
    conditions: &mut Vec<Condition>,
) -> Result<(), Fault> {
    let tests = operators.iter().map(|(operator, value)| read_operator(operator, value));
    let tests: Vec<Test> = tests.collect::<Result<_, _>>()?;
    let below = tests.iter().filter(|test| matches!(test, Test::Below { .. })).count();
    let above = tests.iter().filter(|test| matches!(test, Test::Above { .. })).count();
    if tests.len() > 1 && (tests.len(), below, above) != (2, 1, 1) {
        let rule = "only an upper and a lower bound can be combined";
        return Err(invalid(format_args!("{rule}, for {property:?}")));
    }
    let property = property.to_owned();
    conditions.extend(tests.into_iter().map(|test| Condition { property: property.clone(), test }));
    Ok(())
}

fn read_operator(operator: &str, value: &Value) -> Result<Test, Fault> {
    let inclusive = operator.ends_with('e');
    Ok(match operator {
        "$eq" => Test::In(vec![scalar(value)?]),
        "$ne" => Test::NotIn(vec![scalar(value)?]),
        "$in" => Test::In(list(value)?),
        "$nin" => Test::NotIn(list(value)?),
        "$lt" | "$lte" => Test::Below { bound: bound(value)?, inclusive },
        "$gt" | "$gte" => Test::Above { bound: bound(value)?, inclusive },
        _ => return Err(invalid(format_args!("unknown operator {operator:?}"))),
    })
}

fn scalar(value: &Value) -> Result<Value, Fault> {
    match value {
        Value::Array(_) | Value::Object(_) => {
            Err(invalid("values are strings, numbers, booleans or null"))
        }
        value => Ok(cut(value.clone())),
    }
}

fn list(value: &Value) -> Result<Vec<Value>, Fault> {
    let values = value.as_array().ok_or_else(|| invalid("$in and $nin take arrays"))?;
    values.iter().map(scalar).collect()
}

fn bound(value: &Value) -> Result<Value, Fault> {
    match value {
        Value::Number(_) | Value::String(_) => scalar(value),
        _ => Err(invalid("bounds are strings or numbers")),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::config::Config;

    fn config() -> Config {
        let indexes = "city:string, year:number, sold:boolean, artist.name:string";
        Config::read("2", "euclidean", indexes).unwrap()
    }

    fn read(filter: &Value) -> Result<Filter, Fault> {
        Filter::read(filter.as_object().unwrap())
    }

    #[track_caller]
    fn check(filter: &Value, expected: bool) {
        let metadata = json!({
            "city": "Brno", "year": 1930, "sold": false, "artist": {"name": "Toyen"}, "other": 1,
        });
        let indexed = indexed(metadata.as_object().unwrap(), &config().metadata_indexes);
        assert_eq!(read(filter).unwrap().matches(&indexed), expected, "{filter}");
    }

    #[test]
    fn operators_do_what_the_documentation_says() {
        for (filter, expected) in [
            (json!({"city": "Brno"}), true),
            (json!({"city": "Praha"}), false),
            (json!({"year": 1930.0}), true),
            (json!({"sold": {"$eq": false}}), true),
            (json!({"sold": {"$ne": false}}), false),
            (json!({"city": {"$in": ["Praha", "Brno"]}}), true),
            (json!({"city": {"$nin": ["Praha", "Brno"]}}), false),
            (json!({"year": {"$lt": 1930}}), false),
            (json!({"year": {"$lte": 1930}}), true),
            (json!({"year": {"$gt": 1930}}), false),
            (json!({"year": {"$gte": 1930}}), true),
            (json!({"year": {"$gte": 1900, "$lt": 1930}}), false),
            (json!({"year": {"$gt": 1900, "$lte": 1930}}), true),
            (json!({"city": {"$gte": "B", "$lt": "C"}}), true),
            (json!({"artist.name": "Toyen"}), true),
            (json!({"artist": {"name": {"$ne": "Toyen"}}}), false),
            (json!({"city": "Brno", "sold": true}), false),
        ] {
            check(&filter, expected);
        }
    }

    #[test]
    fn what_is_not_indexed_is_null() {
        check(&json!({"other": 1}), false);
        check(&json!({"other": null}), true);
        check(&json!({"other": {"$ne": 1}}), true);
        check(&json!({"other": {"$lt": 5}}), false);
        check(&json!({"year": {"$gt": "1"}}), false);
    }

    #[test]
    fn only_values_of_the_type_of_the_index_are_in_it() {
        let metadata = json!({"city": 7, "year": "1930", "sold": "no"});
        let indexed = indexed(metadata.as_object().unwrap(), &config().metadata_indexes);
        assert_eq!(indexed, Map::new());
    }

    #[test]
    fn long_texts_are_cut_between_characters() {
        let metadata = json!({"city": "é".repeat(40), "artist": {"name": "a".repeat(65)}});
        let indexed = indexed(metadata.as_object().unwrap(), &config().metadata_indexes);
        assert_eq!(indexed["city"], "é".repeat(32));
        assert_eq!(indexed["artist.name"], "a".repeat(64));
        let expected = json!({"city": "é".repeat(32), "artist": {"name": "a".repeat(64)}});
        assert_eq!(Value::Object(unfold(&indexed)), expected);
        assert!(read(&json!({"artist.name": "a".repeat(65)})).unwrap().matches(&indexed));
    }

    #[test]
    fn filters_that_cannot_be_are_refused() {
        for filter in [
            json!({}),
            json!({"": 1}),
            json!({"$a": 1}),
            json!({"a\"b": 1}),
            json!({"a..b": 1}),
            json!({"x".repeat(513): 1}),
            json!({"a": "x".repeat(2048)}),
            json!({"a": [1]}),
            json!({"a": {}}),
            json!({"a": {"$or": 1}}),
            json!({"a": {"$in": 1}}),
            json!({"a": {"$lt": true}}),
            json!({"a": {"$lt": 1, "$lte": 2}}),
            json!({"a": {"$gt": 1, "$ne": 2}}),
            json!({"a": {"$gt": 1, "b": 2}}),
        ] {
            assert!(read(&filter).is_err(), "{filter}");
        }
    }
}
