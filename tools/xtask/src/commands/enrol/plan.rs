//! Whom a folder is to enrol: names, and the pictures of each. Nothing is sent before all of it is
//! known to be usable.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::Read as _;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, ensure};
use wire::faces::check_name;

/// How names of files begin that a camera or a program has made up, in lower case.
const MADE_UP: [&str; 12] = [
    "dsc",
    "dscf",
    "dscn",
    "gopr",
    "image",
    "img",
    "mvimg",
    "photo",
    "picture",
    "pxl",
    "screenshot",
    "whatsapp",
];

/// A person of the folder.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Person {
    pub(super) name: String,
    /// Relative to the folder, in their order.
    pub(super) pictures: Vec<PathBuf>,
}

/// What a folder holds.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Plan {
    /// In the order of their names.
    pub(super) people: Vec<Person>,
    /// What is left out, and why.
    pub(super) skipped: Vec<(PathBuf, &'static str)>,
}

impl Plan {
    /// Looks through a folder.
    ///
    /// # Errors
    /// When there is no picture, and when a name cannot be used: all of those are listed.
    pub(super) fn of(dir: &Path) -> anyhow::Result<Self> {
        let mut names = BTreeMap::<String, Vec<PathBuf>>::new();
        let mut plan = Self::default();
        let mut unusable = Vec::new();
        for entry in entries(dir)? {
            let path = dir.join(&entry);
            let (pictures, name) = if path.is_dir() {
                (plan.folder(dir, &entry)?, text(&entry).and_then(checked))
            } else if plan.is_picture(dir, &entry)? {
                let name = text(Path::new(entry.file_stem().unwrap_or_default()));
                (vec![entry.clone()], name.and_then(name_of_file).and_then(|it| checked(&it)))
            } else {
                continue;
            };
            match name {
                _ if pictures.is_empty() => plan.skipped.push((entry, "it has no picture")),
                Ok(name) => names.entry(name).or_default().extend(pictures),
                Err(why) => unusable.push(format!("{}: {why}", entry.display())),
            }
        }
        ensure!(
            unusable.is_empty(),
            "these have no names of people, so nothing was sent:\n{}",
            unusable.join("\n")
        );
        ensure!(!names.is_empty(), "there is no picture in {}", dir.display());
        plan.people = names.into_iter().map(|(name, pictures)| Person { name, pictures }).collect();
        Ok(plan)
    }

    /// How many pictures there are.
    pub(super) fn pictures(&self) -> usize {
        self.people.iter().map(|person| person.pictures.len()).sum()
    }

    /// The pictures of a person's folder.
    fn folder(&mut self, dir: &Path, folder: &Path) -> anyhow::Result<Vec<PathBuf>> {
        let mut pictures = Vec::new();
        for entry in entries(&dir.join(folder))? {
            let entry = folder.join(entry);
            if dir.join(&entry).is_dir() {
                self.skipped.push((entry, "a person's folder has no folders"));
            } else if self.is_picture(dir, &entry)? {
                pictures.push(entry);
            }
        }
        Ok(pictures)
    }

    /// Whether a file is a picture. Others are noted.
    fn is_picture(&mut self, dir: &Path, entry: &Path) -> anyhow::Result<bool> {
        let path = dir.join(entry);
        let mut head = Vec::new();
        File::open(&path)
            .and_then(|file| file.take(12).read_to_end(&mut head))
            .with_context(|| format!("reading {}", path.display()))?;
        let is_picture = has_picture_head(&head);
        if !is_picture {
            self.skipped.push((entry.to_owned(), "it is no JPEG, PNG or WebP"));
        }
        Ok(is_picture)
    }
}

/// What is in a folder, in the order of the names. Hidden files are none of a person.
fn entries(dir: &Path) -> anyhow::Result<Vec<PathBuf>> {
    let context = || format!("reading the folder {}", dir.display());
    let mut entries = Vec::new();
    for entry in fs::read_dir(dir).with_context(context)? {
        let name = entry.with_context(context)?.file_name();
        if !name.as_encoded_bytes().starts_with(b".") {
            entries.push(PathBuf::from(name));
        }
    }
    entries.sort();
    Ok(entries)
}

/// Whether a file begins as a picture that the instance reads.
fn has_picture_head(head: &[u8]) -> bool {
    let is_webp = head.starts_with(b"RIFF") && head.get(8..) == Some(b"WEBP");
    head.starts_with(b"\xff\xd8\xff") || head.starts_with(b"\x89PNG\r\n\x1a\n") || is_webp
}

fn text(name: &Path) -> Result<&str, String> {
    name.to_str().ok_or_else(|| "the name is not UTF-8".into())
}

fn checked(name: &str) -> Result<String, String> {
    check_name(name).map(str::to_owned)
}

/// The name of whom a picture shows, by its file's name without the ending: a number at the end is
/// that of the picture, and underscores are spaces.
fn name_of_file(stem: &str) -> Result<String, String> {
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let in_brackets = stem.strip_suffix(')').and_then(|it| it.rsplit_once('('));
    let name = match in_brackets.or_else(|| stem.rsplit_once(['-', '_'])) {
        Some((name, number)) if digits(number) => name,
        _ => stem,
    };
    let first: String = stem.chars().take_while(|c| c.is_alphabetic()).collect();
    let is_made_up =
        MADE_UP.contains(&&*first.to_lowercase()) && stem.contains(|c: char| c.is_ascii_digit());
    if is_made_up || !name.chars().any(char::is_alphabetic) {
        return Err(
            "a camera or a program calls a picture so. Put it into a folder that is called \
                    as the person, or call it as the person"
                .into(),
        );
    }
    Ok(name.replace('_', " "))
}

#[cfg(test)]
mod tests {
    use super::*;

    const JPEG: &[u8] = b"\xff\xd8\xff\xe0\0\x10JFIF";

    /// A folder with files, of which those with an ending of pictures are ones.
    fn folder(files: &[&str]) -> tempfile::TempDir {
        let dir = tempfile::tempdir().unwrap();
        for file in files {
            let path = dir.path().join(file);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            let text = if file.ends_with("jpg") { JPEG } else { b"not a picture, but a text" };
            fs::write(path, text).unwrap();
        }
        dir
    }

    #[test]
    fn a_folder_and_a_file_name_a_person() {
        let dir = folder(&[
            "Ada Lovelace/b.jpg",
            "Ada Lovelace/IMG_1234.jpg",
            "Ada Lovelace/notes.txt",
            "Ada Lovelace/more/c.jpg",
            "Ada_Lovelace-2.jpg",
            "Bo.jpg",
            "Nobody/notes.txt",
            "readme.md",
            ".hidden.jpg",
        ]);
        let plan = Plan::of(dir.path()).unwrap();
        let person = |name: &str, pictures: &[&str]| Person {
            name: name.into(),
            pictures: pictures.iter().map(PathBuf::from).collect(),
        };
        let ada = ["Ada Lovelace/IMG_1234.jpg", "Ada Lovelace/b.jpg", "Ada_Lovelace-2.jpg"];
        assert_eq!(plan.people, [person("Ada Lovelace", &ada), person("Bo", &["Bo.jpg"])]);
        assert_eq!(plan.pictures(), 4);
        let skipped: Vec<_> = plan.skipped.iter().map(|(path, _)| path.to_str().unwrap()).collect();
        let expected = [
            "Ada Lovelace/more",
            "Ada Lovelace/notes.txt",
            "Nobody/notes.txt",
            "Nobody",
            "readme.md",
        ];
        assert_eq!(skipped, expected);
    }

    #[test]
    fn numbers_at_the_end_of_a_file_are_no_part_of_the_name() {
        for (stem, name) in [
            ("Ada", "Ada"),
            ("Ada-1", "Ada"),
            ("Ada_Lovelace_0002", "Ada Lovelace"),
            ("Ada Lovelace (2)", "Ada Lovelace"),
            ("Jean-Luc", "Jean-Luc"),
            ("Jean-Luc-3", "Jean-Luc"),
            ("Louis 14", "Louis 14"),
            ("Image of Ada", "Image of Ada"),
            ("Žofie-1", "Žofie"),
            ("李小龍_1", "李小龍"),
        ] {
            let found = name_of_file(stem).and_then(|name| checked(&name));
            assert_eq!(found.as_deref(), Ok(name), "{stem}");
        }
        for stem in
            ["IMG_1234", "DSC00012", "PXL_20261130_1", "20261130_120000", "1", "-1", "photo-2"]
        {
            assert!(name_of_file(stem).is_err(), "{stem}");
        }
    }

    #[test]
    fn all_unusable_names_are_told_at_once() {
        let dir = folder(&["IMG_1.jpg", "a\u{202e}b/1.jpg", "Bo.jpg", "a\u{202e}c/notes.txt"]);
        let error = Plan::of(dir.path()).unwrap_err().to_string();
        assert!(error.contains("IMG_1.jpg: a camera"), "{error}");
        assert!(error.contains("b: The name holds"), "{error}");
        assert_eq!(error.lines().count(), 3, "{error}");
        let error = Plan::of(folder(&["a.txt"]).path()).unwrap_err().to_string();
        assert!(error.starts_with("there is no picture"), "{error}");
        assert!(Plan::of(&dir.path().join("none")).is_err());
    }

    #[test]
    fn pictures_are_known_by_how_they_begin() {
        assert!(has_picture_head(b"RIFF\0\0\0\0WEBP"));
        assert!(has_picture_head(b"\x89PNG\r\n\x1a\n\0\0\0\r"));
        assert!(has_picture_head(JPEG));
        for other in [&b""[..], b"GIF89a", b"RIFF\0\0\0\0WAVE", b"RIFF", b"\xff\xd8"] {
            assert!(!has_picture_head(other));
        }
    }
}
