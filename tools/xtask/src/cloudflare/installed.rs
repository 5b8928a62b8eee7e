//! What an account has of an installation, and what only has the same names.

use super::{Api, Found, bucket, index, worker};
use crate::wrangler::installation::Installation;

/// The parts of an installation, as they are found.
pub(crate) struct Installed {
    pub(crate) models: Found<bucket::Ours>,
    pub(crate) faces: Found<bucket::Ours>,
    pub(crate) index: Found<()>,
    pub(crate) private: Found<worker::Deployed>,
    pub(crate) public: Found<worker::Deployed>,
}

impl Installed {
    /// Nothing, as in an account where CFace never was.
    pub(crate) fn nothing() -> Self {
        Self {
            models: Found::Missing,
            faces: Found::Missing,
            index: Found::Missing,
            private: Found::Missing,
            public: Found::Missing,
        }
    }

    /// Looks at everything and changes nothing.
    pub(crate) fn look(api: &Api, installation: &Installation) -> anyhow::Result<Self> {
        let owner = installation.prefix();
        Ok(Self {
            models: bucket::look(api, &installation.models_bucket(), owner)?,
            faces: bucket::look(api, &installation.faces_bucket(), owner)?,
            index: index::look(api, &installation.index(), owner)?,
            private: worker::look(api, &installation.private_worker(), owner, 1)?,
            public: worker::look(api, &installation.public_worker(), owner, 1)?,
        })
    }

    /// What is somebody else's, and how that shows.
    pub(crate) fn strangers(&self) -> Vec<&str> {
        let Self { models, faces, index, private, public } = self;
        let all = [
            stranger(models),
            stranger(faces),
            stranger(index),
            stranger(private),
            stranger(public),
        ];
        all.into_iter().flatten().collect()
    }
}

fn stranger<T>(found: &Found<T>) -> Option<&str> {
    match found {
        Found::Foreign(why) => Some(why),
        Found::Missing | Found::Ours(_) => None,
    }
}
