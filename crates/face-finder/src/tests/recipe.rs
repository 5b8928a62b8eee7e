//! The recipe and the judgement give what the page's functions give.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::node;
use crate::landmarks::COUNT;
use crate::{Face, Picture, Point, Quality, Reason, Rectangle, crop};

const SIZE: (usize, usize) = (640, 480);

/// Numbers that look random and are the same everywhere.
struct Numbers(u64);

impl Numbers {
    /// From one number to another.
    fn next(&mut self, from: f64, to: f64) -> f64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_041);
        from + (to - from) * (self.0 >> 33) as f64 / (1_u64 << 31) as f64
    }

    /// A face somewhere in the picture, or partly outside: roughly one that looks ahead.
    fn face(&mut self, brightness: f64) -> Face {
        let width = self.next(60.0, 300.0);
        let bounds = Rectangle {
            x: self.next(-0.3 * width, SIZE.0 as f64 - 0.7 * width),
            y: self.next(-0.3 * width, SIZE.1 as f64 - 0.7 * width),
            width,
            height: width * self.next(0.9, 1.2),
        };
        let roll = self.next(-0.5, 0.5);
        let yaw = self.next(-0.5, 0.5);
        let landmarks: [Point; COUNT] = std::array::from_fn(|index| {
            let (x, y) = match index {
                36..42 => (0.3, 0.35 - roll * 0.2),
                42..48 => (0.7, 0.35 + roll * 0.2),
                30 => (0.5 + 0.4 * yaw, 0.5),
                _ => (self.next(0.1, 0.9), self.next(0.2, 0.95)),
            };
            Point { x: bounds.x + x * width, y: bounds.y + y * width }
        });
        let crop = crop::rectangle(&landmarks);
        let quality = Quality::new(&landmarks, crop, SIZE, brightness);
        Face { bounds, score: 0.9, landmarks, crop, quality }
    }
}

fn face(face: &Face) -> Value {
    let Rectangle { x, y, width, height } = face.bounds;
    let points: Vec<Value> =
        face.landmarks.iter().map(|point| json!({"x": point.x, "y": point.y})).collect();
    json!({
        "box": {"x": x, "y": y, "width": width, "height": height},
        "points": points,
        "score": face.score,
    })
}

/// What the page says of a face's first fault.
fn advice(face: &Face) -> &'static str {
    match face.quality.reasons().first() {
        None => "good",
        Some(Reason::TooSmall) => "closer",
        Some(Reason::CutOff) => "inside",
        Some(Reason::Turned) => "turned",
        Some(Reason::Dark) => "dark",
        Some(Reason::Bright) => "bright",
        Some(Reason::Blurred) => unreachable!("no crop was cut"),
    }
}

#[test]
fn recipe_and_judgement_are_the_page_s() {
    let mut numbers = Numbers(1);
    let rgb: Vec<u8> = (0..SIZE.0 * SIZE.1 * 3).map(|_| numbers.next(0.0, 256.0) as u8).collect();
    let picture = Picture::from_rgb(SIZE.0, SIZE.1, &rgb).unwrap();
    let pictures: Vec<(f64, Vec<Face>)> = (0..200)
        .map(|_| {
            let light = numbers.next(20.0, 250.0);
            let count = numbers.next(1.0, 4.0) as usize;
            (light, (0..count).map(|_| numbers.face(light)).collect())
        })
        .collect();
    let ask = |(light, faces): &(f64, Vec<Face>)| {
        let faces: Vec<Value> = faces.iter().map(face).collect();
        json!({"light": light, "faces": faces})
    };
    let asked: Vec<Value> = pictures.iter().map(ask).collect();
    let question = json!({
        "size": {"width": SIZE.0, "height": SIZE.1},
        "pictures": asked,
        "shades": {"width": SIZE.0, "height": SIZE.1, "rgb": rgb},
    });
    let answers = node::ask("recipe.mjs", &question);
    let mut seen = BTreeMap::new();
    for ((_, faces), answer) in pictures.iter().zip(answers.as_array().unwrap()) {
        let light = answer["brightness"].as_f64().unwrap();
        assert!((picture.brightness(faces[0].bounds) - light).abs() < 1e-9);
        let chosen = crop::choose(faces, SIZE.0, SIZE.1).unwrap();
        let expected = answer["chosen"].as_u64().unwrap() as usize;
        assert_eq!(chosen.bounds, faces[expected].bounds);
        for (index, face) in faces.iter().enumerate() {
            let close = |actual: f64, expected: &Value| {
                let expected = expected.as_f64().unwrap();
                assert!((actual - expected).abs() < 1e-9, "{actual}, not {expected}");
            };
            let page = &answer["crops"][index];
            close(face.crop.x, &page["x"]);
            close(face.crop.y, &page["y"]);
            close(face.crop.width, &page["width"]);
            close(face.crop.height, &page["height"]);
            let expected = answer["advice"][index].as_str().unwrap();
            *seen.entry(expected.to_owned()).or_insert(0) += 1;
            // Only before a camera is a face too near.
            if expected != "farther" {
                assert_eq!(advice(face), expected, "{:?}", face.quality);
            }
        }
    }
    for word in ["closer", "inside", "turned", "dark", "bright", "good"] {
        assert!(seen.get(word).is_some_and(|&count| count > 3), "{word} is seldom: {seen:?}");
    }
}
