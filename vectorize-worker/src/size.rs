//! How many faces the gallery has at most, for the chance that a stranger finds somebody in it.
//!
//! The index counts its vectors, also those of other models and of faces that were just deleted.
//! The count is rounded up, so that it says little of a gallery and nothing of anybody. It is asked
//! for while the search is under way, and costs nothing.

use crate::stores::Vectors;

/// The least that is told.
const LEAST: u64 = 10;

/// The number of faces, rounded up to 1, 2 or 5 times a power of ten. Nothing when the index does
/// not say it: a search does not fail because of that.
pub(crate) async fn at_most(vectors: &impl Vectors) -> Option<u64> {
    vectors.state().await.ok()?.vectors.map(rounded_up)
}

fn rounded_up(count: u64) -> u64 {
    let mut power = LEAST;
    loop {
        for step in [1, 2, 5] {
            let size = power.saturating_mul(step);
            if size >= count {
                return size;
            }
        }
        power = power.saturating_mul(10);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stores::fake::{Fake, face, now};

    #[test]
    fn sizes_are_rounded_up() {
        for (count, size) in [
            (0, 10),
            (1, 10),
            (10, 10),
            (11, 20),
            (20, 20),
            (21, 50),
            (51, 100),
            (1_001, 2_000),
            (u64::MAX, u64::MAX),
        ] {
            assert_eq!(rounded_up(count), size, "{count}");
        }
    }

    #[test]
    fn the_index_says_how_many_there_are() {
        let fake = Fake::default();
        assert_eq!(now(at_most(&fake)), Some(10));
        for number in 0..11 {
            fake.insert(face(&format!("{number}"), 0.0), "");
        }
        assert_eq!(now(at_most(&fake)), Some(20));
        // An index that does not say it fails no search.
        assert_eq!(now(at_most(&Fake::breaking(&["vectors.state"]))), None);
    }
}
