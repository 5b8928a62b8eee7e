//! `cargo xtask deploy`: puts an installation into an account of Cloudflare, or brings it up to
//! date. It looks at everything first, and changes nothing when something there is not ours. What
//! is as it should be stays untouched, so a run that broke off is repeated by the same command.
//!
//! The order: buckets and index; the weights, before anything names them; the private Worker; the
//! public one, which is bound to it.

mod answers;
mod release;
mod stored;

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::{bail, ensure};
use clap::Args;
use facenet::embedding::DIMENSIONS;
use facenet::record::Weights;

use self::release::Release;
use super::build::{PRIVATE_WORKER, PUBLIC_WORKER};
use super::{build, weights};
use crate::cloudflare::installed::Installed;
use crate::cloudflare::{Api, Found, bucket, index, worker};
use crate::project;
use crate::setup::checkpoint::Checkpoint;
use crate::wrangler::installation::Installation;

/// Puts everything on Cloudflare.
#[derive(Args)]
pub(crate) struct Options {
    /// Changes nothing on Cloudflare: lets wrangler check both Workers, and lists what a deployment
    /// would change, when there is a login.
    #[arg(long, conflicts_with = "prune")]
    dry_run: bool,
    /// A second installation beside the usual one, whose names all begin with `cface-NAME`.
    #[arg(long, value_name = "NAME")]
    env: Option<String>,
    /// The checkpoint; the one that wrangler.toml names unless given.
    #[arg(long, value_enum)]
    model: Option<Checkpoint>,
    /// The folder with its weights; made where they belong unless given.
    #[arg(long, value_name = "DIR")]
    weights: Option<PathBuf>,
    /// Where new buckets should be: apac, eeur, enam, oc, weur or wnam; near you unless given. It
    /// cannot be changed later.
    #[arg(long, value_parser = ["apac", "eeur", "enam", "oc", "weur", "wnam"])]
    location: Option<String>,
    /// Removes weights that neither what runs then nor the deployment before it uses. `wrangler
    /// rollback` to an older one then needs `deploy` with its model.
    #[arg(long)]
    prune: bool,
    /// The address to ask afterwards, when it is not one that wrangler.toml gives.
    #[arg(long, value_name = "URL")]
    ask: Option<String>,
    /// How long the address may take until it answers, in seconds. A new one needs minutes
    /// sometimes.
    #[arg(long, value_name = "SECONDS", default_value_t = 60)]
    wait: u64,
    #[command(flatten)]
    build: build::Options,
}

pub(crate) fn run(options: &Options) -> anyhow::Result<()> {
    ensure!(
        !options.build.engine.is_burn(),
        "Burn's engines take over 200 MB for the model, and an isolate of Cloudflare has 128: \
         deploy without --engine"
    );
    let installation = Installation::of(options.env.as_deref())?;
    let checkpoint = options.model.map_or_else(Checkpoint::configured, Ok)?;
    {
        let _lock = project::lock()?;
        build::ensure_beside(&options.build, || match options.weights {
            None => weights::ensure(checkpoint),
            Some(_) => Ok(()),
        })?;
    }
    let model = checkpoint.model();
    let records = options.weights.clone().unwrap_or_else(|| project::weights(model));
    let weights = weights::name(model, &records)?;
    // Several deployments may run at once.
    let dir = tempfile::tempdir()?;
    let main = |worker| options.build.main(worker);
    let (private, public) = (main(PRIVATE_WORKER)?, main(PUBLIC_WORKER)?);
    let deployment = Deployment {
        private: Release::prepare(installation.private_config(&private)?, &private, dir.path())?,
        public: Release::prepare(
            installation.public_config(&weights, &public)?,
            &public,
            dir.path(),
        )?,
        installation,
        weights,
        records,
        location: options.location.clone(),
    };
    if options.dry_run {
        return deployment.rehearse();
    }
    let api = Api::login()?;
    let addresses = deployment.run(&api)?;
    if options.prune {
        stored::prune(&api, &deployment.installation, &deployment.weights)?;
    }
    println!("CFace runs at {}", addresses.join(", "));
    let wait = Duration::from_secs(options.wait);
    let address = options.ask.as_ref().or(addresses.first());
    address.map_or(Ok(()), |address| answers::check(address.trim_end_matches('/'), wait))
}

/// What is put on Cloudflare.
struct Deployment {
    installation: Installation,
    weights: Weights,
    /// The folder of both records.
    records: PathBuf,
    private: Release,
    public: Release,
    /// Where new buckets should be.
    location: Option<String>,
}

/// One thing that a deployment changes.
enum Step<'a> {
    CreateBucket(String),
    /// Also what marks an empty bucket as ours that a run has left which broke off.
    MarkBucket(String),
    CreateIndex(String),
    UploadWeights(&'a Weights),
    DeployWorker(&'a Release),
}

impl fmt::Display for Step<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::CreateBucket(name) => write!(f, "create the R2 bucket {name}"),
            Self::MarkBucket(name) => {
                write!(f, "mark the R2 bucket {name}, which is empty, as ours")
            }
            Self::CreateIndex(name) => write!(
                f,
                "create the Vectorize index {name} ({DIMENSIONS} dimensions, {})",
                index::METRIC
            ),
            Self::UploadWeights(weights) => write!(f, "upload both shards of {weights}"),
            Self::DeployWorker(release) => write!(f, "deploy the Worker {}", release.name()),
        }
    }
}

impl Deployment {
    /// Does what is missing, and gives the addresses.
    fn run(&self, api: &Api) -> anyhow::Result<Vec<String>> {
        // Without it, cron triggers and addresses are refused when all else is done.
        let subdomain = worker::subdomain(api)?;
        let steps = self.steps(api)?;
        for step in &steps {
            self.take(api, step)?;
        }
        if steps.is_empty() {
            println!("Nothing is changed: all of {} is as it is here.", self.installation.prefix());
        }
        Ok(self.public.addresses(&subdomain))
    }

    /// What differs from the account. An error if something there is not ours.
    fn steps(&self, api: &Api) -> anyhow::Result<Vec<Step<'_>>> {
        let installed = Installed::look(api, &self.installation)?;
        let strangers = installed.strangers();
        if !strangers.is_empty() {
            bail!(
                "{}. Nothing was changed. Rename or remove that if nobody needs it, or make an \
                 installation with names of its own by `cargo xtask deploy --env NAME`",
                strangers.join("; ")
            );
        }
        let is_stored = match installed.models.ours() {
            Some(_) => stored::is_complete(api, &self.installation, &self.weights)?,
            None => false,
        };
        Ok(self.difference(&installed, is_stored))
    }

    /// The steps from what is installed to what should be.
    fn difference(&self, installed: &Installed, is_stored: bool) -> Vec<Step<'_>> {
        let mut steps = Vec::new();
        let buckets = [
            (&installed.models, self.installation.models_bucket()),
            (&installed.faces, self.installation.faces_bucket()),
        ];
        for (found, name) in buckets {
            match found {
                Found::Ours(bucket::Ours { is_marked: true }) => (),
                Found::Ours(_) => steps.push(Step::MarkBucket(name)),
                Found::Missing | Found::Foreign(_) => steps.push(Step::CreateBucket(name)),
            }
        }
        if installed.index.ours().is_none() {
            steps.push(Step::CreateIndex(self.installation.index()));
        }
        if !is_stored {
            steps.push(Step::UploadWeights(&self.weights));
        }
        for (release, found) in
            [(&self.private, &installed.private), (&self.public, &installed.public)]
        {
            if !release.is_deployed(found.ours()) {
                steps.push(Step::DeployWorker(release));
            }
        }
        steps
    }

    fn take(&self, api: &Api, step: &Step) -> anyhow::Result<()> {
        let owner = self.installation.prefix();
        match step {
            Step::CreateBucket(name) => {
                bucket::create(api, name, self.location.as_deref())?;
                bucket::mark(api, name, owner)
            }
            Step::MarkBucket(name) => bucket::mark(api, name, owner),
            Step::CreateIndex(name) => index::create(api, name, owner),
            Step::UploadWeights(weights) => {
                stored::upload(api, &self.installation, weights, &self.records)
            }
            Step::DeployWorker(release) => release.deploy(api),
        }
    }

    /// Lets wrangler check both Workers, and prints what [`Self::run`] would change.
    fn rehearse(&self) -> anyhow::Result<()> {
        let dir = tempfile::tempdir()?;
        for release in [&self.private, &self.public] {
            release.check(&dir.path().join(release.name()))?;
        }
        let steps = match Api::login() {
            Ok(api) => {
                worker::subdomain(&api)?;
                let steps = self.steps(&api)?;
                println!("Compared with the account {}, a deployment would:", api.account());
                steps
            }
            Err(error) => {
                println!("Compared with no account: {error:#}.");
                println!("In an account without CFace, a deployment would:");
                self.difference(&Installed::nothing(), false)
            }
        };
        for (number, step) in (1..).zip(&steps) {
            println!("{number}. {step}");
        }
        if steps.is_empty() {
            println!("change nothing");
        }
        Ok(())
    }
}
