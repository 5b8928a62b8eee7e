//! Waiting rooms: how many requests may be under way somewhere at once.
//!
//! A place is given back when it is dropped. That is not enough: a request whose caller has gone
//! is never continued and never dropped, so a place also ends by itself.

use std::cell::RefCell;
use std::rc::Rc;

/// How long a place is held at most. No request of ours takes longer.
pub(crate) const PLACE_MS_MAX: u64 = 60_000;

/// A room with a number of places. Borrows of what is inside end within each method, none of
/// which awaits.
#[derive(Clone, Debug, Default)]
pub(crate) struct Room(Rc<RefCell<Places>>);

#[derive(Debug, Default)]
struct Places {
    next_ticket: u64,
    /// Ticket, and when the place was taken, oldest first.
    taken: Vec<(u64, u64)>,
}

impl Places {
    fn forget_abandoned(&mut self, now_ms: u64) {
        self.taken.retain(|(_, since_ms)| now_ms.saturating_sub(*since_ms) < PLACE_MS_MAX);
    }
}

/// A place in a [`Room`].
#[derive(Debug)]
pub(crate) struct Place {
    room: Room,
    ticket: u64,
}

impl Room {
    /// Takes a place, unless `places_max` are taken.
    pub(crate) fn enter(&self, places_max: usize, now_ms: u64) -> Option<Place> {
        let mut places = self.0.borrow_mut();
        places.forget_abandoned(now_ms);
        if places.taken.len() >= places_max {
            return None;
        }
        let ticket = places.next_ticket;
        places.next_ticket += 1;
        places.taken.push((ticket, now_ms));
        Some(Place { room: self.clone(), ticket })
    }

    /// How many places are taken.
    pub(crate) fn taken(&self, now_ms: u64) -> usize {
        let mut places = self.0.borrow_mut();
        places.forget_abandoned(now_ms);
        places.taken.len()
    }
}

impl Place {
    /// How many of those in the room came before.
    pub(crate) fn rank(&self, now_ms: u64) -> usize {
        let mut places = self.room.0.borrow_mut();
        places.forget_abandoned(now_ms);
        places.taken.iter().take_while(|(ticket, _)| *ticket < self.ticket).count()
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.room.0.borrow_mut().taken.retain(|(ticket, _)| *ticket != self.ticket);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_room_lets_nobody_in_until_someone_leaves() {
        let room = Room::default();
        let first = room.enter(2, 0).unwrap();
        let second = room.enter(2, 1).unwrap();
        assert!(room.enter(2, 2).is_none());
        drop(first);
        assert_eq!(room.taken(3), 1);
        let third = room.enter(2, 3).unwrap();
        drop((second, third));
        assert_eq!(room.taken(4), 0);
    }

    #[test]
    fn those_who_came_first_come_first() {
        let room = Room::default();
        let places: Vec<_> = (0..3).map(|now_ms| room.enter(3, now_ms).unwrap()).collect();
        let ranks: Vec<_> = places.iter().map(|place| place.rank(3)).collect();
        assert_eq!(ranks, [0, 1, 2]);
        let [first, second, third] = <[Place; 3]>::try_from(places).unwrap();
        drop(second);
        assert_eq!((first.rank(4), third.rank(4)), (0, 1));
        // The first is abandoned.
        assert_eq!(third.rank(PLACE_MS_MAX), 0);
    }

    #[test]
    fn abandoned_places_become_free() {
        let room = Room::default();
        std::mem::forget(room.enter(1, 1000).unwrap());
        assert!(room.enter(1, 1000 + PLACE_MS_MAX - 1).is_none());
        let place = room.enter(1, 1000 + PLACE_MS_MAX).unwrap();
        assert_eq!(room.taken(1000 + PLACE_MS_MAX), 1);
        drop(place);
        assert_eq!(room.taken(1000 + PLACE_MS_MAX), 0);
    }
}
