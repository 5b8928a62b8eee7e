//! The query strings of `/faces`, by which an operator goes through all faces or deletes them.

use wire::faces::is_id;
use wire::{Kind, Problem};

/// The id after which the list shall go on, if there is one. Unknown parameters are skipped.
///
/// # Errors
/// 400 when it does not have the form of an id, or comes twice.
pub fn after(query: &str) -> Result<Option<&str>, Problem> {
    let after = only(query, "after")?;
    if after.is_none_or(is_id) {
        return Ok(after);
    }
    Err(Problem::new(Kind::Malformed, "`after` is the `next` of the page before."))
}

/// Whether the faces of everybody are meant. Unknown parameters are skipped.
///
/// # Errors
/// 400 when it says something other than `all=true`, or says it twice.
pub fn all(query: &str) -> Result<bool, Problem> {
    match only(query, "all")? {
        None => Ok(false),
        Some("true") => Ok(true),
        Some(_) => Err(Problem::new(Kind::Malformed, "`all` can only be `true`.")),
    }
}

/// The value of a parameter that comes once or not at all.
fn only<'a>(query: &'a str, name: &str) -> Result<Option<&'a str>, Problem> {
    let pairs = query.split('&').map(|pair| pair.split_once('=').unwrap_or((pair, "")));
    let mut values = pairs.filter_map(|(key, value)| (key == name).then_some(value));
    match (values.next(), values.next()) {
        (value, None) => Ok(value),
        _ => Err(Problem::new(Kind::Malformed, format!("The query string has `{name}` twice."))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everybody_is_meant_only_if_it_is_said_plainly() {
        for (query, expected) in [("", false), ("x=1", false), ("all=true", true)] {
            assert_eq!(all(query).unwrap(), expected, "{query}");
        }
        assert!(all("utm=1&all=true").unwrap());
        for query in ["all", "all=", "all=false", "all=TRUE", "all=true&all=true"] {
            assert_eq!(all(query).unwrap_err().kind, Kind::Malformed, "{query}");
        }
    }

    #[test]
    fn a_list_goes_on_after_an_id() {
        let id = "0123456789abcdef0123456789abcdef";
        assert_eq!(after(&format!("after={id}")).unwrap(), Some(id));
        assert_eq!(after("").unwrap(), None);
        for query in ["after=", "after=x", "after=gone/x", &format!("after={id}&after={id}")] {
            assert_eq!(after(query).unwrap_err().kind, Kind::Malformed, "{query}");
        }
    }
}
