//! Which Durable Objects serve a caller: those of the caller's continent, named by it and created
//! near it. There may be several, the replicas, where one cannot keep up.

use crate::room::Room;

/// A continent as Cloudflare names it, with the location hint for objects that serve it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Continent {
    /// What the object's name begins with.
    pub(crate) code: &'static str,
    /// Where the object should be created; only the first call counts.
    pub(crate) location_hint: &'static str,
}

/// Location hints are regions where Durable Objects run; a continent without them gets the
/// nearest.
const CONTINENTS: [Continent; 7] = [
    Continent { code: "AF", location_hint: "afr" },
    Continent { code: "AN", location_hint: "oc" },
    Continent { code: "AS", location_hint: "apac" },
    Continent { code: "EU", location_hint: "weur" },
    Continent { code: "NA", location_hint: "enam" },
    Continent { code: "OC", location_hint: "oc" },
    Continent { code: "SA", location_hint: "sam" },
];

impl Continent {
    /// Serves callers whose continent is not known.
    pub(crate) const DEFAULT: Self = CONTINENTS[4];

    /// The continent of a code, or the default if it is unknown or missing.
    pub(crate) fn of(code: Option<&str>) -> Self {
        CONTINENTS
            .into_iter()
            .find(|continent| Some(continent.code) == code)
            .unwrap_or(Self::DEFAULT)
    }

    /// The name of one of the continent's objects. The first one's is the continent's.
    pub(crate) fn object(self, replica: usize) -> String {
        match replica {
            0 => self.code.into(),
            replica => format!("{}-{replica}", self.code),
        }
    }
}

/// The most replicas that can be configured, for each continent and shard.
const REPLICAS_MAX: usize = 32;

/// Requests at one replica above which another is asked. Fewer are served sooner by one that is
/// warm than by one that first has to load.
const SPILL: usize = 4;

/// How long what a replica said about itself counts.
const HEARD_MS: u64 = 2000;

/// The number of replicas that a variable's value asks for.
pub(crate) fn replicas(value: Option<&str>) -> usize {
    value.and_then(|text| text.trim().parse().ok()).unwrap_or(1).clamp(1, REPLICAS_MAX)
}

/// What this isolate knows about one replica.
#[derive(Debug, Default)]
pub(crate) struct Seat {
    /// The calls from this isolate.
    pub(crate) calls: Room,
    /// When it last answered, and how many requests it had then, others' included.
    heard: Option<(u64, usize)>,
    /// Until when it should be left alone.
    busy_until_ms: u64,
}

impl Seat {
    /// Notes an answer.
    pub(crate) fn answered(&mut self, waiting: usize, now_ms: u64) {
        self.heard = Some((now_ms, waiting));
    }

    /// Notes that it has too much to do.
    pub(crate) fn overloaded(&mut self, now_ms: u64) {
        self.busy_until_ms = now_ms + HEARD_MS;
    }

    fn is_busy(&self, now_ms: u64) -> bool {
        now_ms < self.busy_until_ms
    }

    fn load(&self, now_ms: u64) -> usize {
        let heard = self.heard.filter(|(at_ms, _)| now_ms.saturating_sub(*at_ms) < HEARD_MS);
        heard.map_or(0, |(_, waiting)| waiting).max(self.calls.taken(now_ms))
    }
}

/// The replica to call, or nothing when all have too much to do. All isolates prefer the first
/// ones, so those are warm; the others are for what is too much for them.
pub(crate) fn pick(seats: &[Seat], now_ms: u64) -> Option<usize> {
    let free = || seats.iter().enumerate().filter(|(_, seat)| !seat.is_busy(now_ms));
    let first = free().find(|(_, seat)| seat.load(now_ms) < SPILL);
    first.or_else(|| free().min_by_key(|(_, seat)| seat.load(now_ms))).map(|(index, _)| index)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unknown_continents_get_the_default() {
        assert_eq!(Continent::of(Some("EU")).location_hint, "weur");
        assert_eq!(Continent::of(Some("T1")), Continent::DEFAULT);
        assert_eq!(Continent::of(Some("")), Continent::DEFAULT);
        assert_eq!(Continent::of(None), Continent::DEFAULT);
    }

    #[test]
    fn objects_have_names_of_their_own() {
        let europe = Continent::of(Some("EU"));
        assert_eq!((europe.object(0), europe.object(2)), ("EU".into(), "EU-2".into()));
    }

    #[test]
    fn the_number_of_replicas_is_bounded() {
        for (value, expected) in
            [(None, 1), (Some("3"), 3), (Some("0"), 1), (Some("x"), 1), (Some("999"), REPLICAS_MAX)]
        {
            assert_eq!(replicas(value), expected, "{value:?}");
        }
    }

    #[test]
    fn the_first_is_preferred_until_it_has_enough_to_do() {
        let mut seats = [Seat::default(), Seat::default(), Seat::default()];
        let mut calls = Vec::new();
        let mut call = |seats: &[Seat]| {
            let index = pick(seats, 0).unwrap();
            calls.push(seats[index].calls.enter(usize::MAX, 0).unwrap());
            index
        };
        let picked: Vec<_> = (0..3 * SPILL).map(|_| call(&seats)).collect();
        let expected: Vec<_> = (0..3).flat_map(|index| [index; SPILL]).collect();
        assert_eq!(picked, expected);
        // All have enough to do: in turn.
        let mut next: Vec<_> = (0..3).map(|_| call(&seats)).collect();
        next.sort_unstable();
        assert_eq!(next, [0, 1, 2]);
        calls.clear();
        assert_eq!(pick(&seats, 1), Some(0));
        // What it says of other callers counts too, for a while.
        seats[0].answered(SPILL, 1);
        assert_eq!(pick(&seats, 2), Some(1));
        assert_eq!(pick(&seats, 1 + HEARD_MS), Some(0));
    }

    #[test]
    fn an_overloaded_replica_is_left_alone() {
        let mut seats = [Seat::default(), Seat::default()];
        seats[0].overloaded(0);
        assert_eq!(pick(&seats, 1), Some(1));
        seats[1].overloaded(1);
        assert_eq!(pick(&seats, 2), None);
        assert_eq!(pick(&seats, HEARD_MS), Some(0));
    }
}
