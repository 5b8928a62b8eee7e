//! Every call to a store failed in turn, in every way and order that matters. Tests only.
//!
//! After each case: whatever vector there is, or may still come, something in the bucket leads
//! to; nobody matches who has no picture; one good purge leaves no vector and no picture, and
//! another a day later no tombstone.

use std::{
    future::Future,
    pin::{Pin, pin},
    task::{Context, Poll, Waker},
};

use wire::faces::{Enrol, Search};

use crate::{
    enrol, faces, people, purge, search, secret,
    store::fake::{Fake, Fault, embedding, face, now},
    tombstone,
};

const HOUR: u64 = 3600 * 1000;
const NOON: u64 = 12 * HOUR;
const DAY: u64 = 24 * HOUR;
const WAYS: [Fault; 3] = [Fault::Refused, Fault::Lost, Fault::Straggles];

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

async fn forget_all(fake: &Fake) -> bool {
    people::forget(fake, fake, Some(TOKEN)).await.is_ok()
}

async fn delete_one(fake: &Fake) -> bool {
    faces::remove(fake, fake, ID, Some("token")).await.is_ok()
}

async fn purge_all(fake: &Fake) -> bool {
    purge::purge(fake, fake, fake, NOON).await.failures.is_empty()
}

/// Nothing before an enrolment, one face before another and before a deletion, three before all
/// are forgotten, many before a purge.
#[derive(Clone, Copy, Debug)]
enum Operation {
    Enrol,
    Add,
    Delete,
    Forget,
    Purge,
}

impl Operation {
    fn fake(self) -> Fake {
        let fake = Fake::default();
        fake.now.set(HOUR);
        match self {
            Self::Enrol => {}
            Self::Add => insert_person(&fake, 1),
            Self::Forget => insert_person(&fake, 3),
            Self::Delete => fake.insert(face(ID, 0.0), &secret::hash("token")),
            Self::Purge => {
                for i in 0..230_u32 {
                    fake.insert(face(&format!("{i:032x}"), 0.0), "");
                }
                let id = "f".repeat(32);
                fake.insert(face(&id, 0.0), "");
                // One that was deleted, of which the index has not heard.
                fake.pictures.borrow_mut().remove(&id);
                let stone = (vec![id.clone()], HOUR);
                fake.tombstones.borrow_mut().insert(tombstone::key_of(&id), stone);
                fake.now.set(NOON);
            }
        }
        fake
    }

    async fn run(self, fake: &Fake) -> bool {
        match self {
            Self::Enrol => enrol_one(fake).await,
            Self::Add => add_another(fake).await,
            Self::Forget => forget_all(fake).await,
            Self::Delete => delete_one(fake).await,
            Self::Purge => purge_all(fake).await,
        }
    }
}

/// Somebody with some faces.
fn insert_person(fake: &Fake, faces: usize) {
    let hash = secret::hash(TOKEN);
    for number in 0..faces {
        fake.insert(face(&format!("{}{number:016x}", secret::person(&hash)), 0.0), &hash);
    }
}

/// What holds at any moment at which no call is under way.
fn check_marks(fake: &Fake, case: &str) {
    let tombstones = fake.tombstones.borrow();
    let marked: Vec<&String> = tombstones.values().flat_map(|(ids, _)| ids).collect();
    for id in fake.vectors.borrow().keys() {
        let led_to = fake.pictures.borrow().contains_key(id) || marked.contains(&id);
        assert!(led_to, "{case}: a vector that nothing leads to");
    }
}

/// The pictures of all who match.
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

/// One good purge, then one a day later.
fn check_purge(fake: &Fake, case: &str) {
    fake.faults.borrow_mut().clear();
    fake.now.set(NOON);
    assert!(now(purge_all(fake)), "{case}");
    fake.catch_up();
    assert_eq!(fake.counts(), (0, 0), "{case}: after one purge");
    fake.now.set(NOON + DAY);
    let report = now(purge::purge(fake, fake, fake, NOON + DAY));
    assert!(report.failures.is_empty() && report.kept == 0, "{case}: {report}");
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
    check_marks(&fake, &case);
    let found = matches(&fake);
    let found_late = {
        fake.catch_up();
        check_marks(&fake, &case);
        matches(&fake)
    };
    match (operation, done) {
        (Operation::Enrol, true) => assert_eq!(found_late, 1, "{case}: was promised"),
        // With a single fault, what failed is undone: nobody is found, now or later.
        (Operation::Enrol, false) if faults.len() == 1 => {
            let left = faults == [(0, Fault::Straggles)];
            assert_eq!((found, found_late), (0, 0), "{case}");
            assert_eq!(fake.counts().1, usize::from(left), "{case}: a picture is left");
        }
        (Operation::Add, true) => assert_eq!(found_late, 2, "{case}: was promised"),
        (Operation::Add, false) if faults.len() == 1 => {
            // What straggles is a read here, or the picture, which comes after its deletion.
            let straggles = usize::from(matches!(faults, [(2, Fault::Straggles)]));
            assert_eq!((found, found_late), (1, 1 + straggles), "{case}");
        }
        (Operation::Delete | Operation::Forget, true) => {
            assert_eq!((found, found_late), (0, 0), "{case}");
        }
        (Operation::Purge, true) => assert_eq!(fake.counts(), (0, 0), "{case}"),
        _ => {}
    }
    check_purge(&fake, &case);
    calls
}

/// Runs `faults` and every case that has up to `more` further calls fail after them. Returns how
/// many cases there were. What fails changes the calls that follow, so each case tells how many
/// there are.
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
            for way in WAYS {
                faults.push((place, way));
                cases += explore(operation, faults, more - 1, lags);
                faults.pop();
            }
        }
    }
    cases
}

/// All cases with up to `failing` calls failing, and those where all fail from some call on.
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
fn no_failing_calls_of_forgetting_leave_an_orphan() {
    exhaust(Operation::Forget, 4, 70);
}

#[test]
fn no_failing_calls_of_a_deletion_leave_an_orphan() {
    exhaust(Operation::Delete, 4, 70);
}

#[test]
fn no_failing_calls_of_a_purge_leave_an_orphan() {
    exhaust(Operation::Purge, 2, 2000);
}

/// Polls two futures in the order that the bits of `schedule` give, then to their ends.
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

/// In every order of their calls.
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
            check_marks(&fake, &case);
            fake.catch_up();
            check_marks(&fake, &case);
            check_purge(&fake, &case);
        }
    }
}

#[test]
fn an_enrolment_during_a_purge_leaves_no_orphan() {
    // Stored before the purge is due, and still under way when it runs.
    let fake = || {
        let fake = Fake::default();
        fake.now.set(NOON - 1);
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
