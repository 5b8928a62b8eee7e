//! Every call to a store failed in turn, in every way and order that matters. Tests only.
//!
//! After each case three things hold. Every vector that there is, or that may still come, has a
//! picture or a tombstone with its id. Nobody matches who has no picture. One purge without
//! failures leaves no vector and no picture, and another one a day later leaves no tombstone.

use std::future::Future;
use std::pin::{Pin, pin};
use std::task::{Context, Poll, Waker};

use wire::faces::{Enrol, Search};

use crate::stores::fake::{Fake, Fault, embedding, face, now};
use crate::{enrol, face, id, person, purge, search, token, tombstone};

const HOUR_MS: u64 = 3600 * 1000;
const NOON_MS: u64 = 12 * HOUR_MS;
const DAY_MS: u64 = 24 * HOUR_MS;
const FAULTS: [Fault; 3] = [Fault::Refused, Fault::Lost, Fault::Delayed];

/// More calls than any operation makes.
const OUTAGE_CALLS: usize = 200;

const ID: &str = "0123456789abcdef0123456789abcdef";
const TOKEN: &str = "a token";

fn request() -> Enrol {
    Enrol {
        namespace: "n".into(),
        name: "Ada".into(),
        embedding: embedding(0.0),
        delete_token: None,
        picture: vec![],
    }
}

async fn enrol_one(fake: &Fake) -> bool {
    enrol::enrol(fake, fake, fake, request()).await.is_ok()
}

async fn add_another(fake: &Fake) -> bool {
    let request = Enrol { delete_token: Some(TOKEN.into()), ..request() };
    enrol::enrol(fake, fake, fake, request).await.is_ok()
}

async fn delete_person(fake: &Fake) -> bool {
    person::delete(fake, fake, Some(TOKEN)).await.is_ok()
}

async fn delete_one(fake: &Fake) -> bool {
    face::delete(fake, fake, ID, Some("token")).await.is_ok()
}

async fn purge_all(fake: &Fake) -> bool {
    purge::purge(fake, fake, fake, NOON_MS).await.failures.is_empty()
}

/// What is done, and what the stores hold before.
#[derive(Clone, Copy, Debug)]
enum Operation {
    /// A face is enrolled. The stores are empty.
    Enrol,
    /// A picture is added to a person, who has one face.
    Add,
    /// A face is deleted. It is the only one.
    Delete,
    /// A person is deleted, who has three faces.
    DeletePerson,
    /// The purge of many faces, and of one that was deleted before.
    Purge,
}

impl Operation {
    fn fake(self) -> Fake {
        let fake = Fake::default();
        fake.now_ms.set(HOUR_MS);
        match self {
            Self::Enrol => {}
            Self::Add => insert_person(&fake, 1),
            Self::DeletePerson => insert_person(&fake, 3),
            Self::Delete => fake.insert(face(ID, 0.0), &token::hash("token")),
            Self::Purge => {
                for i in 0..230_u32 {
                    fake.insert(face(&format!("{i:032x}"), 0.0), "");
                }
                let id = "f".repeat(32);
                fake.insert(face(&id, 0.0), "");
                // This one was deleted, but the index has not carried out the deletion.
                fake.pictures.borrow_mut().remove(&id);
                let listed = (vec![id.clone()], HOUR_MS);
                fake.tombstones.borrow_mut().insert(tombstone::key_of(&id), listed);
                fake.now_ms.set(NOON_MS);
            }
        }
        fake
    }

    async fn run(self, fake: &Fake) -> bool {
        match self {
            Self::Enrol => enrol_one(fake).await,
            Self::Add => add_another(fake).await,
            Self::DeletePerson => delete_person(fake).await,
            Self::Delete => delete_one(fake).await,
            Self::Purge => purge_all(fake).await,
        }
    }
}

/// Stores so many faces of the person who holds [`TOKEN`].
fn insert_person(fake: &Fake, faces: usize) {
    let hash = token::hash(TOKEN);
    for number in 0..faces {
        fake.insert(face(&format!("{}{number:016x}", id::person(&hash)), 0.0), &hash);
    }
}

/// Checks that every vector has a picture or a tombstone with its id. This holds whenever no call
/// is under way.
fn check_ids(fake: &Fake, case: &str) {
    let tombstones = fake.tombstones.borrow();
    let listed: Vec<&String> = tombstones.values().flat_map(|(ids, _)| ids).collect();
    for id in fake.vectors.borrow().keys() {
        let known = fake.pictures.borrow().contains_key(id) || listed.contains(&id);
        assert!(known, "{case}: an orphan: nothing in the bucket has the id of a vector");
    }
}

/// How many pictures the people have who match.
fn matches(fake: &Fake) -> usize {
    fake.faults.borrow_mut().clear();
    let query =
        Search { namespace: "n".into(), embedding: embedding(0.0), top_k: 20, distance_max: 2.0 };
    let found = now(search::search(fake, fake, fake, &query)).unwrap().matches;
    for neighbour in &found {
        assert!(fake.pictures.borrow().contains_key(&neighbour.id));
    }
    found.iter().map(|neighbour| neighbour.pictures).sum()
}

/// Checks what a purge without failures leaves, and one a day later.
fn check_purge(fake: &Fake, case: &str) {
    fake.faults.borrow_mut().clear();
    fake.now_ms.set(NOON_MS);
    assert!(now(purge_all(fake)), "{case}");
    fake.catch_up();
    assert_eq!(fake.counts(), (0, 0), "{case}: after one purge");
    fake.now_ms.set(NOON_MS + DAY_MS);
    let report = now(purge::purge(fake, fake, fake, NOON_MS + DAY_MS));
    assert!(report.failures.is_empty() && report.tombstones_kept == 0, "{case}: {report}");
    assert!(fake.tombstones.borrow().is_empty(), "{case}: a tombstone is left");
}

/// Runs one case and returns how many calls the operation made.
fn run(operation: Operation, faults: &[(usize, Fault)], lags: bool) -> usize {
    let case = format!("{operation:?}, {faults:?}, lags: {lags}");
    let fake = operation.fake();
    fake.lags.set(lags);
    fake.faults.borrow_mut().extend(faults.iter().copied());
    let done = now(operation.run(&fake));
    let calls = fake.journal.borrow().len();
    check_ids(&fake, &case);
    let found = matches(&fake);
    let found_late = {
        fake.catch_up();
        check_ids(&fake, &case);
        matches(&fake)
    };
    match (operation, done) {
        (Operation::Enrol, true) => assert_eq!(found_late, 1, "{case}: it was promised"),
        // After a single fault an enrolment is undone: nobody matches, now or later.
        (Operation::Enrol, false) if faults.len() == 1 => {
            // The picture alone is left when it was stored after its deletion.
            let left = faults == [(0, Fault::Delayed)];
            assert_eq!((found, found_late), (0, 0), "{case}");
            assert_eq!(fake.counts().1, usize::from(left), "{case}: a picture is left");
        }
        (Operation::Add, true) => assert_eq!(found_late, 2, "{case}: it was promised"),
        (Operation::Add, false) if faults.len() == 1 => {
            // Again the picture may be stored after its deletion, and counts as one of the
            // person's.
            let left = usize::from(matches!(faults, [(2, Fault::Delayed)]));
            assert_eq!((found, found_late), (1, 1 + left), "{case}");
        }
        (Operation::Delete | Operation::DeletePerson, true) => {
            assert_eq!((found, found_late), (0, 0), "{case}");
        }
        (Operation::Purge, true) => assert_eq!(fake.counts(), (0, 0), "{case}"),
        _ => {}
    }
    check_purge(&fake, &case);
    calls
}

/// Runs the case `faults`, and every case in which up to `more` later calls fail too. Returns how
/// many cases there were. A fault changes which calls follow, so each case tells how many calls the
/// next ones can fail at.
fn explore(
    operation: Operation,
    faults: &mut Vec<(usize, Fault)>,
    more: usize,
    lags: bool,
) -> usize {
    let calls = run(operation, faults, lags);
    let mut cases = 1;
    if more > 0 {
        for place in faults.last().map_or(0, |(last, _)| last + 1)..calls {
            for fault in FAULTS {
                faults.push((place, fault));
                cases += explore(operation, faults, more - 1, lags);
                faults.pop();
            }
        }
    }
    cases
}

/// Runs all cases in which up to `failing` calls fail, and those in which all calls fail from some
/// call on.
fn exhaust(operation: Operation, failing: usize, cases_min: usize) {
    let mut cases = 0;
    for lags in [false, true] {
        cases += explore(operation, &mut vec![], failing, lags);
        let calls = run(operation, &[], lags);
        for first in 0..calls {
            let outage: Vec<_> =
                (first..OUTAGE_CALLS).map(|place| (place, Fault::Refused)).collect();
            run(operation, &outage, lags);
            cases += 1;
        }
    }
    println!("{operation:?}: {cases} cases");
    assert!(cases >= cases_min, "only {cases} cases were tried");
}

#[test]
fn no_failing_calls_of_an_enrolment_leave_an_orphan() {
    exhaust(Operation::Enrol, 5, 200);
}

#[test]
fn no_failing_calls_of_another_picture_leave_an_orphan() {
    exhaust(Operation::Add, 4, 200);
}

#[test]
fn no_failing_calls_of_deleting_a_person_leave_an_orphan() {
    exhaust(Operation::DeletePerson, 4, 70);
}

#[test]
fn no_failing_calls_of_a_deletion_leave_an_orphan() {
    exhaust(Operation::Delete, 4, 70);
}

#[test]
fn no_failing_calls_of_a_purge_leave_an_orphan() {
    exhaust(Operation::Purge, 2, 2000);
}

/// Polls two futures in the order that the bits of `schedule` give, then in turn until both end.
fn interleave(
    mut one: Pin<&mut dyn Future<Output = ()>>,
    mut other: Pin<&mut dyn Future<Output = ()>>,
    schedule: u32,
) {
    let mut context = Context::from_waker(Waker::noop());
    let (mut one_done, mut other_done) = (false, false);
    for step in 0.. {
        let turn = if step < u32::BITS { schedule >> step & 1 == 0 } else { step % 2 == 0 };
        if (turn || other_done) && !one_done {
            one_done = one.as_mut().poll(&mut context) == Poll::Ready(());
        } else if !other_done {
            other_done = other.as_mut().poll(&mut context) == Poll::Ready(());
        }
        if one_done && other_done {
            return;
        }
    }
}

/// Runs two operations at once, in every order of their first `bits` calls.
fn exhaust_orders(operations: [Operation; 2], fake: impl Fn() -> Fake, bits: u32) {
    for lags in [false, true] {
        for schedule in 0..1_u32 << bits {
            let fake = fake();
            fake.lags.set(lags);
            fake.steps.set(true);
            let run = async |operation: Operation| {
                operation.run(&fake).await;
            };
            interleave(pin!(run(operations[0])), pin!(run(operations[1])), schedule);
            fake.steps.set(false);
            let case = format!("{operations:?}, lags: {lags}, schedule {schedule:b}");
            check_ids(&fake, &case);
            fake.catch_up();
            check_ids(&fake, &case);
            check_purge(&fake, &case);
        }
    }
}

#[test]
fn an_enrolment_during_a_purge_leaves_no_orphan() {
    // The enrolment begins before the purge is due, and is under way when it runs.
    let fake = || {
        let fake = Fake::default();
        fake.now_ms.set(NOON_MS - 1);
        fake
    };
    exhaust_orders([Operation::Enrol, Operation::Purge], fake, 12);
}

#[test]
fn two_purges_at_once_do_no_harm() {
    exhaust_orders([Operation::Purge, Operation::Purge], || Operation::Delete.fake(), 14);
}

#[test]
fn a_deletion_during_a_purge_leaves_no_orphan() {
    exhaust_orders([Operation::Delete, Operation::Purge], || Operation::Delete.fake(), 12);
}
