//! Requests from pages of other origins. Browsers send some of these without asking first, so
//! whoever opens such a page would enrol faces and spend budgets for it. Requests that change or
//! compute something are accepted from our own page, from allowed origins, and from programs.

use wire::{Kind, Problem};
use worker::{Request, Url};

use crate::error;

/// Checks that a request comes from no foreign page. `is_allowed` says whether its origin is
/// allowed.
///
/// # Errors
/// 403 when it does.
pub(crate) fn check(request: &Request, is_allowed: bool) -> Result<(), Problem> {
    let header = |name| request.headers().get(name).map_err(error::internal);
    let signs = Signs { origin: header("origin")?, site: header("sec-fetch-site")?, is_allowed };
    let reads = matches!(&*request.inner().method(), "GET" | "HEAD" | "OPTIONS");
    if reads || !signs.are_foreign(&request.url().map_err(error::internal)?) {
        return Ok(());
    }
    let detail = "This came from a page of another website, which may only read. The operator can \
                  allow its origin in `ALLOWED_ORIGINS`.";
    Err(Problem::new(Kind::ForeignPage, detail))
}

/// What a browser says about the page that sends a request. Pages cannot change it.
struct Signs {
    origin: Option<String>,
    site: Option<String>,
    is_allowed: bool,
}

impl Signs {
    /// Whether the page is neither ours, which is at `url`, nor allowed. A sender without these
    /// signs is a program.
    fn are_foreign(&self, url: &Url) -> bool {
        let own = |origin: &String| authority(origin).is_some_and(|it| it == url.authority());
        let from_us = |site: &String| matches!(&**site, "same-origin" | "none");
        let is_ours =
            self.origin.as_ref().is_none_or(own) && self.site.as_ref().is_none_or(from_us);
        !is_ours && !self.is_allowed
    }
}

/// Host and port of an origin. Its scheme does not count: a proxy may have encrypted it.
fn authority(origin: &str) -> Option<&str> {
    origin.strip_prefix("https://").or_else(|| origin.strip_prefix("http://"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(origin: Option<&str>, site: Option<&str>, foreign: bool) {
        let url = Url::parse("http://cface.test:8787/add").unwrap();
        let signs = |is_allowed| {
            let text = |text: Option<&str>| text.map(str::to_owned);
            Signs { origin: text(origin), site: text(site), is_allowed }
        };
        assert_eq!(signs(false).are_foreign(&url), foreign, "{origin:?}, {site:?}");
        assert!(!signs(true).are_foreign(&url));
    }

    #[test]
    fn our_page_and_programs_are_not_foreign() {
        for origin in [None, Some("http://cface.test:8787"), Some("https://cface.test:8787")] {
            for site in [None, Some("same-origin"), Some("none")] {
                check(origin, site, false);
            }
        }
    }

    #[test]
    fn other_pages_are_foreign_by_either_sign() {
        let others = ["null", "", "http://cface.test", "http://other.test:8787", "cface.test:8787"];
        for origin in others {
            for site in [None, Some("same-origin"), Some("none"), Some("cross-site")] {
                check(Some(origin), site, true);
            }
        }
        for site in ["cross-site", "same-site", "", "anything"] {
            check(None, Some(site), true);
            check(Some("http://cface.test:8787"), Some(site), true);
        }
    }
}
