//! Accounts that lack something, and things in them that somebody else has made: a sentence says
//! what to do, and nothing is changed.

use anyhow::ensure;
use cloudflare_local::{Account, Bucket, Index, Permission};
use tests::account::TestAccount;
use wire::installation::{MODELS_BUCKET, PREFIX, PUBLIC_WORKER};
use wire::retention::{BUCKET_NAME, INDEX_NAME};

use super::{DEPLOY, USUAL, check_whole};

/// Deploys to an account that is not as it should be.
fn refuse(change: impl FnOnce(&mut Account), parts: &[&str]) -> anyhow::Result<()> {
    let account = TestAccount::new(change)?;
    account.fail(&DEPLOY, parts)?;
    let changes = account.cloudflare.take_seen();
    let changes: Vec<_> = changes.iter().filter(|seen| seen.method != "GET").collect();
    ensure!(changes.is_empty(), "{changes:?}");
    Ok(())
}

fn bucket(objects: &[(&str, &str)]) -> Bucket {
    let objects = objects.iter();
    let objects = objects.map(|(key, text)| ((*key).to_owned(), text.as_bytes().to_vec()));
    Bucket { objects: objects.collect(), ..Bucket::default() }
}

#[test]
fn an_account_that_lacks_something_is_told_so() -> anyhow::Result<()> {
    refuse(|account| account.r2_enabled = false, &["[code: 10042", "/r2 once", "run this again"])?;
    refuse(|account| account.subdomain = None, &["no name below workers.dev", "/onboarding once"])?;
    for (permission, name) in [
        (Permission::R2, "`Workers R2 Storage: Edit`"),
        (Permission::Vectorize, "`Vectorize: Edit`"),
        (Permission::Workers, "`Workers Scripts: Edit`"),
    ] {
        let lacks = format!("lacks the permission {name}");
        refuse(
            |account| {
                account.forbidden.insert(permission);
            },
            &[&lacks],
        )?;
    }
    Ok(())
}

#[test]
fn one_of_several_accounts_has_to_be_chosen() -> anyhow::Result<()> {
    let mut account = TestAccount::new(|account| {
        account.memberships.push(("f".repeat(32), "Another".into()));
    })?;
    account.is_named = false;
    let id = account.cloudflare.account().id.clone();
    account.fail(&DEPLOY, &["several accounts", &id, "Another", "CLOUDFLARE_ACCOUNT_ID"])?;
    account.cloudflare.account().forbidden.insert(Permission::Memberships);
    account.fail(&DEPLOY, &["[code: 9109", "CLOUDFLARE_ACCOUNT_ID"])?;
    account.cloudflare.account().forbidden.clear();
    account.cloudflare.account().memberships.pop();
    // The only one needs no choice.
    let text = account.succeed(&["deploy", "--dry-run"])?;
    ensure!(text.contains(&id), "{text}");
    Ok(())
}

#[test]
fn what_somebody_else_has_made_is_left_alone() -> anyhow::Result<()> {
    let photos = || bucket(&[("photo.jpg", "a"), ("gone/1", "b")]);
    let again = ["Nothing was changed", "--env NAME"];
    let with = |part| [&[part][..], &again].concat();
    for name in [MODELS_BUCKET, BUCKET_NAME] {
        let parts = with("holds files that CFace has not put there");
        refuse(
            |account| {
                account.buckets.insert(name.into(), photos());
            },
            &parts,
        )?;
    }
    let other = bucket(&[("installation.json", r#"{"installation":"cface-x"}"#)]);
    let parts = with("the bucket cface-faces belongs to the installation cface-x");
    refuse(
        |account| {
            account.buckets.insert(BUCKET_NAME.into(), other);
        },
        &parts,
    )?;
    let index = |dimensions: u64, metric: &str| Index {
        dimensions,
        metric: metric.into(),
        description: format!("Faces of the CFace installation {PREFIX}"),
    };
    for (index, part) in [
        (index(128, "euclidean"), "has 128 dimensions"),
        (index(512, "cosine"), "the metric cosine"),
        (Index { description: String::new(), ..index(512, "euclidean") }, "not made by CFace"),
    ] {
        refuse(
            |account| {
                account.indexes.insert(INDEX_NAME.into(), index);
            },
            &with(part),
        )?;
    }
    let worker = with("the Worker cface was not deployed by CFace");
    let add = |account: &mut Account| {
        account.workers.entry(PUBLIC_WORKER.into()).or_default();
    };
    refuse(add, &worker)?;
    // Keys would be secrets of a stranger's Worker.
    let account = TestAccount::new(add)?;
    account.fail(&["keys", "add", "bob", "--scope", "search"], &["was not deployed by CFace"])?;
    // Nor is any of that removed.
    account.cloudflare.account().buckets.insert(BUCKET_NAME.into(), photos());
    let text = account.succeed(&["destroy", "--yes"])?;
    ensure!(text.contains("Stays: the Worker cface was not deployed by CFace"), "{text}");
    ensure!(text.contains("Stays: the bucket cface-faces holds files"), "{text}");
    let account = account.cloudflare.account();
    ensure!(account.workers.len() == 1 && account.buckets.get(BUCKET_NAME) == Some(&photos()));
    Ok(())
}

#[test]
fn many_buckets_and_empty_ones_of_our_name_are_no_obstacle() -> anyhow::Result<()> {
    let account = TestAccount::new(|account| {
        let names = (0..25).map(|number| format!("a-bucket-{number:02}"));
        account.buckets.extend(names.map(|name| (name, bucket(&[("a", "b")]))));
        account.buckets.insert("faces".into(), bucket(&[("photo.jpg", "a")]));
        account.buckets.insert(BUCKET_NAME.into(), Bucket::default());
        account.paid = false;
    })?;
    // The plan shows only when the first Worker is refused.
    account.fail(&DEPLOY, &["Workers Free plan", "/workers/plans"])?;
    account.cloudflare.account().paid = true;
    account.succeed(&DEPLOY)?;
    let account = account.cloudflare.account();
    check_whole(&account, USUAL)?;
    ensure!(account.buckets.len() == 28, "{:?}", account.buckets.keys());
    ensure!(account.buckets.get("faces") == Some(&bucket(&[("photo.jpg", "a")])));
    Ok(())
}

#[test]
fn an_engine_that_no_isolate_can_hold_is_refused() -> anyhow::Result<()> {
    let account = TestAccount::new(|_| ())?;
    account.fail(&["deploy", "--engine", "burn-flex"], &["an isolate of Cloudflare has 128"])?;
    ensure!(account.cloudflare.take_seen().is_empty());
    Ok(())
}
