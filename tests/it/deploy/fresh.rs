//! A first deployment, the same again, and its end.

use anyhow::ensure;
use cloudflare_local::{Bucket, Subdomain};
use tests::account::TestAccount;
use wire::installation::PUBLIC_WORKER;
use wire::retention::BUCKET_NAME;

use super::{DEPLOY, USUAL, check_whole};

#[test]
fn a_new_account_gets_all_of_it_once_and_loses_it_again() -> anyhow::Result<()> {
    let account = TestAccount::new(|_| ())?;
    let plan = account.succeed(&["deploy", "--dry-run"])?;
    ensure!(plan.contains("1. create the R2 bucket cface-models"), "{plan}");
    ensure!(account.cloudflare.take_seen().iter().all(|seen| seen.method == "GET"), "{plan}");

    let text = account.succeed(&DEPLOY)?;
    ensure!(text.contains("CFace runs at https://cface.example.workers.dev"), "{text}");
    ensure!(text.contains("does not answer yet"), "{text}");
    check_whole(&account.cloudflare.account(), USUAL)?;
    let _ = account.cloudflare.take_seen();

    let text = account.succeed(&DEPLOY)?;
    ensure!(text.contains("Nothing is changed"), "{text}");
    let seen = account.cloudflare.take_seen();
    ensure!(seen.iter().all(|seen| seen.method == "GET"), "{seen:?}");
    let plan = account.succeed(&["deploy", "--dry-run"])?;
    ensure!(plan.contains("change nothing"), "{plan}");

    keys(&account)?;
    mends(&account)?;
    destroys(&account)
}

/// Keys outlive a deployment, and need none.
fn keys(account: &TestAccount) -> anyhow::Result<()> {
    account.succeed(&["keys", "add", "bob", "--scope", "search"])?;
    let text = account.succeed(&DEPLOY)?;
    ensure!(text.contains("Nothing is changed"), "{text}");
    let list = account.succeed(&["keys", "list"])?;
    ensure!(list.contains("bob\tsearch"), "{list}");
    account.succeed(&["keys", "revoke", "bob"])?;
    ensure!(!account.succeed(&["keys", "list"])?.contains("bob"));
    Ok(())
}

/// What somebody has changed elsewhere is put right.
fn mends(account: &TestAccount) -> anyhow::Result<()> {
    if let Some(worker) = account.cloudflare.account().workers.get_mut(PUBLIC_WORKER) {
        worker.subdomain = Subdomain::default();
    }
    let plan = account.succeed(&["deploy", "--dry-run"])?;
    ensure!(plan.contains("1. deploy the Worker cface\n") && !plan.contains("2. "), "{plan}");
    account.succeed(&DEPLOY)?;
    check_whole(&account.cloudflare.account(), USUAL)
}

/// All of it goes, over several pages of objects, and nothing else.
fn destroys(account: &TestAccount) -> anyhow::Result<()> {
    let stranger = Bucket { objects: [("a".into(), b"b".to_vec())].into(), ..Bucket::default() };
    {
        let mut account = account.cloudflare.account();
        account.buckets.insert("faces".into(), stranger.clone());
        if let Some(faces) = account.buckets.get_mut(BUCKET_NAME) {
            faces.objects.extend((0..1_500).map(|number| (format!("face-{number}"), Vec::new())));
        }
    }
    account.fail(&["destroy"], &["the R2 bucket cface-faces", "nothing was removed"])?;
    check_whole(&account.cloudflare.account(), USUAL)?;
    let text = account.succeed(&["destroy", "--yes"])?;
    ensure!(text.contains("with more than 1000 objects"), "{text}");
    {
        let account = account.cloudflare.account();
        ensure!(account.workers.is_empty() && account.indexes.is_empty());
        ensure!(account.buckets == [("faces".into(), stranger)].into(), "{:?}", account.buckets);
    }
    let text = account.succeed(&["destroy", "--yes"])?;
    ensure!(text.contains("has nothing of cface"), "{text}");
    Ok(())
}
