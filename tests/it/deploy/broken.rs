//! The network goes away in the middle of a deployment: the next run ends well.

use anyhow::{Context as _, ensure};
use cloudflare_local::{Cut, Fault, Seen};
use tests::account::TestAccount;

use super::{DEPLOY, USUAL, check_whole};

/// The variable that has the network go away at every single request, before it and after it, which
/// takes half an hour.
const ALL: &str = "CFACE_BREAK_ALL";

/// The requests of a first deployment.
fn requests() -> anyhow::Result<Vec<Seen>> {
    let account = TestAccount::new(|_| ())?;
    account.succeed(&DEPLOY)?;
    check_whole(&account.cloudflare.account(), USUAL)?;
    Ok(account.cloudflare.take_seen())
}

/// Deploys while the network goes away at a request, then again, and a third time.
fn break_at(at: usize, cut: Cut, request: &Seen) -> anyhow::Result<()> {
    let account = TestAccount::new(|_| ())?;
    account.cloudflare.set_fault(Some(Fault { at, cut, lasting: true }));
    let ran = account.run(&DEPLOY)?;
    ensure!(!ran.success || cut == Cut::After, "it goes well without the network:\n{}", ran.text);
    let advises = ran.text.contains("un this again");
    ensure!(ran.success || advises, "it does not say what to do:\n{}", ran.text);
    account.cloudflare.set_fault(None);
    account.succeed(&DEPLOY).with_context(|| format!("the first run said:\n{}", ran.text))?;
    check_whole(&account.cloudflare.account(), USUAL)?;
    let text = account.succeed(&DEPLOY)?;
    ensure!(text.contains("Nothing is changed"), "{text}");
    eprintln!("{at}, {cut:?}: {} {}", request.method, request.path);
    Ok(())
}

#[test]
fn a_deployment_that_breaks_off_is_ended_by_the_next() -> anyhow::Result<()> {
    let seen = requests()?;
    let chosen: Vec<(usize, Cut)> = if std::env::var_os(ALL).is_some() {
        (0..seen.len()).flat_map(|at| [(at, Cut::Before), (at, Cut::After)]).collect()
    } else {
        // A bucket that is there without its mark; one shard of two; the public Worker that is
        // there without the answer; one without its address.
        let place = |method: &str, end: &str| {
            let found = seen.iter().position(|it| it.method == method && it.path.contains(end));
            found.with_context(|| format!("no request {method} {end}: {seen:?}"))
        };
        vec![
            (place("POST", "/r2/buckets")?, Cut::After),
            (place("PUT", "/shard2.bin")?, Cut::Before),
            (place("PUT", "/workers/scripts/cface?")?, Cut::After),
            (place("POST", "/workers/scripts/cface/subdomain")?, Cut::Before),
        ]
    };
    for (at, cut) in chosen {
        let request = seen.get(at).context("no such request")?;
        break_at(at, cut, request).with_context(|| {
            format!("{cut:?} request {at}, {} {}", request.method, request.path)
        })?;
    }
    Ok(())
}

#[test]
fn a_removal_that_breaks_off_is_ended_by_the_next() -> anyhow::Result<()> {
    let account = TestAccount::new(|_| ())?;
    account.succeed(&DEPLOY)?;
    let whole = account.cloudflare.account().buckets.clone();
    let (workers, indexes) = {
        let account = account.cloudflare.account();
        (account.workers.clone(), account.indexes.clone())
    };
    let _ = account.cloudflare.take_seen();
    account.succeed(&["destroy", "--yes"])?;
    let requests = account.cloudflare.take_seen();
    ensure!(requests.iter().any(|seen| seen.method == "DELETE"));
    // What only looks changes nothing when it breaks off.
    let changes =
        (0..requests.len()).filter(|at| requests.get(*at).is_some_and(|seen| seen.method != "GET"));
    for at in changes {
        for cut in [Cut::Before, Cut::After] {
            {
                let mut account = account.cloudflare.account();
                account.buckets = whole.clone();
                (account.workers, account.indexes) = (workers.clone(), indexes.clone());
            }
            let _ = account.cloudflare.take_seen();
            account.cloudflare.set_fault(Some(Fault { at, cut, lasting: true }));
            let ran = account.run(&["destroy", "--yes"])?;
            ensure!(!ran.success && ran.text.contains("Run this again"), "{at}: {}", ran.text);
            account.cloudflare.set_fault(None);
            account.succeed(&["destroy", "--yes"])?;
            let account = account.cloudflare.account();
            let left = (&account.buckets, &account.workers, &account.indexes);
            ensure!(left.0.is_empty() && left.1.is_empty() && left.2.is_empty(), "{at}, {cut:?}");
        }
    }
    Ok(())
}
