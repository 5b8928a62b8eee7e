//! Which Durable Objects serve a caller: one pair per continent, named by it and created near it.

/// A continent as Cloudflare names it, with the location hint for objects that serve it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Continent {
    /// The object's name.
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
}
