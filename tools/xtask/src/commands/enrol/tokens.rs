//! The file with the delete tokens of the people who were enrolled from a folder, and with what was
//! stored under each. A token is in the file before its first picture is sent, so that everybody
//! can be deleted even when an answer is lost. Tokens that have ended are removed.

use std::fs::{self, File};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, anyhow};
use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};
use wire::faces::Enrolled;
use wire::secret;

use crate::{private_file, progress};

/// The file, open for this command alone.
pub(super) struct Tokens {
    file: PathBuf,
    noted: Noted,
    #[expect(dead_code, reason = "unlocks when dropped")]
    lock: File,
}

/// What is in the file.
#[derive(Default, Serialize, Deserialize)]
struct Noted {
    people: Vec<Person>,
}

/// A person who is enrolled, or may be.
#[derive(Serialize, Deserialize)]
struct Person {
    /// The address of the instance.
    to: String,
    name: String,
    delete_token: String,
    /// When nothing can be stored under the token any more.
    #[serde(with = "rfc_3339")]
    until: DateTime<Utc>,
    pictures: Vec<Picture>,
}

/// A picture that is stored.
#[derive(Clone, Serialize, Deserialize)]
pub(super) struct Picture {
    /// Of its file's bytes, in hexadecimal digits.
    pub(super) sha256: String,
    /// The face's id.
    pub(super) id: String,
    /// When the purge takes it.
    #[serde(with = "rfc_3339")]
    pub(super) expires_at: DateTime<Utc>,
}

/// The token that a picture is sent with.
pub(super) enum Token {
    /// Nobody is known to be enrolled under it.
    New(String),
    /// Somebody is.
    Known(String),
}

impl Tokens {
    /// Opens the file, if there is one, and waits until nobody else writes to its folder.
    pub(super) fn open(file: &Path) -> anyhow::Result<Self> {
        let context = || format!("opening {}", file.display());
        let folder = file.parent().with_context(context)?;
        let lock = File::open(folder).with_context(context)?;
        if lock.try_lock().is_err() {
            progress::say("Waiting for another command that writes tokens to the same folder.");
            lock.lock().with_context(context)?;
        }
        let noted = match fs::read_to_string(file) {
            Ok(text) => serde_json::from_str(&text).with_context(|| {
                format!("{} is no file of delete tokens: choose another", file.display())
            })?,
            Err(error) if error.kind() == ErrorKind::NotFound => Noted::default(),
            Err(error) => return Err(error).with_context(context),
        };
        Ok(Self { file: file.to_owned(), noted, lock })
    }

    /// Whether there is a token of a person under which something may be stored at this time.
    pub(super) fn is_known(&self, to: &str, name: &str, now: DateTime<Utc>) -> bool {
        self.person(to, name).is_some_and(|person| person.until > now)
    }

    /// The pictures of a person that are stored at this time.
    pub(super) fn stored(&self, to: &str, name: &str, now: DateTime<Utc>) -> Vec<Picture> {
        let pictures = self.person(to, name).map(|person| &person.pictures);
        pictures.into_iter().flatten().filter(|it| it.expires_at > now).cloned().collect()
    }

    /// The token under which a picture is about to be sent. It is in the file when this returns.
    pub(super) fn expect(
        &mut self,
        to: &str,
        name: &str,
        now: DateTime<Utc>,
    ) -> anyhow::Result<Token> {
        self.forget_what_has_ended(now);
        let is_known = !self.stored(to, name, now).is_empty();
        // No face is kept longer.
        let until = now + TimeDelta::days(1);
        let token = if let Some(person) = self.person_mut(to, name) {
            person.until = until;
            person.delete_token.clone()
        } else {
            let token = secret::new().map_err(|error| anyhow!("no random numbers: {error}"))?;
            let (to, name, delete_token) = (to.to_owned(), name.to_owned(), token.clone());
            let person = Person { to, name, delete_token, until, pictures: Vec::new() };
            self.noted.people.push(person);
            token
        };
        self.write()?;
        Ok(if is_known { Token::Known(token) } else { Token::New(token) })
    }

    /// Notes a picture that was stored.
    pub(super) fn note(
        &mut self,
        to: &str,
        name: &str,
        sha256: &str,
        enrolled: &Enrolled,
    ) -> anyhow::Result<DateTime<Utc>> {
        let expires_at = rfc_3339::read(&enrolled.expires_at)
            .ok()
            .context("the answer does not say until when the face is kept")?;
        let (sha256, id) = (sha256.to_owned(), enrolled.id.clone());
        if let Some(person) = self.person_mut(to, name) {
            person.pictures.push(Picture { sha256, id, expires_at });
            let ends = person.pictures.iter().map(|picture| picture.expires_at);
            person.until = ends.max().unwrap_or(expires_at);
        }
        self.write()?;
        Ok(expires_at)
    }

    /// Forgets a person under whose new token nothing was stored.
    pub(super) fn forget(&mut self, to: &str, name: &str) -> anyhow::Result<()> {
        self.noted.people.retain(|person| (person.to.as_str(), person.name.as_str()) != (to, name));
        self.write()
    }

    fn forget_what_has_ended(&mut self, now: DateTime<Utc>) {
        self.noted.people.retain(|person| person.until > now);
        for person in &mut self.noted.people {
            person.pictures.retain(|picture| picture.expires_at > now);
        }
    }

    fn person(&self, to: &str, name: &str) -> Option<&Person> {
        self.noted.people.iter().find(|person| person.to == to && person.name == name)
    }

    fn person_mut(&mut self, to: &str, name: &str) -> Option<&mut Person> {
        self.noted.people.iter_mut().find(|person| person.to == to && person.name == name)
    }

    fn write(&self) -> anyhow::Result<()> {
        private_file::write(&self.file, &(serde_json::to_string_pretty(&self.noted)? + "\n"))
    }
}

/// Times as the instance writes them.
pub(super) mod rfc_3339 {
    use chrono::{DateTime, SecondsFormat, Utc};
    use serde::{Deserialize as _, Deserializer, Serializer, de};

    pub(in super::super) fn read(text: &str) -> chrono::ParseResult<DateTime<Utc>> {
        DateTime::parse_from_rfc3339(text).map(|time| time.to_utc())
    }

    pub(in super::super) fn write(time: &DateTime<Utc>) -> String {
        time.to_rfc3339_opts(SecondsFormat::Secs, true)
    }

    pub(super) fn serialize<S: Serializer>(time: &DateTime<Utc>, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(&write(time))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(
        from: D,
    ) -> Result<DateTime<Utc>, D::Error> {
        read(&String::deserialize(from)?).map_err(de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    const TO: &str = "http://localhost:8787";

    fn time(text: &str) -> DateTime<Utc> {
        rfc_3339::read(text).unwrap()
    }

    fn text(token: &Token) -> &str {
        match token {
            Token::New(token) | Token::Known(token) => token,
        }
    }

    fn enrolled(id: &str, expires_at: &str) -> Enrolled {
        Enrolled {
            id: id.into(),
            name: "Ada".into(),
            delete_token: String::new(),
            pictures: 1,
            expires_at: expires_at.into(),
            searchable: true,
        }
    }

    #[test]
    fn a_token_is_in_the_file_before_anything_is_stored() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("tokens.json");
        let now = time("2026-11-30T10:00:00Z");
        let mut tokens = Tokens::open(&file).unwrap();
        let token = tokens.expect(TO, "Ada", now).unwrap();
        assert!(matches!(token, Token::New(_)));
        assert!(fs::read_to_string(&file).unwrap().contains(text(&token)));
        assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
        drop(tokens);

        // Whoever comes next sends under the same one, and has it once a picture is stored.
        let mut tokens = Tokens::open(&file).unwrap();
        let again = tokens.expect(TO, "Ada", now).unwrap();
        assert!(matches!(again, Token::New(_)) && text(&again) == text(&token));
        tokens.note(TO, "Ada", "5ha", &enrolled("1d", "2026-11-30T12:00:00Z")).unwrap();
        let known = tokens.expect(TO, "Ada", now).unwrap();
        assert!(matches!(known, Token::Known(_)) && text(&known) == text(&token));
        let other = tokens.expect("https://example.org", "Ada", now).unwrap();
        assert_ne!(text(&other), text(&token));
        assert!(tokens.is_known(TO, "Ada", now) && !tokens.is_known(TO, "Bo", now));
        tokens.forget(TO, "Ada").unwrap();
        assert_ne!(text(&tokens.expect(TO, "Ada", now).unwrap()), text(&token));
    }

    #[test]
    fn what_has_ended_is_not_taken_for_stored() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("tokens.json");
        let [morning, noon, later] =
            ["2026-11-30T11:59:59Z", "2026-11-30T12:00:00Z", "2026-12-01T12:00:00Z"].map(time);
        let mut tokens = Tokens::open(&file).unwrap();
        let first = tokens.expect(TO, "Ada", morning).unwrap();
        tokens.note(TO, "Ada", "a", &enrolled("1", "2026-11-30T12:00:00Z")).unwrap();
        assert_eq!(tokens.stored(TO, "Ada", morning).len(), 1);
        assert!(tokens.stored(TO, "Ada", noon).is_empty());
        // A picture that was sent before noon may be stored after it.
        let second = tokens.expect(TO, "Ada", morning).unwrap();
        let third = tokens.expect(TO, "Ada", noon).unwrap();
        assert!(matches!(third, Token::New(_)));
        assert!(text(&first) == text(&second) && text(&second) == text(&third));
        tokens.note(TO, "Ada", "b", &enrolled("2", "2026-12-01T12:00:00Z")).unwrap();
        drop(tokens);
        let mut tokens = Tokens::open(&file).unwrap();
        let stored = tokens.stored(TO, "Ada", noon);
        assert_eq!(stored.iter().map(|it| it.sha256.as_str()).collect::<Vec<_>>(), ["b"]);
        let next_day = tokens.expect(TO, "Ada", later).unwrap();
        assert_ne!(text(&next_day), text(&first));
        assert!(!fs::read_to_string(&file).unwrap().contains(text(&first)));
    }

    #[test]
    fn other_files_are_left_alone() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("notes.txt");
        fs::write(&file, "not ours").unwrap();
        let error = Tokens::open(&file).err().unwrap().to_string();
        assert!(error.contains("no file of delete tokens"), "{error}");
    }
}
