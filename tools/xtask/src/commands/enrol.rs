//! `cargo xtask enrol`: enrols the people whose photographs are in a folder, with their consent.
//! What was stored is not sent again, so the command can be repeated at any time.

mod form;
mod plan;
mod tokens;

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use anyhow::{Context as _, bail};
use chrono::{DateTime, Utc};
use clap::Args;
use sha2::{Digest as _, Sha256};
use wire::faces::Enrolled;
use wire::limits::{PERSON_PICTURES_MAX, PHOTOGRAPH_BODY_BYTES_MAX};
use wire::{Kind, secret};

use self::form::Form;
use self::plan::{Person, Plan};
use self::tokens::{Token, Tokens, rfc_3339};
use crate::curl::Body;
use crate::instance::{Instance, Question, Target};
use crate::stop;

/// How long one try may take, in seconds. A cold start takes some of them.
const REQUEST_S_MAX: u32 = 120;

/// The help's part on names.
pub(crate) const NAMES: &str = "\
Names:
  A folder within DIR is called as the person, and its pictures are of that person.
  A picture in DIR itself is called as the person: `Ada Lovelace.jpg`, or `Ada_Lovelace.jpg`. A
  number at its end is not part of the name: `Ada_Lovelace-1.jpg`, `Ada_Lovelace_2.jpg` and
  `Ada Lovelace (3).jpg` are three pictures of Ada Lovelace. Names that cameras make up, such as
  `IMG_1234.jpg`, are refused.
  Hidden files are left out. Files that are no pictures are named and left out.

Exit code:
  0 when every picture is enrolled or was refused for what it shows. Else 1, and the command can be
  repeated: what is enrolled already is not enrolled again.";

/// Enrols the people whose photographs are in a folder.
#[derive(Args)]
pub(crate) struct Options {
    /// The folder: with a folder for each person, or with a picture for each name.
    dir: PathBuf,
    #[command(flatten)]
    instance: Target,
    /// Says that all these people have agreed. Without it, nothing is sent.
    #[arg(long)]
    consent: bool,
    /// The file for the delete tokens, which only you can read; `DIR.tokens.json` beside the folder
    /// unless given.
    #[arg(long, value_name = "FILE")]
    tokens: Option<PathBuf>,
}

pub(crate) fn run(options: &Options) -> anyhow::Result<()> {
    let context = || format!("opening {}", options.dir.display());
    let dir = options.dir.canonicalize().with_context(context)?;
    let plan = Plan::of(&dir)?;
    let instance = Instance::of(&options.instance)?;
    if !options.consent {
        return explain(&plan, &instance);
    }
    let file = match &options.tokens {
        Some(file) => std::path::absolute(file)?,
        None => dir.with_added_extension("tokens.json"),
    };
    let tokens = Tokens::open(&file)?;
    for (path, why) in &plan.skipped {
        println!("{}: left out: {why}", shown(&path.display().to_string()));
    }
    let mut enrolment = Enrolment {
        dir: &dir,
        instance: &instance,
        tokens,
        pictures: plan.pictures(),
        seen: 0,
        summary: Summary::default(),
    };
    let ended = plan.people.iter().try_for_each(|person| enrolment.person(person));
    let Enrolment { seen, pictures, summary, .. } = enrolment;
    summary.print(pictures - seen);
    let short = file.strip_prefix(std::env::current_dir()?).unwrap_or(&file);
    println!("The delete tokens are in {}.", shown(&short.display().to_string()));
    ended?;
    match summary.failed {
        0 => Ok(()),
        1 => bail!("one picture could not be enrolled, and not for what it shows"),
        failed => bail!("{failed} pictures could not be enrolled, and not for what they show"),
    }
}

/// Says who would be enrolled, and what consent means.
fn explain(plan: &Plan, instance: &Instance) -> anyhow::Result<()> {
    for Person { name, pictures } in &plan.people {
        println!("{name}: {}", counted(pictures.len(), "picture"));
    }
    bail!(
        "nothing was sent, because --consent is missing.\nIt says that you have asked each of \
         these people, and that each has agreed to this: {} stores a crop of the face, what \
         FaceNet computes from it, and the name; whoever may search there finds the person by \
         them; all of it is deleted at the next noon, UTC, or at once with the delete token, which \
         the person can have from you.",
        instance.address()
    )
}

/// An enrolment that is under way.
struct Enrolment<'a> {
    dir: &'a Path,
    instance: &'a Instance,
    tokens: Tokens,
    /// How many there are.
    pictures: usize,
    /// How many of them have an outcome.
    seen: usize,
    summary: Summary,
}

/// What became of a picture.
enum Outcome {
    Enrolled {
        pictures: usize,
        is_searchable: bool,
        until: DateTime<Utc>,
    },
    Already {
        until: DateTime<Utc>,
    },
    /// For what it shows, or for its file.
    Refused(String),
    /// For other reasons.
    Failed(String),
}

impl Enrolment<'_> {
    fn person(&mut self, Person { name, pictures }: &Person) -> anyhow::Result<()> {
        let was_known = self.tokens.is_known(self.instance.address(), name, now()?);
        let (mut sums, mut count) = (BTreeSet::new(), 0);
        for path in pictures {
            stop::check()?;
            let outcome = if count == PERSON_PICTURES_MAX {
                let why = format!("{name} has {PERSON_PICTURES_MAX} pictures, and nobody has more");
                Outcome::Refused(why)
            } else {
                self.picture(name, path, &mut sums)?
            };
            let is_stored = matches!(outcome, Outcome::Enrolled { .. } | Outcome::Already { .. });
            count += usize::from(is_stored);
            self.seen += 1;
            let path = path.display().to_string();
            println!("{}/{} {}: {}", self.seen, self.pictures, shown(&path), outcome.says(name));
            self.summary.count(&outcome);
        }
        // The instance has refused all, so nothing is stored.
        if count == 0 && !was_known {
            self.tokens.forget(self.instance.address(), name)?;
        }
        Ok(())
    }

    /// Enrols a picture. `sums` are those of the person's pictures before it. An error ends all:
    /// the next picture would have it too.
    fn picture(
        &mut self,
        name: &str,
        path: &Path,
        sums: &mut BTreeSet<String>,
    ) -> anyhow::Result<Outcome> {
        let path = self.dir.join(path);
        let picture = fs::read(&path).with_context(|| format!("reading {}", path.display()))?;
        if picture.len() > PHOTOGRAPH_BODY_BYTES_MAX {
            let mb = PHOTOGRAPH_BODY_BYTES_MAX >> 20;
            return Ok(Outcome::Refused(format!("the file has more than {mb} MiB")));
        }
        let sum = secret::hex(&Sha256::digest(&picture));
        if !sums.insert(sum.clone()) {
            return Ok(Outcome::Refused(format!("it is the same as another one of {name}")));
        }
        let to = self.instance.address();
        let stored = self.tokens.stored(to, name, now()?);
        match stored.iter().find(|stored| stored.sha256 == sum) {
            Some(stored) => self.look(stored),
            None => self.send(name, &sum, &picture),
        }
    }

    /// Looks whether a picture that was stored still is.
    fn look(&self, stored: &tokens::Picture) -> anyhow::Result<Outcome> {
        let question = Question {
            method: "GET",
            path: &format!("/faces/{}/status", stored.id),
            headers: Vec::new(),
            body: Body::Nothing,
            seconds_max: REQUEST_S_MAX,
        };
        let answer = self.instance.ask(&question)?;
        if answer.status == 200 {
            return Ok(Outcome::Already { until: stored.expires_at });
        }
        let refusal = self.instance.refusal(&answer);
        if refusal.kind == Kind::NotFound.slug() {
            return Ok(Outcome::Failed(
                "it was enrolled, and somebody has deleted it since. To enrol the person again, \
                 with consent, take the person out of the file of delete tokens"
                    .into(),
            ));
        }
        bail!(refusal.sentence)
    }

    fn send(&mut self, name: &str, sum: &str, picture: &[u8]) -> anyhow::Result<Outcome> {
        let to = self.instance.address();
        let mut fields = vec![("name", name), ("consent", "true"), ("detect", "true")];
        let mut headers = Vec::new();
        let token = self.tokens.expect(to, name, now()?)?;
        match &token {
            Token::New(token) => fields.push(("delete_token", token)),
            Token::Known(token) => headers.push(format!("authorization: Bearer {token}")),
        }
        let Form { file, content_type } = Form::new(&fields, picture)?;
        headers.push(content_type);
        let answer = self.instance.ask(&Question {
            method: "POST",
            path: "/add",
            headers,
            body: Body::File(file.path().to_owned()),
            seconds_max: REQUEST_S_MAX,
        })?;
        if answer.status == 201 {
            let enrolled: Enrolled =
                serde_json::from_str(&answer.body).context("reading the answer")?;
            let until = self.tokens.note(to, name, sum, &enrolled)?;
            let Enrolled { pictures, searchable: is_searchable, .. } = enrolled;
            return Ok(Outcome::Enrolled { pictures, is_searchable, until });
        }
        let refusal = self.instance.refusal(&answer);
        let is_any = |kinds: &[Kind]| kinds.iter().any(|kind| kind.slug() == refusal.kind);
        if is_any(&[Kind::TooLarge, Kind::UnsupportedType, Kind::Unusable]) {
            return Ok(Outcome::Refused(refusal.detail));
        }
        if is_any(&[Kind::WrongToken]) {
            return Ok(Outcome::Failed(format!(
                "{} For that, take the person out of the file of delete tokens",
                refusal.detail
            )));
        }
        bail!(refusal.sentence)
    }
}

impl Outcome {
    fn says(&self, name: &str) -> String {
        match self {
            Self::Enrolled { pictures: 1, .. } => format!("enrolled as {name}"),
            Self::Enrolled { pictures, .. } => format!("enrolled as {name}, picture {pictures}"),
            Self::Already { .. } => format!("enrolled already as {name}"),
            Self::Refused(why) => format!("refused: {}", shown(why)),
            Self::Failed(why) => format!("failed: {}", shown(why)),
        }
    }
}

/// How many pictures became what.
#[derive(Default)]
struct Summary {
    enrolled: usize,
    already: usize,
    refused: usize,
    failed: usize,
    /// How many of the enrolled ones a search does not find yet.
    waiting: usize,
    /// When those that are stored end.
    ends: BTreeSet<DateTime<Utc>>,
}

impl Summary {
    fn count(&mut self, outcome: &Outcome) {
        match outcome {
            Outcome::Enrolled { is_searchable, until, .. } => {
                self.enrolled += 1;
                self.waiting += usize::from(!is_searchable);
                self.ends.insert(*until);
            }
            Outcome::Already { until } => {
                self.already += 1;
                self.ends.insert(*until);
            }
            Outcome::Refused(_) => self.refused += 1,
            Outcome::Failed(_) => self.failed += 1,
        }
    }

    /// `left` are those that were not reached.
    fn print(&self, left: usize) {
        let counts = [
            (self.enrolled, "enrolled"),
            (self.already, "enrolled before"),
            (self.refused, "refused"),
            (self.failed, "failed"),
            (left, "not reached"),
        ];
        let counts = counts.iter().filter(|(count, _)| *count > 0);
        let counts: Vec<_> = counts.map(|(count, what)| format!("{count} {what}")).collect();
        println!("Pictures: {}.", counts.join(", "));
        if let Some(last) = self.ends.last() {
            println!("They are found until {}.", rfc_3339::write(last));
        }
        if self.ends.len() > 1 {
            println!("Noon has come meanwhile: those of before are gone. Repeat the command.");
        }
        if self.waiting > 0 {
            println!("Searches find {} of them only after some minutes.", self.waiting);
        }
    }
}

fn counted(count: usize, what: &str) -> String {
    if count == 1 { format!("1 {what}") } else { format!("{count} {what}s") }
}

/// A text that another program made up, on one line and without orders to the terminal.
fn shown(text: &str) -> String {
    text.replace(char::is_control, "\u{fffd}")
}

fn now() -> anyhow::Result<DateTime<Utc>> {
    let time = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH)?;
    DateTime::from_timestamp_millis(i64::try_from(time.as_millis())?).context("no such time")
}
