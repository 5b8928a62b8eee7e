//! The messages between `cface` and `cface-vectorize`, and the checks of their fields. They cross a
//! service binding, never the public network, as JSON over `fetch`:
//!
//! | request | body | answer |
//! | --- | --- | --- |
//! | `POST /add` | [`Enrol`] | 201 [`Enrolled`] |
//! | `GET /addition` | `Authorization: Bearer <delete_token>` | 204: a picture can be added |
//! | `POST /match` | [`Search`] | 200 [`Neighbours`] |
//! | `GET /faces/{id}` | | 200 `image/jpeg` |
//! | `GET /faces/{id}/status` | | 200 [`Status`] |
//! | `DELETE /faces/{id}`, `DELETE /faces` | `Authorization: Bearer <delete_token>` | 204, 202 |
//! | `GET /admin/faces`, and with `?after={id}` | | 200 [`Listing`] |
//! | `DELETE /admin/faces/{id}`, `DELETE /admin/faces` | | 204, 202 |
//! | `GET /health` | | 200 [`StoreHealth`] when index and bucket answer |
//!
//! 202: the faces match nobody any more, but the index has not taken the deletion yet.
//! Anything else is a [`Problem`].
//!
//! The two Workers are deployed one after the other, and each can be rolled back alone. So a
//! request names the [`VERSION`] of all this, and the private Worker answers none of another
//! version.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::limits::NAME_CHARS_MAX;
use crate::{Kind, Problem};

/// The version of messages and routes. Raise it when code of the version before would misread a
/// request or an answer. A new field of an answer that may be missing is no such change. A new
/// field of a request is one, because readers refuse unknown fields: unless it is left out where it
/// says nothing.
pub const VERSION: u32 = 1;

/// The header of a request that names the version.
pub const VERSION_HEADER: &str = "x-cface-wire";

/// Checks the version that a request names. A request that names none comes from a developer.
///
/// # Errors
/// 503 when it is another version: both Workers will soon have the same.
pub fn check_version(named: Option<&str>) -> Result<(), Problem> {
    if named.is_none_or(|named| named == VERSION.to_string()) {
        return Ok(());
    }
    Err(Problem::try_again(Kind::Unavailable, "The store is being updated."))
}

/// A face to be stored.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Enrol {
    /// The Vectorize namespace. Each model and pipeline has its own, so that their embeddings are
    /// never compared.
    pub namespace: String,
    /// The person's name, already checked by [`check_name`].
    pub name: String,
    /// The L2-normalised embedding of `picture`, 512 numbers.
    pub embedding: Vec<f32>,
    /// The token of the person, already checked by [`is_token`] where it is a new one. Without a
    /// token the person is new, and the store makes one. With one, the same request can be sent
    /// again: it stores the same face.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub delete_token: Option<String>,
    /// Whether there must be somebody under the token already.
    #[serde(default)]
    pub must_exist: bool,
    /// The crop as JPEG.
    #[serde(serialize_with = "to_base64", deserialize_with = "from_base64")]
    pub picture: Vec<u8>,
}

/// A face that was stored.
#[derive(Debug, Serialize, Deserialize)]
pub struct Enrolled {
    /// 32 hexadecimal digits, which look random without the token.
    pub id: String,
    /// The name as stored.
    pub name: String,
    /// 64 hexadecimal digits. Whoever holds them can delete the person's faces and add more. Only
    /// their hash is kept.
    pub delete_token: String,
    /// Pictures of the person, this one included.
    pub pictures: usize,
    /// When the daily purge will remove the face, RFC 3339 in UTC.
    pub expires_at: String,
    /// Whether a search is known to find the face already. The index may take some minutes to apply
    /// a write; [`Status`] tells when it has.
    pub searchable: bool,
}

/// Whether a stored face is found, and until when it exists.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Status {
    /// As in [`Enrolled`].
    pub id: String,
    /// Whether a search finds the face.
    pub searchable: bool,
    /// As in [`Enrolled`].
    pub expires_at: String,
}

/// A search for the nearest people.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Search {
    /// As in [`Enrol`].
    pub namespace: String,
    /// The L2-normalised query, 512 numbers.
    pub embedding: Vec<f32>,
    /// How many people to return at most, 1 to [`TOP_K_MAX`](crate::limits::TOP_K_MAX).
    pub top_k: u32,
    /// People farther away than this L2 distance are not returned, 0 to 2.
    pub distance_max: f32,
}

/// The answer to a [`Search`], nearest first.
#[derive(Debug, Default, Serialize, Deserialize)]
pub struct Neighbours {
    /// People, each once.
    pub matches: Vec<Neighbour>,
    /// Whether there may be further people who are near enough. The index returns a limited number
    /// of faces, and for some minutes those of deleted people can be among them.
    pub incomplete: bool,
    /// How similar the rest of the gallery is to the query: the mean cosine of the nearest faces
    /// that are not of the nearest person. Nothing when there are too few.
    pub company: Option<f32>,
    /// How many faces the gallery has at most: rounded up, so that it tells no single one. Nothing
    /// when the index does not say it.
    #[serde(default)]
    pub gallery_size_at_most: Option<u64>,
}

/// A person near the query, by the nearest of the person's faces.
#[derive(Debug, Serialize, Deserialize)]
pub struct Neighbour {
    /// The nearest face, as in [`Enrolled`].
    pub id: String,
    /// As in [`Enrolled`].
    pub name: String,
    /// Exact L2 distance to the query, 0 to 2.
    pub distance: f32,
    /// Pictures of the person that are near enough, among the faces that the search has seen.
    pub pictures: usize,
}

/// Some of the faces that are stored, in the order of their ids.
#[derive(Debug, Serialize, Deserialize)]
pub struct Listing {
    /// At most [`LISTED_FACES_MAX`](crate::limits::LISTED_FACES_MAX).
    pub faces: Vec<Listed>,
    /// The id after which the next page begins, if there is one.
    pub next: Option<String>,
}

/// A face that is stored, for the operator.
#[derive(Debug, Serialize, Deserialize)]
pub struct Listed {
    /// As in [`Enrolled`].
    pub id: String,
    /// As in [`Enrolled`]. The index has the names, so it is missing until the index has applied
    /// the write.
    pub name: Option<String>,
    /// Pictures of the person.
    pub pictures: usize,
    /// As in [`Enrolled`].
    pub expires_at: String,
}

/// The health of the store, for the operator.
#[derive(Debug, Serialize, Deserialize)]
pub struct StoreHealth {
    /// `ok`.
    pub status: String,
    /// The last purge; nothing before the first.
    pub purge: Option<LastPurge>,
}

/// How the last purge went. Times are RFC 3339 in UTC.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LastPurge {
    /// When it was due. It deletes the faces that were stored before.
    pub noon: String,
    /// When its last run ended.
    pub ended: String,
    /// Whether nothing is left to do. If something is, the next trigger goes on.
    pub complete: bool,
    /// Whether the purge of the last noon has not been completed.
    pub overdue: bool,
    /// How many runs it has had so far.
    pub runs: u32,
    /// Faces that the last run deleted.
    pub faces_removed: usize,
    /// Faces that the last run could not delete.
    pub faces_left: usize,
    /// Calls of the last run that failed for good.
    pub failures: usize,
}

/// The token in an `Authorization` header.
#[must_use]
pub fn bearer(authorization: &str) -> Option<&str> {
    let (scheme, token) = authorization.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

/// Checks that a name can be stored and shown, and removes the spaces around it.
///
/// # Errors
/// A sentence for the caller when the name shows nothing, is longer than [`NAME_CHARS_MAX`], or
/// holds characters that would break its line or change the direction of the text around it.
pub fn check_name(name: &str) -> Result<&str, String> {
    let name = name.trim();
    if name.chars().all(is_invisible) {
        return Err("The name is empty. Send a field `name` with at least one character.".into());
    }
    if name.chars().count() > NAME_CHARS_MAX {
        return Err(format!("The name is longer than {NAME_CHARS_MAX} characters."));
    }
    if name.chars().any(char::is_control) {
        return Err("The name holds control characters.".into());
    }
    if name.chars().any(reorders) {
        return Err("The name holds characters that break lines or turn the direction.".into());
    }
    Ok(name)
}

/// Whether a character shows nothing by itself: spaces, and Unicode's `Default_Ignorable`. Such
/// characters are allowed between others, where many languages and emoji need them.
fn is_invisible(c: char) -> bool {
    c.is_whitespace()
        || matches!(c,
            '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}'
            | '\u{180b}'..='\u{180f}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{2800}' | '\u{3164}' | '\u{fe00}'..='\u{fe0f}'
            | '\u{feff}' | '\u{ffa0}' | '\u{fff0}'..='\u{fff8}' | '\u{1bca0}'..='\u{1bca3}'
            | '\u{1d173}'..='\u{1d17a}' | '\u{e0000}'..='\u{e0fff}')
}

/// Whether a character breaks the line, or embeds or overrides a direction of writing. No script
/// needs such characters within a name.
fn reorders(c: char) -> bool {
    matches!(c, '\u{2028}' | '\u{2029}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// Whether `id` has the form of a face's id: 32 lower-case hexadecimal digits.
#[must_use]
pub fn is_id(id: &str) -> bool {
    id.len() == 32 && id.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

/// Whether `token` has the form of a delete token: 64 lower-case hexadecimal digits, so 32 bytes.
#[must_use]
pub fn is_token(token: &str) -> bool {
    token.len() == 64 && token.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

fn to_base64<S: Serializer>(bytes: &[u8], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&STANDARD.encode(bytes))
}

fn from_base64<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<u8>, D::Error> {
    let text = String::deserialize(deserializer)?;
    STANDARD.decode(text).map_err(serde::de::Error::custom)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_trimmed_and_bounded() {
        assert_eq!(check_name("  Eileen Collins "), Ok("Eileen Collins"));
        assert_eq!(check_name("Žofie ć 🙂"), Ok("Žofie ć 🙂"));
        for kept in ["a", "محمد علی", "נועה", "李小龍", "José\u{301}", "👩\u{200d}🚀", "\u{10ffff}"]
        {
            assert_eq!(check_name(kept), Ok(kept));
        }
        for empty in [" \t ", "\u{200b}", "\u{3164}\u{2060}", "\u{feff}", "\u{e0041}"] {
            assert!(check_name(empty).is_err(), "{empty:?}");
        }
        for unfit in ["a\u{202e}b", "a\u{2028}b", "\u{2066}a", "a\nb", "a\u{85}b"] {
            assert!(check_name(unfit).is_err(), "{unfit:?}");
        }
        assert!(check_name("a\u{0}b").is_err());
        assert!(check_name(&"ö".repeat(80)).is_ok());
        assert!(check_name(&"ö".repeat(81)).is_err());
    }

    #[test]
    fn tokens_are_read_from_the_header() {
        assert_eq!(bearer("Bearer abc"), Some("abc"));
        assert_eq!(bearer("bearer  abc "), Some("abc"));
        assert_eq!(bearer("Basic abc"), None);
        assert_eq!(bearer("Bearer"), None);
    }

    #[test]
    fn ids_are_32_hexadecimal_digits() {
        assert!(is_id("0123456789abcdef0123456789abcdef"));
        assert!(!is_id("0123456789ABCDEF0123456789ABCDEF"));
        assert!(!is_id("../../etc/passwd"));
        assert!(!is_id(""));
        assert!(is_token(&"0123456789abcdef".repeat(4)));
        for other in ["", "0123456789abcdef0123456789abcdef", &"A".repeat(64), &"g".repeat(64)] {
            assert!(!is_token(other), "{other}");
        }
    }

    #[test]
    fn other_versions_are_told_to_come_back() {
        for same in [None, Some(VERSION.to_string())] {
            assert_eq!(check_version(same.as_deref()), Ok(()));
        }
        for other in [(VERSION - 1).to_string(), (VERSION + 1).to_string(), String::new()] {
            let problem = check_version(Some(&other)).unwrap_err();
            assert_eq!((problem.kind.status(), problem.retry_after), (503, Some(2)), "{other}");
        }
    }

    /// If you change this: does a Worker of the version before understand it? If not, raise
    /// [`VERSION`].
    #[test]
    fn messages_are_those_of_version_1() {
        assert_eq!(VERSION, 1);
        let (id, name, expires_at) = (|| "i".to_owned(), || "n".to_owned(), || "e".to_owned());
        let enrol = Enrol {
            namespace: "s".into(),
            name: name(),
            embedding: vec![0.5],
            delete_token: Some("t".into()),
            must_exist: true,
            picture: vec![0],
        };
        let enrolled = Enrolled {
            id: id(),
            name: name(),
            delete_token: "t".into(),
            pictures: 1,
            expires_at: expires_at(),
            searchable: true,
        };
        let status = Status { id: id(), searchable: true, expires_at: expires_at() };
        let search =
            Search { namespace: "s".into(), embedding: vec![], top_k: 1, distance_max: 0.5 };
        let neighbour = Neighbour { id: id(), name: name(), distance: 0.5, pictures: 1 };
        let neighbours =
            Neighbours { matches: vec![neighbour], company: Some(0.25), ..Neighbours::default() };
        let listed = Listed { id: id(), name: None, pictures: 1, expires_at: expires_at() };
        let listing = Listing { faces: vec![listed], next: None };
        let health = StoreHealth { status: "ok".into(), purge: None };
        let json =
            serde_json::json!([enrol, enrolled, status, search, neighbours, listing, health]);
        let expected = serde_json::json!([
            {"namespace": "s", "name": "n", "embedding": [0.5], "delete_token": "t",
             "must_exist": true, "picture": "AA=="},
            {"id": "i", "name": "n", "delete_token": "t", "pictures": 1, "expires_at": "e",
             "searchable": true},
            {"id": "i", "searchable": true, "expires_at": "e"},
            {"namespace": "s", "embedding": [], "top_k": 1, "distance_max": 0.5},
            {"matches": [{"id": "i", "name": "n", "distance": 0.5, "pictures": 1}],
             "incomplete": false, "company": 0.25, "gallery_size_at_most": null},
            {"faces": [{"id": "i", "name": null, "pictures": 1, "expires_at": "e"}],
             "next": null},
            {"status": "ok", "purge": null},
        ]);
        assert_eq!(json, expected);
    }

    #[test]
    fn answers_may_have_further_fields_and_requests_may_not() {
        let mut answer = serde_json::json!({"id": "i", "searchable": true, "expires_at": "e"});
        answer["since_version_2"] = true.into();
        assert!(serde_json::from_value::<Status>(answer).is_ok());
        let mut health = serde_json::json!({"status": "ok", "purge": null});
        health["since_version_2"] = true.into();
        assert!(serde_json::from_value::<StoreHealth>(health).is_ok());
        let mut search = serde_json::json!(
            {"namespace": "s", "embedding": [], "top_k": 1, "distance_max": 0.5}
        );
        assert!(serde_json::from_value::<Search>(search.clone()).is_ok());
        search["since_version_2"] = true.into();
        assert!(serde_json::from_value::<Search>(search).is_err());
    }

    #[test]
    fn pictures_survive_the_wire() {
        let enrol = Enrol {
            namespace: "n".into(),
            name: "a".into(),
            embedding: vec![0.5],
            delete_token: None,
            must_exist: false,
            picture: vec![0, 255, 7],
        };
        let text = serde_json::to_string(&enrol).unwrap();
        let back: Enrol = serde_json::from_str(&text).unwrap();
        assert_eq!(back.picture, enrol.picture);
        assert!(serde_json::from_str::<Enrol>(&text.replace("AP8H", "A*")).is_err());
    }
}
