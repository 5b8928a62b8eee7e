//! What a purge does, page by page and call by call.

use super::*;
use crate::store::fake::{Fake, face, now};

const DUE: u64 = 1000;
const DAY_LATER: u64 = DUE + 24 * 3600 * 1000;

fn id(i: u32) -> String {
    format!("{i:032x}")
}

fn filled(faces: u32) -> Fake {
    let fake = Fake::default();
    for i in 0..faces {
        fake.insert(face(&id(i), 0.0), "");
    }
    fake.now.set(DUE);
    fake
}

fn run(fake: &Fake, due: u64) -> Report {
    now(purge(fake, fake, fake, due))
}

#[test]
fn an_empty_bucket_needs_no_deletion() {
    let fake = filled(0);
    assert_eq!(run(&fake, DUE), Report::default());
    assert_eq!(*fake.journal.borrow(), ["pictures.page", "pictures.page"]);
}

#[test]
fn everything_goes_in_pages_and_batches() {
    let fake = filled(2_345);
    let expected = "purge: 2345 faces removed, 0 left, 2345 vectors deleted, \
                    0 tombstones removed, 3 kept, 0 failures";
    assert_eq!(run(&fake, DUE).to_string(), expected);
    assert_eq!(fake.counts(), (0, 0));
    assert_eq!(fake.calls("pictures.page"), 3 + 1);
    assert_eq!(fake.calls("pictures.mark"), 3);
    assert_eq!(fake.calls("pictures.delete"), 3);
    assert_eq!(fake.calls("vectors.delete"), 10 + 10 + 4);
    assert_eq!(fake.calls("vectors.present"), 0);
}

#[test]
fn five_thousand_faces_take_the_calls_that_are_documented() {
    let fake = filled(5_000);
    assert_eq!(run(&fake, DUE).removed, 5_000);
    let first = fake.journal.borrow().len();
    // With 5,000 faces a page is full, so the list goes on to find the tombstones only.
    assert_eq!(first, 6 + 5 + 5 + 1 + 5 + 50);
    fake.now.set(DAY_LATER);
    let report = run(&fake, DAY_LATER);
    assert_eq!((report.settled, report.kept), (5, 0));
    assert_eq!(fake.journal.borrow().len() - first, 1 + 1 + 5 + 50 + 250 + 1);
    assert!(fake.tombstones.borrow().is_empty());
}

#[test]
fn faces_stored_later_stay() {
    let fake = filled(3);
    fake.insert(face(&id(7), 0.0), "");
    assert_eq!(run(&fake, DUE).removed, 3);
    assert_eq!(fake.counts(), (1, 1));
}

#[test]
fn what_failed_is_tried_again_in_the_same_run() {
    for place in 0..8 {
        let fake = filled(150);
        fake.faults.borrow_mut().insert(place, crate::store::fake::Fault::Refused);
        let report = run(&fake, DUE);
        let failed = usize::from(place < 7);
        assert_eq!((report.removed, report.left, report.failures.len()), (150, 0, failed));
        assert_eq!(fake.counts(), (0, 0), "after a failure of call {place}");
    }
}

#[test]
fn an_outage_leaves_what_the_next_run_finds() {
    let calls =
        ["pictures.page", "pictures.mark", "pictures.delete", "pictures.marked", "vectors.delete"];
    for broken in calls {
        let fake = filled(150);
        fake.broken.borrow_mut().insert(broken);
        let report = run(&fake, DUE);
        // Three times through both stores, of which each is listed, and two batches of vectors.
        let each = if ["vectors.delete", "pictures.page"].contains(&broken) { 2 } else { 1 };
        assert_eq!(report.failures.len(), 3 * each, "{report}");
        assert!(report.to_string().contains(&format!("{broken}: broken")), "{report}");
        fake.broken.borrow_mut().clear();
        run(&fake, DUE);
        assert_eq!(fake.counts(), (0, 0), "{broken}");
        run(&fake, DAY_LATER);
        assert!(fake.tombstones.borrow().is_empty(), "{broken}");
    }
}

#[test]
fn pictures_go_even_when_the_index_is_down() {
    let fake = filled(150);
    fake.broken.borrow_mut().insert("vectors.delete");
    assert_eq!(run(&fake, DUE).removed, 150);
    assert_eq!(fake.counts(), (150, 0), "nobody is found any more");
}

#[test]
fn a_tombstone_stays_until_the_index_has_forgotten() {
    let fake = filled(150);
    fake.lags.set(true);
    assert_eq!(run(&fake, DUE).kept, 1);
    assert_eq!(fake.counts(), (150, 0));
    // The index is still late the next day.
    fake.now.set(DAY_LATER);
    let report = run(&fake, DAY_LATER);
    assert_eq!((report.settled, report.kept), (0, 1));
    fake.catch_up();
    assert_eq!(fake.counts(), (0, 0));
    assert_eq!(run(&fake, DAY_LATER).settled, 1);
    assert!(fake.tombstones.borrow().is_empty());
}

#[test]
fn tombstones_of_single_faces_share_batches() {
    let fake = filled(0);
    fake.now.set(0);
    for i in 0..250 {
        let burial = now(tombstone::bury(&fake, &fake, &[id(i)]));
        assert!(burial.picture.is_ok() && burial.vector.is_ok());
    }
    fake.journal.borrow_mut().clear();
    assert_eq!(run(&fake, DAY_LATER).settled, 250);
    assert_eq!(fake.calls("pictures.marked"), 0);
    assert_eq!(fake.calls("vectors.delete"), 3);
    assert_eq!(fake.calls("vectors.present"), 5 + 5 + 3);
    assert!(fake.tombstones.borrow().is_empty());
}

#[test]
fn foreign_keys_go_without_troubling_the_index() {
    let fake = Fake::default();
    fake.insert(face("a key that no enrolment made", 0.0), "");
    assert_eq!(run(&fake, DUE).to_string().split(',').next(), Some("purge: 0 faces removed"));
    assert_eq!(fake.counts().1, 0);
    assert_eq!(fake.calls("vectors.delete"), 0);
}
