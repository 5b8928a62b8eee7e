//! Which photographs show which person. There is a folder per person.

use std::collections::HashMap;
use std::fs;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, ensure};

/// The endings of the files that are read, in lower case.
const ENDINGS: [&str; 4] = ["jpg", "jpeg", "png", "webp"];

/// One photograph.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Photo {
    /// The person whom it shows, an index into [`Photos::people`].
    pub person: usize,
    /// The file.
    pub file: PathBuf,
}

/// Photographs of known people.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Photos {
    /// The people's names, which are those of their folders.
    pub people: Vec<String>,
    /// Their photographs.
    pub photos: Vec<Photo>,
}

impl Photos {
    /// Some of the photographs, by their indices, and only the people whom they show.
    #[must_use]
    pub fn only(&self, kept: &[usize]) -> Self {
        let mut only = Self::default();
        let mut new_index: HashMap<usize, usize> = HashMap::new();
        for photo in kept.iter().filter_map(|&index| self.photos.get(index)) {
            let person = *new_index.entry(photo.person).or_insert_with(|| {
                only.people.push(self.people.get(photo.person).cloned().unwrap_or_default());
                only.people.len() - 1
            });
            only.photos.push(Photo { person, file: photo.file.clone() });
        }
        only
    }
}

/// A photograph that is not used, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Skipped {
    /// The file.
    pub file: PathBuf,
    /// Why, without a capital and a full stop.
    pub reason: String,
}

/// The photographs in a folder that has a folder per person, in the order of the names of people
/// and files. A copy of a file is skipped: its distance to the first one is always zero.
///
/// # Errors
/// When a folder cannot be read, or there are not two people and two photographs of one of them.
pub fn in_folder(dir: &Path) -> anyhow::Result<(Photos, Vec<Skipped>)> {
    let (photos, skipped) = of_people(dir)?;
    let count = |person| photos.photos.iter().filter(|photo| photo.person == person).count();
    ensure!(
        photos.people.len() >= 2 && (0..photos.people.len()).any(|person| count(person) >= 2),
        "{} must hold a folder per person, at least two, with JPEG, PNG or WebP files in them, \
         at least two of one person",
        dir.display()
    );
    Ok((photos, skipped))
}

/// The same, however few people and photographs there are.
///
/// # Errors
/// When a folder cannot be read.
pub fn of_people(dir: &Path) -> anyhow::Result<(Photos, Vec<Skipped>)> {
    let mut photos = Photos::default();
    let mut skipped = Vec::new();
    let mut seen: HashMap<u64, PathBuf> = HashMap::new();
    for folder in entries(dir)?.into_iter().filter(|entry| entry.is_dir()) {
        let person = photos.people.len();
        let before = photos.photos.len();
        for file in entries(&folder)?.into_iter().filter(|file| is_picture(file)) {
            match seen.insert(fingerprint(&file)?, file.clone()) {
                None => photos.photos.push(Photo { person, file }),
                Some(first) => {
                    let reason = format!("the same file as {}", first.display());
                    skipped.push(Skipped { file, reason });
                }
            }
        }
        if photos.photos.len() > before {
            let name = folder.file_name().unwrap_or_default();
            photos.people.push(name.to_string_lossy().into_owned());
        }
    }
    Ok((photos, skipped))
}

/// The files and folders in a folder, in the order of names, without hidden ones.
fn entries(dir: &Path) -> anyhow::Result<Vec<PathBuf>> {
    let context = || format!("reading the folder {}", dir.display());
    let mut entries: Vec<PathBuf> = fs::read_dir(dir)
        .and_then(|entries| entries.map(|entry| entry.map(|entry| entry.path())).collect())
        .with_context(context)?;
    entries.retain(|path| {
        !path.file_name().is_some_and(|name| name.to_string_lossy().starts_with('.'))
    });
    entries.sort();
    Ok(entries)
}

fn is_picture(file: &Path) -> bool {
    let ending = file.extension().map(|ending| ending.to_string_lossy().to_lowercase());
    file.is_file() && ending.is_some_and(|ending| ENDINGS.contains(&&*ending))
}

fn fingerprint(file: &Path) -> anyhow::Result<u64> {
    let bytes = fs::read(file).with_context(|| format!("reading {}", file.display()))?;
    let mut hasher = DefaultHasher::new();
    bytes.hash(&mut hasher);
    Ok(hasher.finish())
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// Writes a file, and makes its folder.
    pub(crate) fn write(dir: &Path, file: &str, content: &str) {
        let file = dir.join(file);
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(file, content).unwrap();
    }

    #[test]
    fn folders_are_people_and_copies_count_once() {
        let dir = tempfile::tempdir().unwrap();
        for (file, content) in [
            ("bob/1.JPG", "b1"),
            ("alice/2.png", "a2"),
            ("alice/1.webp", "a1"),
            ("alice/3.jpeg", "a1"),
            ("alice/notes.txt", "n"),
            ("alice/.hidden.png", "h"),
            ("empty/notes.txt", "n"),
            ("loose.png", "l"),
        ] {
            write(dir.path(), file, content);
        }
        let (photos, skipped) = in_folder(dir.path()).unwrap();
        assert_eq!(photos.people, ["alice", "bob"]);
        let found: Vec<_> = photos
            .photos
            .iter()
            .map(|photo| (photo.person, photo.file.strip_prefix(dir.path()).unwrap()))
            .collect();
        let expected = [(0, "alice/1.webp"), (0, "alice/2.png"), (1, "bob/1.JPG")];
        assert_eq!(found, expected.map(|(person, file)| (person, Path::new(file))));
        assert_eq!(skipped.len(), 1);
        assert!(skipped[0].reason.ends_with("alice/1.webp"), "{}", skipped[0].reason);
    }

    #[test]
    fn people_without_a_kept_photograph_are_left_out() {
        let photo = |person: usize, name: &str| Photo { person, file: name.into() };
        let all = Photos {
            people: ["alice", "bob", "carol"].map(str::to_owned).into(),
            photos: vec![photo(0, "a1"), photo(1, "b1"), photo(2, "c1"), photo(2, "c2")],
        };
        assert_eq!(all.only(&[0, 1, 2, 3]), all);
        let only = all.only(&[0, 3]);
        assert_eq!(only.people, ["alice", "carol"]);
        assert_eq!(only.photos, [photo(0, "a1"), photo(1, "c2")]);
    }

    #[test]
    fn too_few_people_or_pictures_are_an_error_that_says_what_is_wanted() {
        let dir = tempfile::tempdir().unwrap();
        let refused = || in_folder(dir.path()).unwrap_err().to_string();
        assert!(refused().contains("a folder per person"));
        write(dir.path(), "alice/1.png", "a1");
        write(dir.path(), "bob/1.png", "b1");
        assert!(refused().contains("at least two of one person"));
        assert!(in_folder(&dir.path().join("nowhere")).is_err());
    }
}
