//! API keys: what they are called, what they allow, and how they are configured.
//!
//! A key is a [secret](crate::secret) that a caller sends in [`HEADER`]. The Worker has a binding
//! for each key, with the key's hash as its value. The binding's name says what the key is called
//! and what it allows: the values of Cloudflare's secrets cannot be read back, but `wrangler secret
//! list` shows their names.

use std::fmt;

/// The header that a key comes in.
pub const HEADER: &str = "x-api-key";

/// What the names of the bindings begin with.
const PREFIX: &str = "API_KEY_";

/// What stands between the name and the scopes. A name does not hold it.
const SEPARATOR: &str = "__";

/// Longest name of a key in characters.
const NAME_CHARS_MAX: usize = 32;

/// What a key allows. None includes another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Scope {
    /// To search by picture, to compare two pictures, and to see what is found.
    Search,
    /// To enrol, and to see what was enrolled.
    Enrol,
    /// To compute embeddings, and to search by them.
    Vector,
    /// To list and delete what others have enrolled, and to see how the instance is.
    Admin,
}

impl Scope {
    /// Every scope.
    pub const ALL: [Self; 4] = [Self::Search, Self::Enrol, Self::Vector, Self::Admin];

    /// The word for it, in lower case.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Search => "search",
            Self::Enrol => "enrol",
            Self::Vector => "vector",
            Self::Admin => "admin",
        }
    }

    /// The scope of a word.
    #[must_use]
    pub fn of(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|scope| scope.as_str() == word)
    }
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A key, without the secret itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Key {
    name: String,
    scopes: Vec<Scope>,
}

impl Key {
    /// A key that is called `name`.
    ///
    /// # Errors
    /// A sentence for the operator when the name is not of that form, or there is no scope.
    pub fn new(name: &str, scopes: &[Scope]) -> Result<Self, String> {
        if !is_name(name) {
            return Err(format!(
                "A key's name has up to {NAME_CHARS_MAX} lower-case letters, digits and single \
                 underscores, and begins with a letter."
            ));
        }
        let mut scopes = scopes.to_vec();
        scopes.sort_unstable();
        scopes.dedup();
        if scopes.is_empty() {
            return Err("A key needs at least one scope.".into());
        }
        Ok(Self { name: name.into(), scopes })
    }

    /// What the log calls whoever holds it.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What it allows, in the order of [`Scope::ALL`].
    #[must_use]
    pub fn scopes(&self) -> &[Scope] {
        &self.scopes
    }

    /// The name of its binding, such as `API_KEY_ALICE__SEARCH_ENROL`.
    #[must_use]
    pub fn binding(&self) -> String {
        let words: Vec<_> = self.scopes.iter().map(|scope| scope.as_str()).collect();
        format!("{PREFIX}{}{SEPARATOR}{}", self.name, words.join("_")).to_ascii_uppercase()
    }

    /// The key of a binding, or nothing when the binding is not for a key.
    #[must_use]
    pub fn of_binding(binding: &str) -> Option<Self> {
        let (name, scopes) = binding.strip_prefix(PREFIX)?.split_once(SEPARATOR)?;
        let scopes = scopes.to_ascii_lowercase();
        let scopes: Option<Vec<_>> = scopes.split('_').map(Scope::of).collect();
        let key = Self::new(&name.to_ascii_lowercase(), &scopes?).ok()?;
        // Only the form that we write counts, so that each key has one binding.
        (key.binding() == binding).then_some(key)
    }

    /// Whether a binding is meant to be a key, even if [`of_binding`](Self::of_binding) finds
    /// none in it.
    #[must_use]
    pub fn is_meant_by(binding: &str) -> bool {
        binding.starts_with(PREFIX)
    }
}

fn is_name(name: &str) -> bool {
    name.len() <= NAME_CHARS_MAX
        && name.starts_with(|c: char| c.is_ascii_lowercase())
        && name.bytes().all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'_'))
        && !name.contains(SEPARATOR)
        && !name.ends_with('_')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bindings_tell_the_name_and_the_scopes() {
        let key = Key::new("front_door2", &[Scope::Enrol, Scope::Search, Scope::Enrol]).unwrap();
        assert_eq!(key.binding(), "API_KEY_FRONT_DOOR2__SEARCH_ENROL");
        assert_eq!(Key::of_binding(&key.binding()), Some(key));
        for stranger in [
            "MODELS",
            "API_KEY_",
            "API_KEY_A",
            "API_KEY_A__",
            "API_KEY_A__SEARCH_",
            "API_KEY_A__OTHER",
            "API_KEY_A__ENROL_SEARCH",
            "API_KEY_A__SEARCH_SEARCH",
            "API_KEY_a__SEARCH",
            "API_KEY___SEARCH",
        ] {
            assert_eq!(Key::of_binding(stranger), None, "{stranger}");
        }
    }

    #[test]
    fn names_are_plain_words() {
        for name in ["a", "alice", "team_7", &"x".repeat(32)] {
            assert!(Key::new(name, &Scope::ALL).is_ok(), "{name}");
        }
        for name in ["", "Alice", "7a", "_a", "a_", "a__b", "a-b", "é", &"x".repeat(33)] {
            assert!(Key::new(name, &Scope::ALL).is_err(), "{name}");
        }
        assert!(Key::new("a", &[]).is_err());
    }

    #[test]
    fn scopes_have_one_word_each() {
        for scope in Scope::ALL {
            assert_eq!(Scope::of(scope.as_str()), Some(scope));
        }
        assert_eq!(Scope::of("Admin"), None);
    }
}
