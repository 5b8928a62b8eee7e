//! Bounds how many people are enrolled with the same picture. Whoever enrols one picture under many
//! names hides the people behind them, because a search returns a limited number of people.
//!
//! The rule looks only at what the index holds, so nothing has to be kept about callers. The index
//! applies enrolments late: copies that are sent within that time pass. Where they are too many, a
//! search says that it is incomplete.

use facenet::verdict::SAME_PICTURE_MAX;
use wire::faces::Search;
use wire::limits::COPIES_MAX;
use wire::{Kind, Problem};

use crate::clock::Clock;
use crate::error::Error;
use crate::search;
use crate::stores::{Pictures, Vectors};

/// When to try again, in seconds, where copies were deleted that the index still holds. It takes up
/// to two minutes to apply deletions.
const RETRY_AFTER_S: u32 = 60;

/// Checks that a picture with this embedding can be enrolled for one more person.
pub(crate) async fn check(
    vectors: &impl Vectors,
    pictures: &impl Pictures,
    clock: &impl Clock,
    namespace: &str,
    embedding: &[f32],
) -> Result<(), Error> {
    let copies = Search {
        namespace: namespace.to_owned(),
        embedding: embedding.to_vec(),
        top_k: COPIES_MAX,
        distance_max: SAME_PICTURE_MAX,
    };
    let found = search::search(vectors, pictures, clock, &copies).await?;
    if found.matches.len() >= COPIES_MAX as usize {
        let text = format!(
            "{COPIES_MAX} people are enrolled with this picture, which is the most. Delete one of \
             them, or add the picture to one of them with the delete token."
        );
        return Err(Error::problem(Kind::Unusable, text));
    }
    if found.incomplete {
        let text = "This picture was enrolled and deleted very often just now. Wait as \
                    `Retry-After` says, then try again.";
        let problem = Problem::new(Kind::Unavailable, text);
        return Err(Problem { retry_after: Some(RETRY_AFTER_S), ..problem }.into());
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stores::CANDIDATE_IDS_MAX;
    use crate::stores::fake::{Fake, embedding, face, now};

    /// So many people whose faces are at this angle.
    fn people(count: u32, angle: f32) -> Fake {
        let fake = Fake::default();
        for person in 0..count {
            fake.insert(face(&format!("{person:016x}{:016x}", 0), angle), "");
        }
        fake
    }

    fn kind(fake: &Fake) -> Option<Kind> {
        match now(check(fake, fake, fake, "n", &embedding(0.0))) {
            Ok(()) => None,
            Err(Error::Problem(problem)) => Some(problem.kind),
            Err(Error::Store(error)) => panic!("{error}"),
        }
    }

    #[test]
    fn so_many_people_hold_a_picture_and_no_more() {
        assert_eq!(kind(&people(COPIES_MAX - 1, 0.01)), None);
        assert_eq!(kind(&people(COPIES_MAX, 0.01)), Some(Kind::Unusable));
        // Other pictures of one person are no copies.
        assert_eq!(kind(&people(COPIES_MAX, 2.0 * SAME_PICTURE_MAX)), None);
        // Several pictures of one person are those of one.
        let fake = Fake::default();
        for number in 0..COPIES_MAX {
            fake.insert(face(&format!("{:016x}{number:016x}", 0), 0.01), "");
        }
        assert_eq!(kind(&fake), None);
    }

    #[test]
    fn deleted_copies_do_not_count_unless_they_hide_the_others() {
        let fake = people(CANDIDATE_IDS_MAX - 1, 0.01);
        fake.pictures.borrow_mut().clear();
        assert_eq!(kind(&fake), None);
        let fake = people(CANDIDATE_IDS_MAX, 0.01);
        fake.pictures.borrow_mut().clear();
        assert_eq!(kind(&fake), Some(Kind::Unavailable));
    }
}
