//! Patterns of paths, by which a path tells whom a picture shows.

/// What a pattern has found in a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Found<'a> {
    /// The part at `{person}`.
    Person(&'a str),
    /// The number at `{number}`.
    Number(u32),
}

/// What a pattern finds in a path. Nothing when the path does not fit. No part of a pattern fits a
/// slash.
pub(super) fn find<'a>(pattern: &str, path: &'a str) -> Option<Found<'a>> {
    let mut found = None;
    fits(pattern, path, &mut found).then_some(found).flatten()
}

fn fits<'a>(pattern: &str, path: &'a str, found: &mut Option<Found<'a>>) -> bool {
    if let Some(rest) = pattern.strip_prefix('*') {
        return parts(path).any(|(_, after)| fits(rest, after, found));
    }
    if let Some(rest) = pattern.strip_prefix("{person}") {
        return parts(path).any(|(part, after)| {
            *found = Some(Found::Person(part));
            !part.is_empty() && fits(rest, after, found)
        });
    }
    if let Some(rest) = pattern.strip_prefix("{number}") {
        return parts(path).any(|(part, after)| {
            *found = part.parse().ok().map(Found::Number);
            found.is_some() && fits(rest, after, found)
        });
    }
    let mut letters = pattern.chars();
    match letters.next() {
        None => path.is_empty(),
        Some(letter) => {
            path.strip_prefix(letter).is_some_and(|rest| fits(letters.as_str(), rest, found))
        }
    }
}

/// The ways to cut a path in two so that the first part has no slash, the shortest first.
fn parts(path: &str) -> impl Iterator<Item = (&str, &str)> {
    let end = path.find('/').unwrap_or(path.len());
    let cuts = path.char_indices().map(|(at, _)| at).chain([path.len()]);
    cuts.take_while(move |at| *at <= end).filter_map(|at| path.split_at_checked(at))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_shortest_part_that_fits_is_the_person() {
        for (pattern, path, found) in [
            ("{person}.jpg", "ada.jpg", Some(Found::Person("ada"))),
            ("{person}_*.jpg", "ada_bo_1.jpg", Some(Found::Person("ada"))),
            ("{person}_0*.jpg", "ada_bo_01.jpg", Some(Found::Person("ada_bo"))),
            ("a/{person}/*", "a/bo/1.jpg", Some(Found::Person("bo"))),
            ("a/{person}", "a/bo/1.jpg", None),
            ("*/{person}.jpg", "é/ö.jpg", Some(Found::Person("ö"))),
            ("{person}.jpg", ".jpg", None),
            ("i_{number}.jpg", "i_0042.jpg", Some(Found::Number(42))),
            ("i_{number}.jpg", "i_4x.jpg", None),
            ("nobody.jpg", "nobody.jpg", None),
        ] {
            assert_eq!(find(pattern, path), found, "{pattern} {path}");
        }
    }
}
