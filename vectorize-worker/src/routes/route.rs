//! The routes of this Worker: which paths there are and which methods they take.

/// A path of this Worker.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Route<'a> {
    /// `/add`
    Add,
    /// `/addition`
    Addition,
    /// `/match`
    Match,
    /// `/faces`
    Faces,
    /// `/faces/{id}`
    Face(&'a str),
    /// `/faces/{id}/status`
    Status(&'a str),
    /// `/admin/faces`
    Gallery,
    /// `/admin/faces/{id}`
    AnyFace(&'a str),
    /// `/health`
    Health,
}

impl<'a> Route<'a> {
    /// The route of a path, if there is one. A face's id is not checked here.
    pub(super) fn parse(path: &'a str) -> Option<Self> {
        Some(match path {
            "/add" => Self::Add,
            "/addition" => Self::Addition,
            "/match" => Self::Match,
            "/faces" => Self::Faces,
            "/admin/faces" => Self::Gallery,
            "/health" => Self::Health,
            _ => {
                if let Some(face) = path.strip_prefix("/admin/faces/") {
                    return Some(Self::AnyFace(face));
                }
                let face = path.strip_prefix("/faces/")?;
                face.strip_suffix("/status").map_or(Self::Face(face), Self::Status)
            }
        })
    }

    /// The path, with `{id}` in the place of a face's id, as the log has it.
    pub(super) const fn pattern(self) -> &'static str {
        match self {
            Self::Add => "/add",
            Self::Addition => "/addition",
            Self::Match => "/match",
            Self::Faces => "/faces",
            Self::Face(_) => "/faces/{id}",
            Self::Status(_) => "/faces/{id}/status",
            Self::Gallery => "/admin/faces",
            Self::AnyFace(_) => "/admin/faces/{id}",
            Self::Health => "/health",
        }
    }

    /// Whether only an operator may ask for it.
    pub(super) const fn is_operators(self) -> bool {
        matches!(self, Self::Gallery | Self::AnyFace(_) | Self::Health)
    }

    /// The methods, as `Allow` lists them.
    pub(super) const fn allow(self) -> &'static str {
        match self {
            Self::Add | Self::Match => "POST",
            Self::Faces | Self::AnyFace(_) => "DELETE",
            Self::Face(_) | Self::Gallery => "GET, DELETE",
            Self::Addition | Self::Status(_) | Self::Health => "GET",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_routes_or_nothing() {
        for (path, route) in [
            ("/add", Some(Route::Add)),
            ("/addition", Some(Route::Addition)),
            ("/match", Some(Route::Match)),
            ("/faces", Some(Route::Faces)),
            ("/faces/ab", Some(Route::Face("ab"))),
            ("/faces/", Some(Route::Face(""))),
            ("/faces/ab/status", Some(Route::Status("ab"))),
            ("/admin/faces", Some(Route::Gallery)),
            ("/admin/faces/ab", Some(Route::AnyFace("ab"))),
            ("/admin", None),
            ("/health", Some(Route::Health)),
            ("/", None),
            ("/add/", None),
            ("/FACES", None),
            ("", None),
        ] {
            assert_eq!(Route::parse(path), route, "{path}");
            let pattern = path.replace("ab", "{id}");
            assert!(route.is_none_or(|route| path == "/faces/" || route.pattern() == pattern));
        }
    }
}
