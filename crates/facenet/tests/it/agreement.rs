//! Our engine against Burn on pictures of all kinds: from a few smooth colours to pure noise.

use facenet::layers::INPUT_SIDE;
use facenet::{Embedding, Shard, burn, simd};

use crate::golden;

const PICTURES: u64 = 200;

const COSINE_MIN: f64 = 0.99999;

/// Numbers from 0 to 1 that look random and are the same everywhere.
struct Numbers(u64);

impl Numbers {
    fn next(&mut self) -> f32 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_041);
        (self.0 >> 40) as f32 / (1 << 24) as f32
    }
}

/// An input tensor: random colours on a grid, and what is between them in between.
fn picture(seed: u64) -> Vec<f32> {
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
            (mix(above, below, down).round() - 127.5) / 128.0
        });
        pixels.collect::<Vec<_>>()
    };
    [plane(), plane(), plane()].concat()
}

#[test]
fn simd_agrees_with_burn_on_random_pictures() {
    let shards = Shard::ALL.map(|part| {
        let bytes = golden::record(part);
        let mut simd = simd::Loader::new(part, "casia-webface", bytes.len()).unwrap();
        simd.push(&bytes).unwrap();
        let burn = burn::Loader::new(part, "casia-webface", bytes.len()).unwrap();
        let mut burn = burn.with_backend(burn::Backend::Flex);
        burn.push(&bytes).unwrap();
        (simd.finish().unwrap(), burn.finish().unwrap())
    });
    let mut worst = (1.0, 0);
    let mut embeddings = Vec::new();
    for seed in 0..PICTURES {
        let input = picture(seed);
        let simd = shards[1].0.run(&shards[0].0.run(&input).unwrap()).unwrap();
        let burn = shards[1].1.run(&shards[0].1.run(&input).unwrap()).unwrap();
        let [simd, burn] = [simd, burn].map(|output| Embedding::normalise(output).unwrap());
        let cosine = simd.cosine(&burn);
        assert!(cosine >= COSINE_MIN, "picture {seed}: {cosine}");
        if cosine < worst.0 {
            worst = (cosine, seed);
        }
        embeddings.push(burn);
    }
    let (cosine, seed) = worst;
    println!("{PICTURES} pictures: 1 - cosine is at most {:.1e} (picture {seed})", 1.0 - cosine);
    // Pictures that all give the same would prove little.
    let spread = embeddings.iter().map(|one| one.distance(&embeddings[0])).fold(0.0, f32::max);
    assert!(spread > 0.5, "the pictures are alike: {spread}");
}
