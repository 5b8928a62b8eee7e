//! What was measured on the groups, as the tables of the README and as the row for the source.

use std::fmt::Write as _;

use facenet::verdict::{
    AIM_MATCH, AIM_PEOPLE, AIM_PICTURES, AIM_POSSIBLE, Curve, Outcome, Share, Strangers,
    Thresholds, strangers_distance,
};

use crate::calibrate::{self, Measured};
use crate::identify::{Gallery, Identification};
use crate::strangers::Estimate;

/// The sizes of the galleries whose rates are computed from the one that was measured. That assumes
/// that each person of a gallery is as likely to be near as any other.
const LARGER: [u32; 2] = [100, 1_000];

/// The tables, and the row of a model.
#[must_use]
pub fn describe(model: &str, pipeline: &str, groups: &[Measured]) -> String {
    let thresholds = calibrate::thresholds(groups);
    let mut text = format!("{model}, pipeline {pipeline}\n\n");
    text.push_str(&verdicts(groups, thresholds));
    text.push('\n');
    text.push_str(&pictures(groups, thresholds));
    text.push('\n');
    text.push_str(&company(groups));
    text.push('\n');
    text.push_str(&strangers(groups));
    text.push_str("\nThe row for crates/facenet/src/verdict/measured.rs:\n\n");
    text.push_str(&row(model, groups, thresholds));
    text
}

/// The groups that have the gallery of the aim, with it, and with what happens there at both
/// thresholds.
fn in_aim(
    groups: &[Measured],
    thresholds: Thresholds,
) -> impl Iterator<Item = (&Measured, Gallery, Outcome, Outcome)> {
    groups.iter().filter_map(move |group| {
        let gallery = group.aim()?.gallery;
        let near = group.outcome(thresholds.match_max)?;
        Some((group, gallery, near, group.outcome(thresholds.possible_max)?))
    })
}

/// What the thresholds do to each group in the gallery of the aim.
#[must_use]
pub fn verdicts(groups: &[Measured], thresholds: Thresholds) -> String {
    let Thresholds { match_max, possible_max } = thresholds;
    let mut text = format!(
        "match up to {match_max:.2}, possible up to {possible_max:.2}, in galleries of \
         {AIM_PEOPLE} people with {AIM_PICTURES} pictures each\n\n\
         | group | people, photographs | gallery | match: strangers named | not found | \
         possible: strangers named | not found |\n\
         | --- | --- | --- | --- | --- | --- | --- |\n"
    );
    for (group, gallery, near, far) in in_aim(groups, thresholds) {
        let _ = writeln!(
            text,
            "| {}{} | {}, {} | {} with {} | {} | {} | {} | {} |",
            group.name,
            if group.set_aside { " (set aside)" } else { "" },
            group.people,
            group.pictures,
            gallery.people,
            gallery.pictures,
            share(near.false_positives),
            found(near),
            share(far.false_positives),
            found(far),
        );
    }
    text
}

/// How many pictures a person enrols, and how large the gallery is.
fn pictures(groups: &[Measured], thresholds: Thresholds) -> String {
    let match_max = thresholds.match_max;
    let mut text = String::from(
        "| group | gallery | match: strangers named | in 100 people | in 1,000 | not found |\n\
         | --- | --- | --- | --- | --- | --- |\n",
    );
    for group in groups {
        let mut last = None;
        for it in &group.galleries {
            if last.replace(it.gallery) == Some(it.gallery) {
                continue;
            }
            let named = it.false_positives(match_max);
            let [hundred, thousand] = LARGER.map(|people| {
                let times = f64::from(people) / it.gallery.people as f64;
                percent(1.0 - (1.0 - named.rate).powf(times))
            });
            let missed = it.not_found(match_max);
            let _ = writeln!(
                text,
                "| {} | {} with {} | {} | {hundred} | {thousand} | {} |",
                group.name,
                it.gallery.people,
                it.gallery.pictures,
                interval(named),
                missed.map_or("-".into(), interval),
            );
        }
    }
    text
}

/// What the company is worth. With it and without it: the threshold that each group allows when at
/// most one stranger in a hundred gets a name, and who is not found at the lowest of these.
fn company(groups: &[Measured]) -> String {
    let mut text = String::from(
        "| group | alone: its threshold | not found at everybody's | with the gallery: its \
         threshold | not found at everybody's |\n| --- | --- | --- | --- | --- |\n",
    );
    let aims = |it: &Measured| Some((it.name.clone(), it.set_aside, it.aim()?.clone()));
    let aims: Vec<(String, bool, Identification)> = groups.iter().filter_map(aims).collect();
    let everybodys = |plain: bool| {
        let chooses = aims.iter().filter(|(_, set_aside, _)| !set_aside);
        let of = |it: &Identification| if plain { it.plain() } else { it.clone() };
        let own = chooses.map(|(_, _, it)| of(it).threshold(facenet::verdict::AIM_MATCH));
        own.min_by(f32::total_cmp).unwrap_or(0.0)
    };
    let [alone, with] = [true, false].map(everybodys);
    for (name, _, it) in &aims {
        let plain = it.plain();
        let own = |it: &Identification| it.threshold(facenet::verdict::AIM_MATCH);
        let missed = |it: &Identification, at: f32| {
            it.not_found(at).map_or("-".into(), |it| percent(it.rate))
        };
        let _ = writeln!(
            text,
            "| {name} | {:.2} | {} | {:.2} | {} |",
            own(&plain),
            missed(&plain, alone),
            own(it),
            missed(it, with),
        );
    }
    let _ = writeln!(text, "\neverybody's: {alone:.2} alone, {with:.2} with the gallery");
    text
}

/// How rarely a stranger is as near as is told, and in which galleries it was measured.
fn strangers(groups: &[Measured]) -> String {
    let stated = calibrate::strangers(groups);
    let alone: Vec<_> = groups.iter().map(|group| Some(group.alone.as_slice())).collect();
    let known: Vec<_> = groups.iter().map(Measured::strangers_in_aim).collect();
    let [near, far] = [AIM_MATCH, AIM_POSSIBLE].map(|aim| stated.alone_within(aim));
    let mut text =
        format!("Of two faces alone: match up to {near:.2}, possible up to {far:.2}\n\n");
    text.push_str(&curves(groups, &stated.alone, &alone));
    text.push_str("\nIn a gallery that says in what company the search is:\n\n");
    text.push_str(&curves(groups, &stated.in_company, &known));
    let largest = [(&stated.alone, &alone), (&stated.in_company, &known)]
        .map(|(stated, measured)| largest_part(groups, stated, measured))
        .into_iter()
        .fold(0.0, f64::max);
    let _ =
        writeln!(text, "\nof what is stated, in groups that are set aside: at most {largest:.2}");
    text
}

/// The largest part of what is stated that was measured in a group that is set aside.
fn largest_part(groups: &[Measured], stated: &Curve, measured: &[Option<&[Estimate]>]) -> f64 {
    let set_aside = groups.iter().zip(measured).filter(|(group, _)| group.set_aside);
    let curves = set_aside.filter_map(|(_, curve)| *curve);
    let parts = curves.flat_map(|curve| curve.iter().zip(stated).map(|(it, most)| it.rate / most));
    parts.fold(0.0, f64::max)
}

fn curves(groups: &[Measured], stated: &Curve, measured: &[Option<&[Estimate]>]) -> String {
    let mut text = String::from("| up to | stated |");
    for group in groups {
        let _ = write!(text, " {}{} |", group.name, if group.set_aside { " *" } else { "" });
    }
    let _ = writeln!(text, "\n|{}", " --- |".repeat(groups.len() + 2));
    for (step, most) in stated.iter().enumerate().step_by(5) {
        let _ = write!(text, "| {:.2} | {} |", strangers_distance(step), percent(*most));
        for curve in measured {
            let at = curve.and_then(|curve| curve.get(step));
            let _ = write!(text, " {} |", at.map_or("-".into(), |it| percent(it.rate)));
        }
        text.push('\n');
    }
    text
}

/// A row as it stands in the source of the table.
fn row(model: &str, groups: &[Measured], thresholds: Thresholds) -> String {
    let Thresholds { match_max, possible_max } = thresholds;
    let mut text = format!("// {model}\nthresholds: Thresholds {{ match_max: {match_max:.2}, ");
    let _ = writeln!(text, "possible_max: {possible_max:.2} }},");
    for (group, gallery, near, far) in in_aim(groups, thresholds) {
        let _ = writeln!(
            text,
            "Group {{\n    name: {:?},\n    people: {},\n    pictures: {},\n    \
             set_aside: {},\n    gallery: [{}, {}],\n    at_match: {},\n    at_possible: {},\n}},",
            group.name,
            group.people,
            group.pictures,
            group.set_aside,
            gallery.people,
            gallery.pictures,
            in_source(near),
            in_source(far),
        );
    }
    let Strangers { alone, in_company } = calibrate::strangers(groups);
    for (name, curve) in [("alone", alone), ("in_company", in_company)] {
        let numbers: Vec<String> = curve.iter().map(|share| format!("{share:?}")).collect();
        let _ = writeln!(text, "{name}: [{}],", numbers.join(", "));
    }
    text
}

fn in_source(outcome: Outcome) -> String {
    let pair = |Share { measured, at_most }: Share| format!("share({measured:.4}, {at_most:.4})");
    let missed = outcome.not_found.map_or("None".into(), |it| format!("Some({})", pair(it)));
    format!("outcome({}, {missed})", pair(outcome.false_positives))
}

fn found(outcome: Outcome) -> String {
    outcome.not_found.map_or("-".into(), share)
}

fn share(Share { measured, at_most }: Share) -> String {
    format!("{} (at most {})", percent(measured), percent(at_most))
}

fn interval(estimate: Estimate) -> String {
    format!("{} ({} to {})", percent(estimate.rate), percent(estimate.low), percent(estimate.high))
}

/// Two significant digits of a share, in per cent.
pub(crate) fn percent(share: f64) -> String {
    let percent = 100.0 * share;
    let digits = if percent > 0.0 { (1.0 - percent.log10().floor()).max(0.0) } else { 0.0 };
    format!("{percent:.0$} %", digits.min(4.0) as usize)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_are_told_with_two_digits() {
        for (share, told) in [(0.000_1, "0.010 %"), (0.012_34, "1.2 %"), (0.5, "50 %")] {
            assert_eq!(percent(share), told);
        }
    }
}
