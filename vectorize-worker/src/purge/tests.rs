//! What a purge does, page by page and call by call.

use std::collections::BTreeSet;

use super::*;
use crate::stores::Face;
use crate::stores::fake::{Fake, Fault, face, now};
use crate::{deletion, person, token};

const HOUR_MS: u64 = 3600 * 1000;
const NOON_MS: u64 = 12 * HOUR_MS;
const DAY_MS: u64 = 24 * HOUR_MS;

fn id(i: u32) -> String {
    format!("{i:032x}")
}

/// So many faces that were stored before noon. It is noon now.
fn filled(faces: u32) -> Fake {
    let fake = Fake::default();
    insert(&fake, 0..faces);
    fake.now_ms.set(NOON_MS);
    fake
}

fn insert(fake: &Fake, numbers: std::ops::Range<u32>) {
    for number in numbers {
        // Tests of many faces need no whole embeddings.
        fake.insert(Face { embedding: Vec::new(), ..face(&id(number), 0.0) }, "");
    }
}

/// A trigger that comes on time.
fn run(fake: &Fake, time_ms: u64) -> Report {
    fake.now_ms.set(fake.now_ms.get().max(time_ms));
    now(trigger(fake, fake, fake, time_ms)).expect("a purge is due")
}

/// Whether a trigger finds nothing to do.
fn is_idle(fake: &Fake, time_ms: u64) -> bool {
    now(trigger(fake, fake, fake, time_ms)).is_none()
}

#[test]
fn an_empty_bucket_needs_no_deletion() {
    let fake = filled(0);
    let expected = "purge: 0 faces removed, 0 left, 0 vectors deleted, \
                    0 tombstones removed, 0 kept, 0 calls repeated, 0 failures";
    assert_eq!(run(&fake, NOON_MS).to_string(), expected);
    let calls = ["read_last_purge", "list", "list", "put_last_purge"];
    assert_eq!(*fake.journal.borrow(), calls.map(|call| format!("pictures.{call}")));
}

#[test]
fn everything_goes_in_pages_and_batches() {
    let fake = filled(2_345);
    let expected = "purge: 2345 faces removed, 0 left, 2345 vectors deleted, \
                    0 tombstones removed, 3 kept, 0 calls repeated, 0 failures";
    assert_eq!(run(&fake, NOON_MS).to_string(), expected);
    assert_eq!(fake.counts(), (0, 0));
    assert_eq!(fake.calls("pictures.list"), 3 + 1);
    assert_eq!(fake.calls("pictures.put_ids"), 3);
    assert_eq!(fake.calls("pictures.delete"), 3);
    assert_eq!(fake.calls("vectors.delete"), 10 + 10 + 4);
    assert_eq!(fake.calls("vectors.present"), 0);
}

/// The calls of a purge, but for those about the last purge.
#[track_caller]
fn check_calls(faces: u32, pictures: usize, vectors: usize, next_day: usize) {
    let fake = filled(faces);
    assert_eq!(run(&fake, NOON_MS).removed, faces as usize);
    let count = |fake: &Fake, name: &str| {
        fake.journal.borrow().iter().filter(|call| call.starts_with(name)).count()
    };
    let first = fake.journal.borrow().len() - 2;
    let second_step = count(&fake, "vectors.") + count(&fake, "pictures.read_ids") + 1;
    assert_eq!((first - second_step, second_step), (pictures, vectors));
    let report = run(&fake, NOON_MS + DAY_MS);
    assert_eq!((report.tombstones_removed, report.tombstones_kept), (faces as usize / 1000, 0));
    assert_eq!(fake.journal.borrow().len() - 4 - first, next_day);
    assert!(fake.tombstones.borrow().is_empty());
}

#[test]
fn many_faces_take_the_calls_that_are_documented() {
    // The pictures fill 5 pages. The tombstones that were written meanwhile make a sixth.
    check_calls(5_000, 6 + 5 + 5, 1 + 5 + 50, 1 + 1 + 5 + 50 + 250 + 1);
    check_calls(100_000, 101 + 100 + 100, 1 + 100 + 1000, 1 + 1 + 100 + 1000 + 5000 + 1);
}

/// 100,000 faces and as many tombstones of the day before. It is the next noon, a call takes 150 ms
/// from now on, and one of `fail_every` calls is refused.
fn busy_noon(fail_every: usize) -> Fake {
    let fake = filled(100_000);
    run(&fake, NOON_MS);
    insert(&fake, 100_000..200_000);
    fake.now_ms.set(NOON_MS + DAY_MS);
    fake.latency.call_ms.set(150);
    fake.fail_every.set(fail_every);
    fake
}

/// Lets triggers come until there is nothing to do. Gives the milliseconds that their runs take.
fn run_busy(fake: &Fake) -> u64 {
    let mut runs_ms = 0;
    loop {
        let began_ms = fake.now_ms.get();
        let due = trigger(fake, fake, fake, began_ms);
        let Some(report) = fake.latency.run(&fake.now_ms, due) else { break };
        runs_ms += fake.now_ms.get() - began_ms;
        println!("{report}");
        // The next trigger.
        fake.now_ms.set((fake.now_ms.get() / (HOUR_MS / 4) + 1) * (HOUR_MS / 4));
    }
    assert_eq!(fake.counts(), (0, 0));
    assert_eq!(fake.tombstones.borrow().len(), 100, "those of the day before are gone");
    assert!(fake.latency.at_once_max.get() <= CALLS_AT_ONCE);
    println!("{} s, {} calls", runs_ms / 1000, fake.journal.borrow().len());
    runs_ms
}

const MINUTE_MS: u64 = 60 * 1000;

#[test]
fn a_hundred_thousand_faces_go_in_time_and_with_few_connections() {
    assert!(run_busy(&busy_noon(0)) < 5 * MINUTE_MS);
    // Of fifty calls one is refused, and of twenty.
    assert!(run_busy(&busy_noon(50)) < 10 * MINUTE_MS);
    assert!(run_busy(&busy_noon(20)) < 15 * MINUTE_MS);
}

#[test]
fn a_run_that_is_cut_at_half_is_ended_by_the_next_one() {
    let whole_ms = run_busy(&busy_noon(50));
    let fake = busy_noon(50);
    let noon_ms = fake.now_ms.get();
    let cut = trigger(&fake, &fake, &fake, noon_ms);
    let cut = fake.latency.run_until(&fake.now_ms, noon_ms + whole_ms / 2, cut);
    assert!(cut.is_none());
    fake.now_ms.set(noon_ms + HOUR_MS / 4);
    assert!(whole_ms / 2 + run_busy(&fake) < 10 * MINUTE_MS);
}

#[test]
fn a_run_that_has_no_more_time_leaves_a_rest_to_the_next_one() {
    let fake = busy_noon(0);
    fake.latency.call_ms.set(1_000);
    let noon_ms = fake.now_ms.get();
    let first = trigger(&fake, &fake, &fake, noon_ms);
    let first = fake.latency.run(&fake.now_ms, first).unwrap();
    assert!(first.out_of_time && !first.is_complete() && first.failures.is_empty(), "{first}");
    // It ends before the next trigger comes, and long before the runtime would end it.
    let took_ms = fake.now_ms.get() - noon_ms;
    assert!((RUN_MS_MAX..RUN_MS_MAX + 15_000).contains(&took_ms), "{took_ms} ms");
    let last = fake.latency.run(&fake.now_ms, Last::read(&fake)).unwrap().unwrap();
    assert!(!last.is_complete && last.noon_ms == noon_ms);
    run_busy(&fake);
}

#[test]
fn faces_stored_later_stay() {
    let fake = filled(3);
    insert(&fake, 7..8);
    assert_eq!(run(&fake, NOON_MS).removed, 3);
    assert_eq!(fake.counts(), (1, 1));
}

#[test]
fn what_failed_is_tried_again_in_the_same_run() {
    let calls = {
        let fake = filled(150);
        run(&fake, NOON_MS);
        fake.journal.borrow().len()
    };
    // The first call asks for the last purge: without an answer, the purge runs.
    for place in 1..calls - 1 {
        let fake = filled(150);
        fake.faults.borrow_mut().insert(place, Fault::Refused);
        let report = run(&fake, NOON_MS);
        assert_eq!((report.removed, report.left, report.repeated), (150, 0, 1), "{place}");
        assert!(report.failures.is_empty());
        assert_eq!(fake.counts(), (0, 0), "after a failure of call {place}");
    }
}

#[test]
fn an_outage_leaves_what_the_next_trigger_finds() {
    for (broken, failures) in [
        // Both steps list the bucket, and 150 vectors take two calls.
        ("pictures.list", 2),
        ("pictures.put_ids", 1),
        ("pictures.delete", 1),
        ("pictures.read_ids", 1),
        ("vectors.delete", 2),
        ("pictures.put_last_purge", 1),
    ] {
        let fake = filled(150);
        fake.broken.borrow_mut().insert(broken);
        let report = run(&fake, NOON_MS);
        assert_eq!(report.failures.len(), failures, "{report}");
        assert!(report.to_string().contains(&format!("{broken}: broken")), "{report}");
        fake.broken.borrow_mut().clear();
        run(&fake, NOON_MS + HOUR_MS / 4);
        assert_eq!(fake.counts(), (0, 0), "{broken}");
        assert!(is_idle(&fake, NOON_MS + HOUR_MS / 2), "{broken}");
        run(&fake, NOON_MS + DAY_MS);
        assert!(fake.tombstones.borrow().is_empty(), "{broken}");
    }
}

#[test]
fn a_batch_that_fails_does_not_stop_the_others() {
    let fake = filled(5_000);
    // All tries of one deletion of pictures and of one of vectors. The second page is deleted by
    // the seventh call, since the first one asks for the last purge.
    fake.faults.borrow_mut().extend((6..10).map(|place| (place, Fault::Refused)));
    let report = run(&fake, NOON_MS);
    assert_eq!((report.removed, report.left, report.failures.len()), (4_000, 1_000, 1), "{report}");
    assert_eq!(fake.counts(), (0, 1_000), "the tombstone of the page was written");
    assert_eq!(run(&fake, NOON_MS + HOUR_MS / 4).removed, 1_000);
    assert_eq!(fake.counts(), (0, 0));
}

#[test]
fn an_outage_does_not_use_up_the_time_of_a_run() {
    let fake = filled(100_000);
    fake.broken.borrow_mut().insert("vectors.delete");
    fake.latency.call_ms.set(150);
    let report = fake.latency.run(&fake.now_ms, trigger(&fake, &fake, &fake, NOON_MS)).unwrap();
    assert_eq!((report.removed, report.failures.len()), (100_000, 1_000));
    assert!(fake.now_ms.get() - NOON_MS < 10 * 60_000, "{} ms", fake.now_ms.get() - NOON_MS);
}

#[test]
fn triggers_that_are_late_doubled_or_missed_end_the_day() {
    let fake = filled(5_000);
    insert(&fake, 5_000..5_010);
    // Late: the boundary is noon all the same, and what was stored after it stays.
    assert_eq!(run(&fake, NOON_MS + 5 * HOUR_MS).removed, 5_000);
    assert_eq!(fake.counts(), (10, 10));
    // Doubled, and once more for every quarter of an hour: one call each.
    fake.journal.borrow_mut().clear();
    for quarter in 0..40 {
        assert!(is_idle(&fake, NOON_MS + quarter * HOUR_MS / 4));
    }
    assert_eq!(fake.journal.borrow().len(), 40);
    // Two noons are missed. The first trigger that comes makes up for it.
    insert(&fake, 0..5_000);
    let late_ms = NOON_MS + 2 * DAY_MS + HOUR_MS;
    assert_eq!(run(&fake, late_ms).removed, 5_010);
    assert_eq!(fake.counts(), (0, 0));
    // A trigger of an earlier noon comes after all.
    assert!(is_idle(&fake, NOON_MS + DAY_MS));
    assert!(is_idle(&fake, late_ms));
    assert_eq!(run(&fake, NOON_MS + 3 * DAY_MS).tombstones_kept, 0);
    assert!(fake.tombstones.borrow().is_empty());
}

#[test]
fn what_is_known_of_the_last_purge_outlives_the_purge_and_rubbish_is_nothing() {
    let fake = filled(10);
    run(&fake, NOON_MS);
    let last = now(Last::read(&fake)).unwrap().unwrap();
    let expected = Last {
        noon_ms: NOON_MS,
        ended_ms: NOON_MS,
        is_complete: true,
        runs: 1,
        faces_removed: 10,
        faces_left: 0,
        failures: 0,
        earlier_ended_ms: 0,
    };
    assert_eq!(last, expected);
    run(&fake, NOON_MS + DAY_MS);
    let last = now(Last::read(&fake)).unwrap().unwrap();
    assert_eq!((last.noon_ms, last.earlier_ended_ms), (NOON_MS + DAY_MS, NOON_MS));
    *fake.last_purge.borrow_mut() = Some("rubbish".into());
    assert!(!is_idle(&fake, NOON_MS + DAY_MS));
    // A bucket that does not say is asked again by the next trigger.
    let fake = Fake::breaking(&["pictures.read_last_purge"]);
    assert_eq!(run(&fake, NOON_MS).failures.len(), 1);
    fake.broken.borrow_mut().clear();
    assert!(!is_idle(&fake, NOON_MS));
    assert!(is_idle(&fake, NOON_MS));
}

#[test]
fn pictures_go_even_when_the_index_is_down() {
    let fake = filled(150);
    fake.broken.borrow_mut().insert("vectors.delete");
    assert_eq!(run(&fake, NOON_MS).removed, 150);
    assert_eq!(fake.counts(), (150, 0), "the faces match nobody any more");
}

#[test]
fn a_tombstone_stays_until_the_index_has_forgotten() {
    let fake = filled(150);
    fake.lags.set(true);
    assert_eq!(run(&fake, NOON_MS).tombstones_kept, 1);
    assert_eq!(fake.counts(), (150, 0));
    // The index is still late the next day.
    let report = run(&fake, NOON_MS + DAY_MS);
    assert_eq!((report.tombstones_removed, report.tombstones_kept), (0, 1));
    fake.catch_up();
    assert_eq!(fake.counts(), (0, 0));
    assert_eq!(run(&fake, NOON_MS + 2 * DAY_MS).tombstones_removed, 1);
    assert!(fake.tombstones.borrow().is_empty());
}

#[test]
fn tombstones_of_single_faces_share_batches_and_ends_need_no_call() {
    let fake = filled(0);
    fake.now_ms.set(HOUR_MS);
    for i in 0..250 {
        let deletion = now(deletion::delete(&fake, &fake, &[id(i)]));
        assert!(deletion.pictures.is_ok() && deletion.vectors.is_ok());
    }
    for _ in 0..20 {
        assert!(now(person::delete(&fake, &fake, Some(&token::new().unwrap()))).is_err());
    }
    let report = run(&fake, NOON_MS);
    assert_eq!((report.tombstones_removed, report.tombstones_kept), (0, 270), "no day has passed");
    fake.journal.borrow_mut().clear();
    assert_eq!(run(&fake, NOON_MS + DAY_MS).tombstones_removed, 270);
    assert_eq!(fake.calls("pictures.read_ids"), 0);
    assert_eq!(fake.calls("vectors.delete"), 3);
    assert_eq!(fake.calls("vectors.present"), 5 + 5 + 3);
    assert!(fake.tombstones.borrow().is_empty());
}

#[test]
fn objects_of_others_stay() {
    let (upper, long) = ("A".repeat(32), "a".repeat(33));
    let strangers = ["photo.jpg", "0.png", "purge/notes", "gone", &upper, &long];
    let like_ours = ["gone/fishing.txt", "gone/batch-7", "gone/pending-photos", "gone/token-"];
    let fake = filled(2_500);
    for key in strangers {
        fake.insert(face(key, 0.0), "");
    }
    for key in like_ours {
        fake.tombstones.borrow_mut().insert(key.into(), (vec![], 0));
    }
    for day in 0..3 {
        run(&fake, NOON_MS + day * DAY_MS);
        now(crate::pending::finish(&fake, &fake));
    }
    assert!(fake.pictures.borrow().keys().eq(&BTreeSet::from(strangers.map(str::to_owned))));
    assert!(fake.tombstones.borrow().keys().eq(&BTreeSet::from(like_ours.map(str::to_owned))));
}
