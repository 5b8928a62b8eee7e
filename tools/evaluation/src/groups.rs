//! Groups of people, each measured by itself: a folder per group, and in it a folder per person.

use std::fs;
use std::path::Path;

use anyhow::{Context as _, ensure};
use facenet::Embedding;

use crate::collections::{self, Collection};
use crate::crops;
use crate::distances::Picture;
use crate::options::Options;
use crate::photos;
use crate::run;

/// A group whose photographs were embedded.
#[derive(Clone, Debug)]
pub struct Group {
    /// The name of its folder.
    pub name: String,
    /// What is known of it, when it is one of the list.
    pub collection: Option<Collection>,
    /// The photographs in which a face was found.
    pub pictures: Vec<Picture>,
    /// How many photographs could not be used.
    pub skipped: usize,
}

impl Group {
    /// Whether it has no part in choosing thresholds.
    #[must_use]
    pub fn set_aside(&self) -> bool {
        self.collection.as_ref().is_some_and(|it| it.set_aside)
    }

    /// How many people have a usable photograph.
    #[must_use]
    pub fn people(&self) -> usize {
        let mut people: Vec<usize> = self.pictures.iter().map(|picture| picture.person).collect();
        people.sort_unstable();
        people.dedup();
        people.len()
    }

    /// How many pictures of each person can be enrolled: `wanted`, or fewer where most people do
    /// not have so many; at least one.
    #[must_use]
    pub fn enrolled(&self, wanted: usize) -> usize {
        let people = self.people();
        let has = |person: usize, count: usize| {
            self.pictures.iter().filter(|picture| picture.person == person).count() >= count
        };
        let most = |count: usize| {
            let last = self.pictures.iter().map(|picture| picture.person).max().unwrap_or(0);
            2 * (0..=last).filter(|&person| has(person, count)).count() >= people
        };
        (1..=wanted).rev().find(|&count| most(count)).unwrap_or(1)
    }
}

/// Embeds the photographs of all groups in the options' folder, by the first method of cropping.
/// Embeddings that are in the folder `kept` are taken from there; others are put there.
///
/// # Errors
/// When there are no groups, or something that is needed does not run.
pub fn embed(options: &Options, kept: Option<&Path>) -> anyhow::Result<Vec<Group>> {
    let known = collections::all()?;
    let mut groups = Vec::new();
    let mut folders: Vec<_> = fs::read_dir(&options.dir)
        .and_then(|entries| entries.map(|entry| entry.map(|entry| entry.path())).collect())
        .with_context(|| format!("reading the folder {}", options.dir.display()))?;
    folders.sort();
    for folder in folders.iter().filter(|folder| folder.is_dir()) {
        let name = folder.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let collection = known.get(&name).cloned();
        let file = kept.map(|dir| dir.join(&name).with_added_extension("json"));
        let (pictures, skipped) = match &file {
            Some(file) if file.exists() => read(file)?,
            _ => one(options, folder, &name).with_context(|| format!("the group {name}"))?,
        };
        if let Some(file) = file.filter(|file| !file.exists()) {
            write(&file, &pictures, skipped)?;
        }
        groups.push(Group { name, collection, pictures, skipped });
    }
    ensure!(!groups.is_empty(), "{} must hold a folder per group", options.dir.display());
    Ok(groups)
}

fn one(options: &Options, dir: &Path, name: &str) -> anyhow::Result<(Vec<Picture>, usize)> {
    let (photos, skipped) = photos::of_people(dir)?;
    let method = *options.crops.first().context("no method of cropping")?;
    let bar = |what: &str| run::progress(&format!("{name}: {what}"), photos.photos.len());
    let crops = crops::cut_out(method, &photos.photos, bar)?;
    let source = run::source(options)?;
    let embeddings = run::embed(options, &source, method, &crops)?;
    let used: Vec<(usize, Embedding)> = photos
        .photos
        .iter()
        .zip(embeddings)
        .filter_map(|(photo, embedding)| Some((photo.person, embedding.ok()?)))
        .collect();
    let skipped = skipped.len() + photos.photos.len() - used.len();
    let pictures =
        used.into_iter().map(|(person, embedding)| Picture { person, embedding }).collect();
    Ok((pictures, skipped))
}

/// The embeddings of a group as a file: how many photographs were skipped, and for each of the
/// others the person and the numbers.
type Kept = (usize, Vec<(usize, Vec<f32>)>);

fn read(file: &Path) -> anyhow::Result<(Vec<Picture>, usize)> {
    let context = || format!("reading {}", file.display());
    let bytes = fs::read(file).with_context(context)?;
    let (skipped, kept): Kept = serde_json::from_slice(&bytes).with_context(context)?;
    let picture = |(person, numbers): (usize, Vec<f32>)| {
        anyhow::Ok(Picture { person, embedding: Embedding::normalise(numbers)? })
    };
    let pictures = kept.into_iter().map(picture).collect::<anyhow::Result<_>>();
    Ok((pictures.with_context(context)?, skipped))
}

fn write(file: &Path, pictures: &[Picture], skipped: usize) -> anyhow::Result<()> {
    let kept = pictures.iter().map(|it| (it.person, it.embedding.as_slice().to_vec()));
    let kept: Kept = (skipped, kept.collect());
    fs::create_dir_all(file.parent().unwrap_or(file))
        .and_then(|()| fs::write(file, serde_json::to_vec(&kept)?))
        .with_context(|| format!("writing {}", file.display()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::distances::tests::on_a_circle;

    #[test]
    fn embeddings_are_kept() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("kept/group.json");
        let pictures = on_a_circle(&[&[0.0, 30.0], &[90.0]]);
        write(&file, &pictures, 4).unwrap();
        let (read, skipped) = read(&file).unwrap();
        assert_eq!((read.len(), skipped), (3, 4));
        for (one, other) in read.iter().zip(&pictures) {
            assert_eq!(one.person, other.person);
            assert!(one.embedding.distance(&other.embedding) < 1e-6);
        }
        fs::write(&file, "[]").unwrap();
        assert!(super::read(&file).is_err());
    }
}
