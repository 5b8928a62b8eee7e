//! What a purge does, page by page and call by call.

use super::*;
use crate::deletion;
use crate::stores::fake::{Fake, Fault, face, now};

const DUE_MS: u64 = 1000;
const DAY_LATER_MS: u64 = DUE_MS + 24 * 3600 * 1000;

fn id(i: u32) -> String {
    format!("{i:032x}")
}

fn filled(faces: u32) -> Fake {
    let fake = Fake::default();
    for i in 0..faces {
        fake.insert(face(&id(i), 0.0), "");
    }
    fake.now_ms.set(DUE_MS);
    fake
}

fn run(fake: &Fake, due_ms: u64) -> Report {
    now(purge(fake, fake, fake, due_ms))
}

#[test]
fn an_empty_bucket_needs_no_deletion() {
    let fake = filled(0);
    let expected = "purge: 0 faces removed, 0 left, 0 vectors deleted, \
                    0 tombstones removed, 0 kept, 0 failures";
    assert_eq!(run(&fake, DUE_MS).to_string(), expected);
    assert_eq!(*fake.journal.borrow(), ["pictures.list", "pictures.list"]);
}

#[test]
fn everything_goes_in_pages_and_batches() {
    let fake = filled(2_345);
    let expected = "purge: 2345 faces removed, 0 left, 2345 vectors deleted, \
                    0 tombstones removed, 3 kept, 0 failures";
    assert_eq!(run(&fake, DUE_MS).to_string(), expected);
    assert_eq!(fake.counts(), (0, 0));
    assert_eq!(fake.calls("pictures.list"), 3 + 1);
    assert_eq!(fake.calls("pictures.put_tombstone"), 3);
    assert_eq!(fake.calls("pictures.delete"), 3);
    assert_eq!(fake.calls("vectors.delete"), 10 + 10 + 4);
    assert_eq!(fake.calls("vectors.present"), 0);
}

#[test]
fn five_thousand_faces_take_the_calls_that_are_documented() {
    let fake = filled(5_000);
    assert_eq!(run(&fake, DUE_MS).removed, 5_000);
    let first = fake.journal.borrow().len();
    // The pictures fill 5 pages. The tombstones that were written meanwhile make a sixth.
    assert_eq!(first, 6 + 5 + 5 + 1 + 5 + 50);
    fake.now_ms.set(DAY_LATER_MS);
    let report = run(&fake, DAY_LATER_MS);
    assert_eq!((report.tombstones_removed, report.tombstones_kept), (5, 0));
    assert_eq!(fake.journal.borrow().len() - first, 1 + 1 + 5 + 50 + 250 + 1);
    assert!(fake.tombstones.borrow().is_empty());
}

#[test]
fn faces_stored_later_stay() {
    let fake = filled(3);
    fake.insert(face(&id(7), 0.0), "");
    assert_eq!(run(&fake, DUE_MS).removed, 3);
    assert_eq!(fake.counts(), (1, 1));
}

#[test]
fn what_failed_is_tried_again_in_the_same_run() {
    for place in 0..8 {
        let fake = filled(150);
        fake.faults.borrow_mut().insert(place, Fault::Refused);
        let report = run(&fake, DUE_MS);
        let failed = usize::from(place < 7);
        assert_eq!((report.removed, report.left, report.failures.len()), (150, 0, failed));
        assert_eq!(fake.counts(), (0, 0), "after a failure of call {place}");
    }
}

#[test]
fn an_outage_leaves_what_the_next_run_finds() {
    let calls = [
        "pictures.list",
        "pictures.put_tombstone",
        "pictures.delete",
        "pictures.read_tombstone",
        "vectors.delete",
    ];
    for broken in calls {
        let fake = filled(150);
        fake.broken.borrow_mut().insert(broken);
        let report = run(&fake, DUE_MS);
        // Both steps run three times. Each lists the bucket, and 150 vectors take two calls.
        let each = if ["vectors.delete", "pictures.list"].contains(&broken) { 2 } else { 1 };
        assert_eq!(report.failures.len(), 3 * each, "{report}");
        assert!(report.to_string().contains(&format!("{broken}: broken")), "{report}");
        fake.broken.borrow_mut().clear();
        run(&fake, DUE_MS);
        assert_eq!(fake.counts(), (0, 0), "{broken}");
        run(&fake, DAY_LATER_MS);
        assert!(fake.tombstones.borrow().is_empty(), "{broken}");
    }
}

#[test]
fn pictures_go_even_when_the_index_is_down() {
    let fake = filled(150);
    fake.broken.borrow_mut().insert("vectors.delete");
    assert_eq!(run(&fake, DUE_MS).removed, 150);
    assert_eq!(fake.counts(), (150, 0), "the faces match nobody any more");
}

#[test]
fn a_tombstone_stays_until_the_index_has_forgotten() {
    let fake = filled(150);
    fake.lags.set(true);
    assert_eq!(run(&fake, DUE_MS).tombstones_kept, 1);
    assert_eq!(fake.counts(), (150, 0));
    // The index is still late the next day.
    fake.now_ms.set(DAY_LATER_MS);
    let report = run(&fake, DAY_LATER_MS);
    assert_eq!((report.tombstones_removed, report.tombstones_kept), (0, 1));
    fake.catch_up();
    assert_eq!(fake.counts(), (0, 0));
    assert_eq!(run(&fake, DAY_LATER_MS).tombstones_removed, 1);
    assert!(fake.tombstones.borrow().is_empty());
}

#[test]
fn tombstones_of_single_faces_share_batches() {
    let fake = filled(0);
    fake.now_ms.set(0);
    for i in 0..250 {
        let deletion = now(deletion::delete(&fake, &fake, &[id(i)]));
        assert!(deletion.pictures.is_ok() && deletion.vectors.is_ok());
    }
    fake.journal.borrow_mut().clear();
    assert_eq!(run(&fake, DAY_LATER_MS).tombstones_removed, 250);
    assert_eq!(fake.calls("pictures.read_tombstone"), 0);
    assert_eq!(fake.calls("vectors.delete"), 3);
    assert_eq!(fake.calls("vectors.present"), 5 + 5 + 3);
    assert!(fake.tombstones.borrow().is_empty());
}

#[test]
fn objects_that_no_enrolment_stored_go_without_a_call_of_the_index() {
    let fake = Fake::default();
    fake.insert(face("a key that no enrolment made", 0.0), "");
    assert_eq!(run(&fake, DUE_MS).to_string().split(',').next(), Some("purge: 0 faces removed"));
    assert_eq!(fake.counts().1, 0);
    assert_eq!(fake.calls("vectors.delete"), 0);
}
