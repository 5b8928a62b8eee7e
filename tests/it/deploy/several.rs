//! Several models, one after the other, and several installations, side by side.

use anyhow::{Context as _, ensure};
use facenet::Shard;
use tests::account::TestAccount;
use tests::server::Server;
use tests::{variable, weights};
use wire::installation::{MODELS_BUCKET, PREFIX, PUBLIC_WORKER};

use super::{DEPLOY, USUAL, bound, check_whole};
use crate::model::{MODEL, make_weights};

#[test]
fn another_model_comes_beside_the_first_which_goes_when_it_is_pruned() -> anyhow::Result<()> {
    let dir = tempfile::tempdir()?;
    let folder = dir.path().join("weights");
    make_weights(&folder)?;
    let first = weights("casia-webface", &variable("CFACE_WEIGHTS")?)?;
    let second = weights(MODEL, &folder)?;
    let path = folder.to_str().context("a path that is no text")?;
    let other = [&DEPLOY[..], &["--model", MODEL, "--weights", path]].concat();
    let account = TestAccount::new(|_| ())?;
    let has = |name: &facenet::record::Weights| {
        let account = account.cloudflare.account();
        let objects = account.buckets.get(MODELS_BUCKET).map(|bucket| &bucket.objects);
        let stored = |shard: Shard| objects.is_some_and(|it| it.contains_key(&name.key(shard)));
        Shard::ALL.map(stored)
    };
    let served = || {
        let account = account.cloudflare.account();
        let worker = account.workers.get(PUBLIC_WORKER);
        worker.and_then(|worker| worker.variable("WEIGHTS")).map(str::to_owned)
    };

    account.succeed(&DEPLOY)?;
    let _ = account.cloudflare.take_seen();
    account.succeed(&other)?;
    ensure!(served() == Some(second.to_string()));
    ensure!(has(&first) == [true; 2] && has(&second) == [true; 2]);
    // The weights were there before anything named them.
    let seen = account.cloudflare.take_seen();
    let place = |path: &str| {
        let found = seen.iter().position(|it| it.method != "GET" && it.path.contains(path));
        found.with_context(|| format!("no request {path}: {seen:?}"))
    };
    ensure!(place("/complete.json")? < place("/workers/scripts/cface/versions")?);
    ensure!(place("/shard2.bin")? < place("/complete.json")?);
    ensure!(!seen.iter().any(|it| it.path.contains("cface-vectorize/versions?")), "{seen:?}");

    // The deployment before can still be gone back to.
    let text = account.succeed(&[&other[..], &["--prune"]].concat())?;
    ensure!(text.contains("No weights are removed"), "{text}");
    ensure!(has(&first) == [true; 2]);
    // Back, and nothing is uploaded again.
    let _ = account.cloudflare.take_seen();
    account.succeed(&DEPLOY)?;
    ensure!(served() == Some(first.to_string()));
    ensure!(!account.cloudflare.take_seen().iter().any(|it| it.path.contains(".bin")));

    // One more deployment, and the other model is not among the last two.
    account.succeed(&["keys", "add", "bob", "--scope", "search"])?;
    account.succeed(&[&DEPLOY[..], &["--prune"]].concat())?;
    ensure!(has(&first) == [true; 2] && has(&second) == [false; 2]);
    check_whole(&account.cloudflare.account(), USUAL)
}

#[tokio::test]
async fn what_was_deployed_is_asked_whether_it_works() -> anyhow::Result<()> {
    let state = tempfile::tempdir()?;
    let server = Server::start(state.path()).await?;
    let account = TestAccount::new(|_| ())?;
    let address = server.url("");
    let text = account.succeed(&[&DEPLOY[..], &["--ask", &address]].concat())?;
    ensure!(text.contains("is healthy after") && text.contains("The first embedding"), "{text}");
    // There is no CFace at this one.
    let url = account.cloudflare.url();
    account.fail(&[&DEPLOY[..], &["--ask", &url]].concat(), &["/health answers 403"])?;
    server.stop()
}

#[test]
fn two_installations_stand_side_by_side() -> anyhow::Result<()> {
    let account = TestAccount::new(|_| ())?;
    account.succeed(&DEPLOY)?;
    let second = ["--env", "two"];
    account.succeed(&[&DEPLOY[..], &second].concat())?;
    let numbers = |name: &str| {
        let account = account.cloudflare.account();
        account.workers.get(name).map(|worker| bound(worker, "namespace_id")).unwrap_or_default()
    };
    let (usual, other) = (numbers(PUBLIC_WORKER), numbers("cface-two"));
    ensure!(usual.len() == 5 && other.len() == 5 && usual.is_disjoint(&other), "{other:?}");
    check_whole(&account.cloudflare.account(), PREFIX)?;
    check_whole(&account.cloudflare.account(), "cface-two")?;

    account.succeed(&[&["keys", "add", "bob", "--scope", "search"][..], &second].concat())?;
    ensure!(account.succeed(&[&["keys", "list"][..], &second].concat())?.contains("bob"));
    ensure!(!account.succeed(&["keys", "list"])?.contains("bob"));

    account.succeed(&[&["destroy", "--yes"][..], &second].concat())?;
    let account = account.cloudflare.account();
    check_whole(&account, USUAL)?;
    let left = account.workers.keys().chain(account.buckets.keys()).chain(account.indexes.keys());
    ensure!(!left.clone().any(|name| name.contains("two")), "{:?}", left.collect::<Vec<_>>());
    Ok(())
}
