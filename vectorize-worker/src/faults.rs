//! Lets every call to a store fail, in every way and order that matters. Tests only.
//!
//! After each case three things hold. Every vector that there is, or that may still come, has a
//! picture or a tombstone with its id. Nobody matches who has no picture. The next purge without
//! failures leaves no vector and no picture, and the one a day later leaves no tombstone.

use std::cell::Cell;
use std::future::Future;
use std::pin::{Pin, pin};
use std::task::{Context, Poll, Waker};

use wire::faces::{Enrol, Search};
use wire::limits::PERSON_PICTURES_MAX;

use crate::stores::fake::{Fake, Fault, embedding, face, now};
use crate::{enrol, face, id, pending, person, purge, search, token, tombstone};

const HOUR_MS: u64 = 3600 * 1000;
const NOON_MS: u64 = 12 * HOUR_MS;
const DAY_MS: u64 = 24 * HOUR_MS;
const FAULTS: [Fault; 3] = [Fault::Refused, Fault::Lost, Fault::Delayed];

/// More calls than any operation makes.
const OUTAGE_CALLS: usize = 200;

const ID: &str = "0123456789abcdef0123456789abcdef";
const TOKEN: &str = "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff";

/// The place of the call that stores the picture, in an enrolment whose token the store makes, and
/// in one that brings a token.
const PUT: usize = 1;
const PUT_WITH_TOKEN: usize = 4;

fn request() -> Enrol {
    Enrol {
        namespace: "n".into(),
        name: "Ada".into(),
        embedding: embedding(0.0),
        delete_token: None,
        must_exist: false,
        picture: vec![],
    }
}

/// A picture of the person who holds [`TOKEN`]. Pictures are told apart by their number.
async fn add(fake: &Fake, must_exist: bool, picture: u8) -> bool {
    let delete_token = Some(TOKEN.into());
    let request = Enrol { delete_token, must_exist, picture: vec![picture], ..request() };
    enrol::enrol(fake, fake, fake, request).await.is_ok()
}

async fn enrol_one(fake: &Fake) -> bool {
    enrol::enrol(fake, fake, fake, request()).await.is_ok()
}

async fn delete_person(fake: &Fake) -> bool {
    person::delete(fake, fake, Some(TOKEN)).await.is_ok()
}

async fn delete_one(fake: &Fake) -> bool {
    face::delete(fake, fake, ID, Some("token")).await.is_ok()
}

async fn purge_all(fake: &Fake) -> bool {
    let report = purge::trigger(fake, fake, fake, NOON_MS).await;
    report.is_none_or(|report| report.failures.is_empty())
}

async fn delete_stored(fake: &Fake) -> bool {
    face::delete(fake, fake, &stored_id(), Some(TOKEN)).await.is_ok()
}

/// The id of the person's first picture.
fn stored_id() -> String {
    id::of_face(TOKEN, &token::hash(TOKEN), NOON_MS, 0, &[0])
}

/// What is done, and what the stores hold before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Operation {
    /// A face is enrolled. The stores are empty.
    Enrol,
    /// A face is enrolled under a token that the caller brings. The stores are empty.
    Bring,
    /// The same is sent again. The face is stored.
    Repeat,
    /// A picture is added to a person, who has one face.
    Add,
    /// Another picture is added to a person.
    AddOther,
    /// The only face of a person is deleted.
    DeleteStored,
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
            Self::Enrol | Self::Bring => {}
            Self::Add | Self::AddOther | Self::Repeat | Self::DeleteStored => {
                insert_person(&fake, 1);
            }
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
            Self::Bring | Self::Repeat => add(fake, false, 0).await,
            Self::Add => add(fake, true, 100).await,
            Self::AddOther => add(fake, true, 101).await,
            Self::DeleteStored => delete_stored(fake).await,
            Self::DeletePerson => delete_person(fake).await,
            Self::Delete => delete_one(fake).await,
            Self::Purge => purge_all(fake).await,
        }
    }
}

/// Stores so many faces of the person who holds [`TOKEN`].
fn insert_person(fake: &Fake, faces: u8) {
    let hash = token::hash(TOKEN);
    for number in 0..faces {
        fake.insert(face(&id::of_face(TOKEN, &hash, NOON_MS, 0, &[number]), 0.0), &hash);
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

/// Checks what the next purge leaves when nothing fails, and the one a day later.
fn check_purge(fake: &Fake, case: &str) {
    fake.faults.borrow_mut().clear();
    let trigger = |noon_ms| {
        fake.now_ms.set(noon_ms);
        let report = now(pending::finish(fake, fake));
        assert!(report.failures.is_empty() && report.waiting == 0, "{case}: {report:?}");
        let report = now(purge::trigger(fake, fake, fake, noon_ms)).expect("a purge is due");
        assert!(report.failures.is_empty(), "{case}: {report}");
        fake.catch_up();
        report.tombstones_kept
    };
    trigger(NOON_MS + DAY_MS);
    assert_eq!(fake.counts(), (0, 0), "{case}: after one purge");
    assert_eq!(trigger(NOON_MS + 2 * DAY_MS), 0, "{case}");
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
    let one_fault = faults.len() == 1;
    match (operation, done) {
        (Operation::Enrol | Operation::Bring, true) => {
            assert_eq!(found_late, 1, "{case}: it was promised");
        }
        // After a single fault an enrolment is undone: nobody matches, now or later. The picture
        // alone is left when it was stored after its deletion.
        (Operation::Enrol | Operation::Bring, false) if one_fault => {
            let put = if operation == Operation::Enrol { PUT } else { PUT_WITH_TOKEN };
            let left = faults == [(put, Fault::Delayed)];
            assert_eq!((found, found_late), (0, 0), "{case}");
            assert_eq!(fake.counts().1, usize::from(left), "{case}: a picture is left");
        }
        (Operation::Add, true) => assert_eq!(found_late, 2, "{case}: it was promised"),
        (Operation::Add, false) if one_fault => {
            // Again the picture may be stored after its deletion.
            let left = usize::from(faults == [(PUT_WITH_TOKEN, Fault::Delayed)]);
            assert_eq!((found, found_late), (1, 1), "{case}");
            assert_eq!(fake.counts().1, 1 + left, "{case}: a picture is left");
        }
        // What was stored before stays, whatever becomes of the repetition.
        (Operation::Repeat, _) => assert_eq!((found, found_late), (1, 1), "{case}"),
        (Operation::Delete | Operation::DeletePerson | Operation::DeleteStored, true) => {
            assert_eq!((found, found_late), (0, 0), "{case}");
        }
        (Operation::Purge, true) => assert_eq!(fake.counts().1, 0, "{case}"),
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
fn no_failing_calls_of_an_enrolment_with_a_token_leave_an_orphan() {
    exhaust(Operation::Bring, 3, 900);
    exhaust(Operation::Repeat, 3, 60);
}

#[test]
fn no_failing_calls_of_another_picture_leave_an_orphan() {
    exhaust(Operation::Add, 3, 900);
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
    exhaust(Operation::Purge, 2, 1000);
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

/// Runs two operations at once, in every order of their first `bits` calls. `check` is given the
/// stores, which of the two succeeded, and the case, when both have ended and the index has caught
/// up.
fn exhaust_orders(
    operations: [Operation; 2],
    fake: impl Fn() -> Fake,
    bits: u32,
    check: impl Fn(&Fake, [bool; 2], &str),
) {
    for lags in [false, true] {
        for schedule in 0..1_u32 << bits {
            let fake = fake();
            fake.lags.set(lags);
            fake.steps.set(true);
            let done = [(); 2].map(|()| Cell::new(false));
            let run = async |at: usize| done[at].set(operations[at].run(&fake).await);
            interleave(pin!(run(0)), pin!(run(1)), schedule);
            fake.steps.set(false);
            let case = format!("{operations:?}, lags: {lags}, schedule {schedule:b}");
            check_ids(&fake, &case);
            fake.catch_up();
            check_ids(&fake, &case);
            check(&fake, done.map(Cell::into_inner), &case);
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
    exhaust_orders([Operation::Enrol, Operation::Purge], fake, 12, |_, _, _| ());
}

#[test]
fn two_purges_at_once_do_no_harm() {
    let fake = || Operation::Delete.fake();
    exhaust_orders([Operation::Purge, Operation::Purge], fake, 14, |_, _, _| ());
}

#[test]
fn a_deletion_during_a_purge_leaves_no_orphan() {
    let fake = || Operation::Delete.fake();
    exhaust_orders([Operation::Delete, Operation::Purge], fake, 12, |_, _, _| ());
}

#[test]
fn an_enrolment_that_is_under_way_does_not_outlive_its_person() {
    for operation in [Operation::Bring, Operation::Repeat, Operation::Add] {
        let operations = [operation, Operation::DeletePerson];
        exhaust_orders(
            operations,
            || operation.fake(),
            12,
            |fake, _, case| {
                assert_eq!((fake.counts().1, matches(fake)), (0, 0), "{case}");
            },
        );
    }
}

#[test]
fn an_enrolment_that_is_repeated_at_once_is_stored_once() {
    let operations = [Operation::Bring, Operation::Bring];
    exhaust_orders(operations, Fake::default, 12, |fake, done, case| {
        assert_eq!((done, fake.counts()), ([true; 2], (1, 1)), "{case}");
    });
    let operations = [Operation::Repeat, Operation::DeleteStored];
    exhaust_orders(
        operations,
        || Operation::Repeat.fake(),
        12,
        |fake, done, case| {
            assert!(done[1] && !fake.pictures.borrow().contains_key(&stored_id()), "{case}");
            assert!(matches(fake) == fake.counts().1, "{case}");
        },
    );
}

#[test]
fn pictures_that_are_added_at_once_are_not_too_many() {
    const MAX: usize = PERSON_PICTURES_MAX;
    let filled = |ticks| {
        let fake = Fake::default();
        fake.ticks.set(ticks);
        insert_person(&fake, MAX as u8 - 1);
        fake
    };
    let operations = [Operation::Add, Operation::AddOther];
    for ticks in [false, true] {
        exhaust_orders(
            operations,
            || filled(ticks),
            12,
            |fake, done, case| {
                let added = done.into_iter().filter(|done| *done).count();
                assert_eq!(fake.counts().1, MAX - 1 + added, "{case}");
                assert!(added <= 1, "{case}: {added} were added");
                // Whichever was stored first stays, unless both were stored in one millisecond.
                assert!(added == 1 || !ticks, "{case}: none was added");
            },
        );
    }
}
