//! Regions: where a caller is, which decides the objects that serve the caller. Each region is one
//! in which Cloudflare makes Durable Objects on request.

/// A region, with the location hint for objects that serve it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Region {
    /// What the names of its objects begin with: a continent as Cloudflare names it, or ours.
    pub(super) code: &'static str,
    /// Where its objects should be made; only the first call of an object counts.
    pub(super) location_hint: &'static str,
}

/// The continents, and two parts that are far from the middle of their continent. Where no Durable
/// Objects run, the hint is the nearest place.
const REGIONS: [Region; 9] = [
    Region { code: "AF", location_hint: "afr" },
    Region { code: "AN", location_hint: "oc" },
    Region { code: "AS", location_hint: "apac" },
    Region { code: "EU", location_hint: "weur" },
    Region { code: MIDDLE_EAST, location_hint: "me" },
    Region::DEFAULT,
    Region { code: WESTERN_AMERICA, location_hint: "wnam" },
    Region { code: "OC", location_hint: "oc" },
    Region { code: "SA", location_hint: "sam" },
];

/// Our code for what is nearer to Europe than to the rest of Asia or Africa.
const MIDDLE_EAST: &str = "ME";

/// Its countries.
const MIDDLE_EASTERN: [&str; 19] = [
    "AE", "AM", "AZ", "BH", "EG", "GE", "IL", "IQ", "IR", "JO", "KW", "LB", "OM", "PS", "QA", "SA",
    "SY", "TR", "YE",
];

/// Our code for the west of North America.
const WESTERN_AMERICA: &str = "NW";

/// The longitude that it begins at: half way between the data centres at both coasts.
const WEST: f64 = -100.0;

impl Region {
    /// The east of North America, which also serves callers of whom nothing is known.
    const DEFAULT: Self = Self { code: "NA", location_hint: "enam" };

    /// The region of a code, or the default if it is unknown or missing.
    pub(crate) fn of(code: Option<&str>) -> Self {
        REGIONS.into_iter().find(|region| Some(region.code) == code).unwrap_or(Self::DEFAULT)
    }

    /// The region of a caller, from what Cloudflare knows about the caller. The longitude is in
    /// degrees east.
    pub(crate) fn at(
        continent: Option<&str>,
        country: Option<&str>,
        longitude: Option<f64>,
    ) -> Self {
        let is_west = longitude.is_some_and(|longitude| longitude < WEST);
        Self::of(match continent {
            Some("AF" | "AS") if country.is_some_and(|it| MIDDLE_EASTERN.contains(&it)) => {
                Some(MIDDLE_EAST)
            }
            Some("NA") if is_west => Some(WESTERN_AMERICA),
            // These codes are ours: Cloudflare never sends them as continents.
            Some(MIDDLE_EAST | WESTERN_AMERICA) => None,
            continent => continent,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(continent: &str, country: &str, longitude: f64, hint: &str) {
        let region = Region::at(Some(continent), Some(country), Some(longitude));
        assert_eq!(region.location_hint, hint);
        assert_eq!(Region::of(Some(region.code)), region);
    }

    #[test]
    fn objects_are_near_their_callers() {
        check("EU", "DE", 13.4, "weur");
        check("AS", "JP", 139.7, "apac");
        check("AS", "AE", 55.3, "me");
        check("AS", "TR", 29.0, "me");
        check("AF", "EG", 31.2, "me");
        check("AF", "ZA", 18.4, "afr");
        check("NA", "US", -74.0, "enam");
        check("NA", "US", -122.4, "wnam");
        check("NA", "CA", -123.1, "wnam");
        check("SA", "BR", -46.6, "sam");
        // South America's west is no other region.
        check("SA", "EC", -100.1, "sam");
        check("OC", "NZ", 174.8, "oc");
    }

    #[test]
    fn whatever_is_not_known_counts_for_nothing() {
        let at = |continent| Region::at(continent, None, None);
        assert_eq!(at(Some("NA")), Region::DEFAULT);
        assert_eq!(at(Some("AS")).location_hint, "apac");
        for unknown in [Some("T1"), Some(""), Some(MIDDLE_EAST), None] {
            assert_eq!(at(unknown), Region::DEFAULT, "{unknown:?}");
        }
        assert_eq!(Region::of(Some("nowhere")), Region::DEFAULT);
        assert_eq!(Region::of(None), Region::DEFAULT);
    }

    #[test]
    fn no_two_regions_have_one_code() {
        let codes: std::collections::BTreeSet<_> = REGIONS.iter().map(|it| it.code).collect();
        assert_eq!(codes.len(), REGIONS.len());
    }
}
