//! The routes of the public API: which paths there are, which methods they take, whom they are for,
//! and what they cost.

use wire::access::Scope;
use worker::{Method, Request};

use super::request::media_type;
use crate::access::Need;
use crate::budgets::Cost;

/// A path of the API.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Route {
    /// `/detect`
    Detect,
    /// `/embed`
    Embed,
    /// `/add`
    Add,
    /// `/match`
    Match,
    /// `/verify`
    Verify,
    /// `/wake`
    Wake,
    /// `/faces`
    Faces,
    /// `/faces/{id}`
    Face(String),
    /// `/faces/{id}/status`
    Status(String),
    /// `/config`
    Config,
    /// `/health`
    Health,
    /// `/openapi.json`
    OpenApi,
}

impl Route {
    /// The route of a path, if there is one. A face's id is not checked here: to an impossible one,
    /// the route answers that there is no such face.
    pub(crate) fn parse(path: &str) -> Option<Self> {
        Some(match path {
            "/detect" => Self::Detect,
            "/embed" => Self::Embed,
            "/add" => Self::Add,
            "/match" => Self::Match,
            "/verify" => Self::Verify,
            "/wake" => Self::Wake,
            "/faces" => Self::Faces,
            "/config" => Self::Config,
            "/health" => Self::Health,
            "/openapi.json" => Self::OpenApi,
            _ => match path.strip_prefix("/faces/")?.split_once('/') {
                None => Self::Face(path.strip_prefix("/faces/")?.into()),
                Some((id, "status")) => Self::Status(id.into()),
                Some(_) => return None,
            },
        })
    }

    /// The path, with `{id}` in the place of a face's id, as the log has it.
    pub(crate) const fn pattern(&self) -> &'static str {
        match self {
            Self::Detect => "/detect",
            Self::Embed => "/embed",
            Self::Add => "/add",
            Self::Match => "/match",
            Self::Verify => "/verify",
            Self::Wake => "/wake",
            Self::Faces => "/faces",
            Self::Face(_) => "/faces/{id}",
            Self::Status(_) => "/faces/{id}/status",
            Self::Config => "/config",
            Self::Health => "/health",
            Self::OpenApi => "/openapi.json",
        }
    }

    /// The methods, as `Allow` lists them.
    pub(crate) const fn allow(&self) -> &'static str {
        match self {
            Self::Detect | Self::Embed | Self::Add | Self::Match | Self::Verify | Self::Wake => {
                "POST"
            }
            Self::Faces | Self::Face(_) => "GET, HEAD, DELETE",
            Self::Status(_) | Self::Config | Self::Health | Self::OpenApi => "GET, HEAD",
        }
    }

    /// Whether the route takes a method, as it was sent.
    pub(super) fn takes(&self, method: &str) -> bool {
        self.allow().split(", ").any(|allowed| allowed == method)
    }

    /// Whom a request is for.
    pub(super) fn need(&self, method: &Method, carries: Carries) -> Need {
        match (self, method) {
            (Self::Faces | Self::Face(_), Method::Delete) if carries.token => Need::Token,
            (Self::Faces | Self::Face(_), Method::Delete) => Need::TokenOrAdmin,
            (Self::Faces, Method::Get | Method::Head) => Need::Always(Scope::Admin),
            (Self::Match, Method::Post) if carries.vector => Need::Always(Scope::Vector),
            (Self::Match | Self::Verify, Method::Post) => Need::InPrivate(&[Scope::Search]),
            (Self::Embed, Method::Post) => Need::InPrivate(&[Scope::Search, Scope::Vector]),
            (Self::Add, Method::Post) => Need::InPrivate(&[Scope::Enrol]),
            // Whoever may send a picture to another route.
            (Self::Detect | Self::Wake, Method::Post) => {
                Need::InPrivate(&[Scope::Search, Scope::Enrol, Scope::Vector])
            }
            (Self::Face(_) | Self::Status(_), Method::Get | Method::Head) => {
                Need::InPrivate(&[Scope::Search, Scope::Enrol])
            }
            // Facts about the instance, and methods that the route does not take.
            _ => Need::Nothing,
        }
    }

    /// What a request costs the caller.
    pub(super) const fn cost(&self) -> Cost {
        match self {
            // Finding faces takes about as long as one embedding.
            Self::Detect | Self::Embed | Self::Match => Cost::Embeddings(1),
            Self::Verify => Cost::Embeddings(2),
            Self::Add => Cost::Enrolment,
            Self::Wake
            | Self::Faces
            | Self::Face(_)
            | Self::Status(_)
            | Self::Config
            | Self::Health
            | Self::OpenApi => Cost::Read,
        }
    }
}

/// What a request brings besides its path and method.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Carries {
    /// A delete token, or what should be one.
    token: bool,
    /// An embedding, as JSON.
    vector: bool,
}

impl Carries {
    /// Looks at the headers only.
    pub(super) fn of(request: &Request) -> Self {
        Self {
            token: request.headers().has("authorization").unwrap_or(false),
            vector: media_type(request) == "application/json",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_routes_or_nothing() {
        assert_eq!(Route::parse("/embed"), Some(Route::Embed));
        assert_eq!(Route::parse("/faces/ab"), Some(Route::Face("ab".into())));
        assert_eq!(Route::parse("/faces/ab/status"), Some(Route::Status("ab".into())));
        let strays = ["/faces/a/b", "/faces/a/status/", "/faces/a/b/status", "/faces//"];
        for path in ["/", "/embed/", "/faces/a/", "/EMBED", ""].into_iter().chain(strays) {
            assert_eq!(Route::parse(path), None, "{path}");
        }
    }

    #[test]
    fn methods_are_taken_as_they_are_written() {
        let face = Route::Face("ab".into());
        assert!(face.takes("GET") && face.takes("HEAD") && face.takes("DELETE"));
        for method in ["POST", "get", "QUERY", "PROPFIND", "", "GET, HEAD", "AD"] {
            assert!(!face.takes(method), "{method}");
        }
    }

    #[test]
    fn a_header_more_does_not_lower_what_is_needed() {
        let vector = Carries { token: false, vector: true };
        let both = Carries { token: true, vector: true };
        let needed = |route: &Route, method, carries| route.need(&method, carries);
        for carries in [vector, both] {
            assert_eq!(needed(&Route::Match, Method::Post, carries), Need::Always(Scope::Vector));
            assert_eq!(needed(&Route::Faces, Method::Get, carries), Need::Always(Scope::Admin));
        }
        let face = Route::Face("ab".into());
        assert_eq!(needed(&face, Method::Delete, both), Need::Token);
        assert_eq!(needed(&face, Method::Delete, vector), Need::TokenOrAdmin);
    }

    #[test]
    fn openapi_describes_every_route_and_no_other() {
        let text = include_str!("../../openapi.json");
        let openapi: serde_json::Value = serde_json::from_str(text).unwrap();
        let paths = openapi["paths"].as_object().unwrap();
        assert_eq!(paths.len(), 12);
        for (path, operations) in paths {
            let route = Route::parse(&path.replace("{id}", "0")).unwrap();
            assert_eq!(route.pattern(), path);
            let mut documented: Vec<_> = operations
                .as_object()
                .unwrap()
                .keys()
                .filter(|key| *key != "parameters")
                .map(|method| method.to_uppercase())
                .collect();
            let mut allowed: Vec<_> = route.allow().split(", ").collect();
            // HEAD comes with every GET and is not described by itself.
            allowed.retain(|method| *method != "HEAD");
            documented.sort();
            allowed.sort_unstable();
            assert_eq!(documented, allowed, "{path}");
        }
    }
}
