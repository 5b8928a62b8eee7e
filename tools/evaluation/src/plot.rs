//! A plot of the distances and of the ROC curve. It is SVG, because that needs no fonts here.

use std::path::Path;

use anyhow::{Context as _, anyhow};
use facenet::verdict::Thresholds;
use plotters::coord::Shift;
use plotters::prelude::*;

use crate::distances::{Distances, Pairs};
use crate::metrics::roc;

/// Width and height in pixels.
const SIZE: (u32, u32) = (1000, 420);

/// Bins of a histogram, from distance 0 to 2.
const BINS: usize = 80;

/// Steps of the threshold along the ROC curve.
const ROC_STEPS: u16 = 2000;

const SAME: RGBColor = RGBColor(0x1b, 0x7f, 0x79);
const DIFFERENT: RGBColor = RGBColor(0xc8, 0x55, 0x3d);

/// Writes the plot, with lines at the thresholds.
///
/// # Errors
/// When the file cannot be written.
pub fn write(
    file: &Path,
    distances: &Distances,
    thresholds: Option<Thresholds>,
) -> anyhow::Result<()> {
    let area = SVGBackend::new(file, SIZE).into_drawing_area();
    draw(&area, distances, thresholds)
        .and_then(|()| area.present().map_err(|error| anyhow!("{error}")))
        .with_context(|| format!("writing {}", file.display()))
}

type Area<'a> = DrawingArea<SVGBackend<'a>, Shift>;

fn draw(
    area: &Area<'_>,
    distances: &Distances,
    thresholds: Option<Thresholds>,
) -> anyhow::Result<()> {
    area.fill(&WHITE)?;
    let (left, right) = area.split_horizontally(SIZE.0 * 3 / 5);
    draw_histograms(&left, distances, thresholds)?;
    draw_roc(&right, distances)
}

/// The share of pairs in each bin, in per cent.
fn histogram(pairs: &Pairs) -> Vec<f64> {
    let mut bins = vec![0.0; BINS];
    for pair in pairs.sorted() {
        let bin = (f64::from(pair.distance) / 2.0 * BINS as f64) as usize;
        if let Some(share) = bins.get_mut(bin.min(BINS - 1)) {
            *share += 100.0 / f64::from(pairs.count().get());
        }
    }
    bins
}

/// The corners of a histogram's outline.
fn outline(bins: &[f64]) -> Vec<(f64, f64)> {
    let width = 2.0 / bins.len() as f64;
    let bar = |(bin, &share): (usize, &f64)| {
        let left = bin as f64 * width;
        [(left, share), (left + width, share)]
    };
    bins.iter().enumerate().flat_map(bar).collect()
}

fn draw_histograms(
    area: &Area<'_>,
    distances: &Distances,
    thresholds: Option<Thresholds>,
) -> anyhow::Result<()> {
    let kinds = [
        ("the same person", histogram(&distances.same), SAME),
        ("different people", histogram(&distances.different), DIFFERENT),
    ];
    let highest = kinds.iter().flat_map(|(_, bins, _)| bins).copied().fold(1.0, f64::max);
    let mut chart = ChartBuilder::on(area)
        .caption("L2 distance of two pictures", ("sans-serif", 16))
        .margin(12)
        .x_label_area_size(28)
        .y_label_area_size(44)
        .build_cartesian_2d(0.0..2.0, 0.0..highest * 1.1)?;
    chart
        .configure_mesh()
        .disable_x_mesh()
        .light_line_style(WHITE)
        .y_desc("% of pairs")
        .x_label_formatter(&|x| format!("{x:.1}"))
        .y_label_formatter(&|y| format!("{y:.0}"))
        .draw()?;
    for (name, bins, colour) in kinds {
        chart
            .draw_series(
                AreaSeries::new(outline(&bins), 0.0, colour.mix(0.35)).border_style(colour),
            )?
            .label(name)
            .legend(move |(x, y)| Rectangle::new([(x, y - 5), (x + 12, y + 5)], colour.filled()));
    }
    for threshold in thresholds.iter().flat_map(|both| [both.match_max, both.possible_max]) {
        let x = f64::from(threshold);
        chart.draw_series(LineSeries::new([(x, 0.0), (x, highest * 1.1)], BLACK.mix(0.6)))?;
    }
    chart.configure_series_labels().background_style(WHITE.mix(0.8)).border_style(BLACK).draw()?;
    Ok(())
}

fn draw_roc(area: &Area<'_>, distances: &Distances) -> anyhow::Result<()> {
    // A logarithmic axis has no zero. A rate of zero is drawn where half a pair would be.
    let lowest = 0.5 / f64::from(distances.different.count().get());
    let curve = roc(distances, ROC_STEPS);
    let points =
        curve.iter().map(|point| (point.false_match_rate.max(lowest), point.true_accept_rate));
    let mut chart = ChartBuilder::on(area)
        .caption("ROC", ("sans-serif", 16))
        .margin(12)
        .x_label_area_size(36)
        .y_label_area_size(44)
        .build_cartesian_2d((lowest..1.0).log_scale(), 0.0..1.0)?;
    chart
        .configure_mesh()
        .light_line_style(WHITE)
        .x_desc("false-match rate")
        .y_desc("true-accept rate")
        .x_label_formatter(&|x| format!("{x:.0e}"))
        .y_label_formatter(&|y| format!("{y:.1}"))
        .draw()?;
    chart.draw_series(LineSeries::new(points, SAME.stroke_width(2)))?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::distances::tests::{on_a_circle, pairs_at};

    #[test]
    fn histograms_hold_every_pair() {
        let bins = histogram(&pairs_at(&[0.0, 0.01, 1.0, 2.0]));
        assert!((bins[0] - 50.0).abs() < 1e-9);
        assert!((bins[BINS / 2] - 25.0).abs() < 1e-9);
        assert!((bins[BINS - 1] - 25.0).abs() < 1e-9);
        assert_eq!(outline(&[1.0, 2.0]), [(0.0, 1.0), (1.0, 1.0), (1.0, 2.0), (2.0, 2.0)]);
    }

    #[test]
    fn the_plot_shows_both_kinds_and_the_curve() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("plot.svg");
        let pictures = on_a_circle(&[&[0.0, 9.0], &[80.0, 95.0]]);
        let distances = Distances::between(&pictures).unwrap();
        write(&file, &distances, Some(Thresholds { match_max: 0.5, possible_max: 0.75 })).unwrap();
        let svg = std::fs::read_to_string(file).unwrap();
        for text in ["<svg", "the same person", "different people", "false-match rate"] {
            assert!(svg.contains(text), "{text}");
        }
    }
}
