//! The public Worker with the real weights in a workerd of its own, for tests and measurements.

use std::fs;

use anyhow::Context as _;
use facenet::Shard;
use testbed::bucket::{Bucket, Objects, Pace};
use testbed::workerd::Workerd;

use super::build::{self, PUBLIC_WORKER};
use super::weights;
use crate::project;
use crate::setup::checkpoint::Checkpoint;

/// What such a workerd needs. The Worker has to be built.
pub(crate) struct Scene {
    objects: Objects,
    variables: Vec<(&'static str, String)>,
}

impl Scene {
    /// With the weights as they are on this machine.
    pub(crate) fn new() -> anyhow::Result<Self> {
        let model = Checkpoint::GOLDEN.model();
        let weights = weights::name(model, &project::weights(model))?;
        let mut objects = Objects::new();
        for (shard, file) in Shard::ALL.into_iter().zip(project::shards(model)) {
            let record = fs::read(&file).with_context(|| format!("reading {}", file.display()))?;
            objects.insert(weights.key(shard), record);
        }
        let variables = vec![
            ("MODEL", model.to_owned()),
            ("WEIGHTS", weights.to_string()),
            ("ACCESS", "public".to_owned()),
        ];
        Ok(Self { objects, variables })
    }

    /// A bucket with the weights.
    pub(crate) fn bucket(&self, pace: Pace) -> anyhow::Result<Bucket> {
        Bucket::serve(self.objects.clone(), pace)
    }

    /// A fresh workerd, with these variables besides.
    pub(crate) fn start(
        &self,
        bucket: Bucket,
        more: &[(&'static str, &str)],
    ) -> anyhow::Result<Workerd> {
        let main = project::root().join(build::Options::default().main(PUBLIC_WORKER)?);
        let build = main.parent().context("a Worker without a folder")?;
        let own = self.variables.iter().map(|(name, value)| (*name, value.as_str()));
        let variables: Vec<_> = own.chain(more.iter().copied()).collect();
        Workerd::start(build, bucket, &[&variables[..]])
    }
}
