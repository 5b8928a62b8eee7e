//! The collections of photographs that are measured: where they are from, on what terms, and how
//! the files of a repository become a folder per person.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail, ensure};
use serde::Deserialize;

mod pattern;

/// The list.
const LIST: &str = include_str!("../collections.toml");

/// A collection of photographs of known people.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(clippy::struct_excessive_bools, reason = "the facts of a list, each by itself")]
pub struct Collection {
    /// What it is, in a sentence.
    pub about: String,
    /// The address of the repository that has it.
    pub repository: String,
    /// The commit of the repository, 40 hexadecimal digits.
    pub commit: String,
    /// An archive in the repository that has to be unpacked in its own folder.
    pub unpack: Option<String>,
    /// Which files of the repository, see [`Collection::person`].
    pub pictures: Vec<String>,
    /// The numbers of each person's pictures, first and last.
    #[serde(default)]
    pub ranges: Vec<[u32; 2]>,
    /// Only people whose names begin with one of these letters, when there are any.
    #[serde(default)]
    pub initials: String,
    /// The least and the most photographs of a person. Of more, the first by name are taken.
    pub of_each: Option<[usize; 2]>,
    /// How many people there are.
    pub people: usize,
    /// How many photographs there are, without copies of a file.
    pub photographs: usize,
    /// The terms of use as the source states them.
    pub terms: String,
    /// Men and women, as far as the source says it.
    pub sexes: String,
    /// Skin colours and origins, as far as the source says it.
    pub looks: String,
    /// Colour or grey.
    pub colour: String,
    /// Whether it has no part in choosing thresholds.
    pub set_aside: bool,
    /// Whether its people are not known to the public.
    pub ordinary: bool,
    /// Whether its people are of both sexes or of several origins.
    pub mixed: bool,
    /// Whether one camera took it in one place or a few rooms.
    pub one_camera: bool,
}

/// All collections by their names.
///
/// # Errors
/// When the list is damaged.
pub fn all() -> anyhow::Result<BTreeMap<String, Collection>> {
    toml::from_str(LIST).context("reading collections.toml")
}

/// One collection.
///
/// # Errors
/// When there is none of that name.
pub fn of(name: &str) -> anyhow::Result<Collection> {
    let all = all()?;
    let names = all.keys().map(String::as_str).collect::<Vec<_>>().join(", ");
    all.get(name).cloned().with_context(|| format!("there is no collection {name}: {names}"))
}

impl Collection {
    /// Whom a file shows, by its path in the repository. None when it is not of the collection. In
    /// a pattern, `*` is any part of a name. `{person}` is the person's name, the shortest part
    /// that fits. `{number}` is a number, by which `ranges` say who it is.
    #[must_use]
    pub fn person(&self, path: &str) -> Option<String> {
        let is_hidden = path.rsplit('/').next()?.starts_with('.');
        let found = self.pictures.iter().find_map(|it| pattern::find(it, path));
        match found.filter(|_| !is_hidden)? {
            pattern::Found::Person(name) => {
                let is_one =
                    self.initials.is_empty() || name.starts_with(|it| self.initials.contains(it));
                is_one.then(|| name.to_owned())
            }
            pattern::Found::Number(number) => {
                let [first, last] =
                    self.ranges.iter().find(|[first, last]| (*first..=*last).contains(&number))?;
                Some(format!("{first:04}-{last:04}"))
            }
        }
    }

    /// Copies the collection's photographs from a copy of its repository into a folder per person,
    /// and gives how many people and photographs there are.
    ///
    /// # Errors
    /// When the copy lacks some of them, or has others.
    pub fn lay_out(&self, copy: &Path, dir: &Path) -> anyhow::Result<()> {
        if let Some(archive) = &self.unpack {
            ensure!(copy.join(archive).with_extension("").is_dir(), "unpack {archive} first");
        }
        let mut people: BTreeMap<String, BTreeMap<String, Vec<u8>>> = BTreeMap::new();
        for file in files(copy)? {
            let relative = file.strip_prefix(copy).unwrap_or(&file).to_string_lossy().into_owned();
            let Some(person) = self.person(&relative.replace('\\', "/")) else { continue };
            let bytes = fs::read(&file).with_context(|| format!("reading {}", file.display()))?;
            let pictures = people.entry(person).or_default();
            if pictures.values().any(|known| *known == bytes) {
                continue;
            }
            let name = file.file_name().unwrap_or_default().to_string_lossy().into_owned();
            ensure!(
                pictures.insert(name, bytes).is_none(),
                "two different files are called like {relative}"
            );
        }
        if let Some([least, most]) = self.of_each {
            people.retain(|_, pictures| pictures.len() >= least);
            for pictures in people.values_mut() {
                *pictures = std::mem::take(pictures).into_iter().take(most).collect();
            }
        }
        let photographs: usize = people.values().map(BTreeMap::len).sum();
        if (people.len(), photographs) != (self.people, self.photographs) {
            bail!(
                "{photographs} photographs of {} people, not {} of {}: is {} at {}?",
                people.len(),
                self.photographs,
                self.people,
                copy.display(),
                self.commit,
            );
        }
        for (person, pictures) in &people {
            let folder = dir.join(person);
            fs::create_dir_all(&folder).with_context(|| format!("making {}", folder.display()))?;
            for (name, bytes) in pictures {
                let file = folder.join(name);
                fs::write(&file, bytes).with_context(|| format!("writing {}", file.display()))?;
            }
        }
        Ok(())
    }
}

/// All files in a folder and in those within, in the order of their paths, without git's.
fn files(dir: &Path) -> anyhow::Result<Vec<PathBuf>> {
    let context = || format!("reading the folder {}", dir.display());
    let mut found = Vec::new();
    for entry in fs::read_dir(dir).with_context(context)? {
        let entry = entry.with_context(context)?;
        let kind = entry.file_type().with_context(context)?;
        if kind.is_dir() && entry.file_name() != ".git" {
            found.extend(files(&entry.path())?);
        } else if kind.is_file() {
            found.push(entry.path());
        }
    }
    found.sort();
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::photos::tests::write;

    #[test]
    fn the_list_has_what_the_measurements_need() {
        let all = all().unwrap();
        let ordinary: usize = all.values().filter(|it| it.ordinary).map(|it| it.people).sum();
        assert!(ordinary >= 75, "{ordinary} ordinary people");
        assert!(all.values().filter(|it| it.one_camera && !it.set_aside).count() >= 2);
        assert!((1..=2).contains(&all.values().filter(|it| it.set_aside).count()));
        for (name, it) in &all {
            assert_eq!(it.commit.len(), 40, "{name}");
            assert!(it.commit.bytes().all(|byte| byte.is_ascii_hexdigit()), "{name}");
            assert!(it.repository.starts_with("https://github.com/"), "{name}");
            assert!(it.ranges.iter().all(|[first, last]| first <= last), "{name}");
            assert!(it.ranges.is_sorted(), "{name}");
        }
        assert!(of("nobody").unwrap_err().to_string().contains("caltech"));
    }

    #[test]
    fn paths_say_who_is_shown() {
        for (collection, path, person) in [
            ("imm", "web/public/imm/07-3f.jpg", Some("07")),
            ("imm", "web/public/imm/07-3f.asf", None),
            ("imm", "web/public/other/07-3f.jpg", None),
            ("london", "inst/smiling_front/112_08.jpg", Some("112")),
            ("london", "inst/smiling_front/._112_08.jpg", None),
            ("jaffe", "jaffe/KA.AN1.39.jpg", Some("KA")),
            ("lfw", "data/train/male/Abdullah_Gul_0002.jpg", Some("Abdullah_Gul")),
            ("lfw", "testing/male/Abdullah_Gul_0002.jpg", Some("Abdullah_Gul")),
            ("lfw", "testing/male/Carla_Gugino_0002.jpg", None),
            ("lfw", "eva.jpg", None),
            ("faces94", "Training/0/9336923.1.jpg", Some("9336923")),
            ("caltech", "Dataset/image_0021.jpg", Some("0001-0021")),
            ("caltech", "Dataset/image_0022.jpg", Some("0022-0041")),
            ("caltech", "Dataset/image_0400.jpg", None),
            ("caltech", "Dataset/image_x.jpg", None),
        ] {
            assert_eq!(of(collection).unwrap().person(path).as_deref(), person, "{path}");
        }
    }

    #[test]
    fn a_copy_becomes_a_folder_per_person() {
        let copy = tempfile::tempdir().unwrap();
        let dir = tempfile::tempdir().unwrap();
        let few = Collection {
            initials: String::new(),
            of_each: Some([1, 2]),
            people: 2,
            photographs: 3,
            ..of("lfw").unwrap()
        };
        for (file, content) in [
            ("male/Ada_Bo_0001.jpg", "a1"),
            ("data/train/male/Ada_Bo_0001.jpg", "a1"),
            ("data/train/male/Ada_Bo_0002.jpg", "a2"),
            ("data/train/male/Ada_Bo_0003.jpg", "a3"),
            ("female/Cy_0001.jpg", "c1"),
            (".git/male/Dee_0001.jpg", "d1"),
            ("README.md", "r"),
        ] {
            write(copy.path(), file, content);
        }
        few.lay_out(copy.path(), dir.path()).unwrap();
        let read = |file: &str| fs::read_to_string(dir.path().join(file)).unwrap();
        assert_eq!(read("Ada_Bo/Ada_Bo_0002.jpg"), "a2");
        assert_eq!(read("Cy/Cy_0001.jpg"), "c1");
        assert_eq!(files(dir.path()).unwrap().len(), 3);

        let refused =
            |it: &Collection| it.lay_out(copy.path(), dir.path()).unwrap_err().to_string();
        let more = Collection { photographs: 4, ..few.clone() };
        assert!(refused(&more).contains("3 photographs of 2 people, not 4 of 2"));
        let only = Collection { of_each: Some([2, 2]), ..few.clone() };
        assert!(refused(&only).contains("2 photographs of 1 people"));
        let packed = Collection { unpack: Some("Training.zip".into()), ..few.clone() };
        assert_eq!(refused(&packed), "unpack Training.zip first");
        write(copy.path(), "data/train/male/Ada_Bo_0001.jpg", "another");
        assert!(refused(&few).contains("two different files"));
    }
}
