//! Our engine against Burn on pictures of all kinds: from a few smooth colours to pure noise.

use std::thread;

use facenet::burn::Backend;
use facenet::layers::INPUT_SIDE;
use facenet::simd::Simd;
use facenet::{Embedding, Face};

use crate::golden;

const PICTURES: u64 = 200;

const COSINE_MIN: f64 = 0.99999;

/// The same for integers, on pictures that are no faces.
const INTEGERS_COSINE_MIN: f64 = 0.995;

/// Numbers from 0 to 1 that look random and are the same everywhere.
struct Numbers(u64);

impl Numbers {
    fn next(&mut self) -> f32 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_041);
        (self.0 >> 40) as f32 / (1 << 24) as f32
    }
}

/// A picture of random colours on a grid, with gradients between them.
fn picture(seed: u64) -> Face {
    let mut numbers = Numbers(seed);
    numbers.next();
    let cells = [1, 2, 4, 8, 20, 159][(seed % 6) as usize];
    let contrast = numbers.next();
    let mut plane = || {
        let grid: Vec<f32> = (0..(cells + 1) * (cells + 1))
            .map(|_| ((numbers.next() - 0.5) * contrast + 0.5) * 255.0)
            .collect();
        let at = |y: usize, x: usize| grid[y * (cells + 1) + x];
        let place = |pixel: usize| {
            let place = (pixel * cells) as f32 / (INPUT_SIDE - 1) as f32;
            let cell = (place as usize).min(cells - 1);
            (cell, place - cell as f32)
        };
        let mix = |a: f32, b: f32, share: f32| a + (b - a) * share;
        let pixels = (0..INPUT_SIDE * INPUT_SIDE).map(|pixel| {
            let ((y, down), (x, right)) = (place(pixel / INPUT_SIDE), place(pixel % INPUT_SIDE));
            let above = mix(at(y, x), at(y, x + 1), right);
            let below = mix(at(y + 1, x), at(y + 1, x + 1), right);
            mix(above, below, down).round() as u8
        });
        pixels.collect::<Vec<_>>()
    };
    let [red, green, blue] = [plane(), plane(), plane()];
    let pixels = red.into_iter().zip(green).zip(blue);
    Face::from_rgb(pixels.flat_map(|((red, green), blue)| [red, green, blue]).collect()).unwrap()
}

/// A picture's embedding by Burn, and its cosines with those of our engine in floats and integers.
struct Compared {
    seed: u64,
    burn: Embedding,
    cosines: [f64; 2],
}

fn compare(seeds: impl Iterator<Item = u64>) -> Vec<Compared> {
    let models = Simd::ALL.map(|simd| golden::model(&simd));
    let burn = golden::model(&Backend::Flex);
    let compare = |seed| {
        let face = picture(seed);
        let burn = burn.embed(&face).unwrap();
        let cosines = models.each_ref().map(|model| model.embed(&face).unwrap().cosine(&burn));
        Compared { seed, burn, cosines }
    };
    seeds.map(compare).collect()
}

#[test]
fn simd_agrees_with_burn_on_random_pictures() {
    // Burn takes long and has one thread.
    let threads = thread::available_parallelism().map_or(1, usize::from);
    let share = |first| (first..PICTURES).step_by(threads);
    let compared: Vec<Compared> = thread::scope(|scope| {
        let shares: Vec<_> =
            (0..threads as u64).map(|first| scope.spawn(move || compare(share(first)))).collect();
        shares.into_iter().flat_map(|share| share.join().unwrap()).collect()
    });
    assert_eq!(compared.len() as u64, PICTURES);
    for (place, (simd, least)) in
        Simd::ALL.into_iter().zip([COSINE_MIN, INTEGERS_COSINE_MIN]).enumerate()
    {
        let cosines = compared.iter().map(|compared| (compared.cosines[place], compared.seed));
        let (cosine, seed) = cosines.min_by(|a, b| a.0.total_cmp(&b.0)).unwrap();
        assert!(cosine >= least, "{}, picture {seed}: {cosine}", simd.name());
        let difference = 1.0 - cosine;
        println!(
            "{} {PICTURES} pictures: 1 - cosine is at most {difference:.1e} ({seed})",
            simd.name()
        );
    }
    // If all pictures had the same embedding, the test would prove little.
    let first = &compared[0].burn;
    let spread = compared.iter().map(|other| other.burn.distance(first)).fold(0.0, f32::max);
    assert!(spread > 0.5, "the pictures are alike: {spread}");
}
