//! The forward pass of Inception-ResNet-v1 under facenet-pytorch's names.

use super::activations::{Activations1, Activations2, Tower};
use super::conv::{Finish, Stride, average_pool, convolve, max_pool_3x3_s2};
use super::map::Map;
use super::scratch::Scratch;
use super::times;
use super::weights::{Conv, Packed};
use super::winograd;
use crate::outputs;

/// Layers of a record, in its order.
pub(super) type Layers<'a> = &'a mut dyn Iterator<Item = Packed>;

fn conv(layers: Layers<'_>) -> Option<Conv> {
    match layers.next()? {
        Packed::Conv(conv) => Some(conv),
        Packed::Affine { .. } => None,
    }
}

fn convs<const N: usize>(layers: Layers<'_>) -> Option<[Conv; N]> {
    (0..N).map(|_| conv(layers)).collect::<Option<Vec<_>>>()?.try_into().ok()
}

fn repeat<const N: usize, T: std::fmt::Debug>(
    layers: Layers<'_>,
    block: impl Fn(Layers<'_>) -> Option<T>,
) -> Option<[T; N]> {
    (0..N).map(|_| block(layers)).collect::<Option<Vec<_>>>()?.try_into().ok()
}

/// The scales of the residual blocks of the three kinds.
const SCALE_35: f32 = 0.17;
const SCALE_17: f32 = 0.10;
const SCALE_8: f32 = 0.20;

/// Runs convolutions, holding what they share.
pub(super) struct Runner<'a>(pub(super) &'a mut Scratch);

impl Runner<'_> {
    /// A convolution with `ReLU`.
    pub(super) fn conv(&mut self, conv: &Conv, stride: Stride, input: &Map, output: &mut Map) {
        self.conv_at(conv, stride, input, (output, 0));
    }

    /// The same into the channels from `at` on, which is how branches are concatenated.
    fn conv_at(&mut self, conv: &Conv, stride: Stride, input: &Map, output: (&mut Map, usize)) {
        let (map, at) = output;
        self.convolve(conv, stride, input, (&mut *map, at));
        outputs::see(|| map.planes(at..at + conv.out));
    }

    fn convolve(&mut self, conv: &Conv, stride: Stride, input: &Map, output: (&mut Map, usize)) {
        let _timed = times::layer(conv, stride, output.0.shape);
        let Scratch { conv: scratch, winograd } = self.0;
        if let Some(scheme) = winograd::scheme(conv, stride, output.0.shape) {
            winograd::convolve(scheme, conv, input, output, winograd);
        } else {
            convolve(conv, stride, input, output, Finish::Relu, scratch);
        }
    }

    /// The convolution at the end of a residual block.
    fn residual(&mut self, conv: &Conv, cat: &Map, (x, y): (&Map, &mut Map), scale: f32) {
        let _timed = times::layer(conv, 1, y.shape);
        let finish = Finish::Residual { residual: x, scale, relu: true };
        convolve(conv, 1, cat, (y, 0), finish, &mut self.0.conv);
    }
}

/// The stem, `repeat_1`, `mixed_6a` and `repeat_2`.
#[derive(Debug)]
pub(super) struct Shard1 {
    stem: Stem,
    repeat_1: [Block35; 5],
    mixed_6a: Mixed6a,
    repeat_2: [Block17; 10],
}

impl Shard1 {
    pub(super) fn new(layers: Layers<'_>) -> Option<Self> {
        Some(Self {
            stem: Stem::new(layers)?,
            repeat_1: repeat(layers, Block35::new)?,
            mixed_6a: Mixed6a::new(layers)?,
            repeat_2: repeat(layers, Block17::new)?,
        })
    }

    pub(super) fn run(
        &self,
        input: &[f32],
        maps: &mut Activations1,
        scratch: &mut Scratch,
    ) -> Vec<f32> {
        let run = &mut Runner(scratch);
        maps.image.read_planes(input);
        self.stem.run(run, maps);
        for block in &self.repeat_1 {
            block.run(run, maps);
        }
        self.mixed_6a.run(run, maps);
        for block in &self.repeat_2 {
            block.run(run, maps);
        }
        maps.tower_17.x.to_planes()
    }
}

#[derive(Debug)]
#[expect(clippy::struct_field_names, reason = "the names of the published network")]
struct Stem {
    conv2d_1a: Conv,
    conv2d_2a: Conv,
    conv2d_2b: Conv,
    conv2d_3b: Conv,
    conv2d_4a: Conv,
    conv2d_4b: Conv,
}

impl Stem {
    fn new(layers: Layers<'_>) -> Option<Self> {
        Some(Self {
            conv2d_1a: conv(layers)?,
            conv2d_2a: conv(layers)?,
            conv2d_2b: conv(layers)?,
            conv2d_3b: conv(layers)?,
            conv2d_4a: conv(layers)?,
            conv2d_4b: conv(layers)?,
        })
    }

    fn run(&self, run: &mut Runner<'_>, maps: &mut Activations1) {
        run.conv(&self.conv2d_1a, 2, &maps.image, &mut maps.conv2d_1a);
        run.conv(&self.conv2d_2a, 1, &maps.conv2d_1a, &mut maps.conv2d_2a);
        run.conv(&self.conv2d_2b, 1, &maps.conv2d_2a, &mut maps.conv2d_2b);
        max_pool_3x3_s2(&maps.conv2d_2b, (&mut maps.maxpool_3a, 0));
        run.conv(&self.conv2d_3b, 1, &maps.maxpool_3a, &mut maps.conv2d_3b);
        run.conv(&self.conv2d_4a, 1, &maps.conv2d_3b, &mut maps.conv2d_4a);
        run.conv(&self.conv2d_4b, 2, &maps.conv2d_4a, &mut maps.tower_35.x);
    }
}

#[derive(Debug)]
struct Block35 {
    branch0: Conv,
    branch1: [Conv; 2],
    branch2: [Conv; 3],
    conv2d: Conv,
}

impl Block35 {
    fn new(layers: Layers<'_>) -> Option<Self> {
        Some(Self {
            branch0: conv(layers)?,
            branch1: convs(layers)?,
            branch2: convs(layers)?,
            conv2d: conv(layers)?,
        })
    }

    fn run(&self, run: &mut Runner<'_>, maps: &mut Activations1) {
        let Activations1 { tower_35: Tower { x, y, cat }, block35_0, block35_1, .. } = maps;
        run.conv_at(&self.branch0, 1, x, (cat, 0));
        run.conv(&self.branch1[0], 1, x, block35_0);
        run.conv_at(&self.branch1[1], 1, block35_0, (cat, 32));
        run.conv(&self.branch2[0], 1, x, block35_0);
        run.conv(&self.branch2[1], 1, block35_0, block35_1);
        run.conv_at(&self.branch2[2], 1, block35_1, (cat, 64));
        run.residual(&self.conv2d, cat, (x, y), SCALE_35);
        std::mem::swap(x, y);
        outputs::see(|| x.to_planes());
    }
}

#[derive(Debug)]
struct Mixed6a {
    branch0: Conv,
    branch1: [Conv; 3],
}

impl Mixed6a {
    fn new(layers: Layers<'_>) -> Option<Self> {
        Some(Self { branch0: conv(layers)?, branch1: convs(layers)? })
    }

    fn run(&self, run: &mut Runner<'_>, maps: &mut Activations1) {
        let Activations1 { tower_35, mixed_6a_0, mixed_6a_1, tower_17, .. } = maps;
        let (x, cat) = (&tower_35.x, &mut tower_17.x);
        run.conv_at(&self.branch0, 2, x, (cat, 0));
        run.conv(&self.branch1[0], 1, x, mixed_6a_0);
        run.conv(&self.branch1[1], 1, mixed_6a_0, mixed_6a_1);
        run.conv_at(&self.branch1[2], 2, mixed_6a_1, (cat, 384));
        max_pool_3x3_s2(x, (cat, 640));
    }
}

#[derive(Debug)]
struct Block17 {
    branch0: Conv,
    branch1: [Conv; 3],
    conv2d: Conv,
}

impl Block17 {
    fn new(layers: Layers<'_>) -> Option<Self> {
        Some(Self { branch0: conv(layers)?, branch1: convs(layers)?, conv2d: conv(layers)? })
    }

    fn run(&self, run: &mut Runner<'_>, maps: &mut Activations1) {
        let Activations1 { tower_17: Tower { x, y, cat }, block17_0, block17_1, .. } = maps;
        run.conv_at(&self.branch0, 1, x, (cat, 0));
        run.conv(&self.branch1[0], 1, x, block17_0);
        run.conv(&self.branch1[1], 1, block17_0, block17_1);
        run.conv_at(&self.branch1[2], 1, block17_1, (cat, 128));
        run.residual(&self.conv2d, cat, (x, y), SCALE_17);
        std::mem::swap(x, y);
        outputs::see(|| x.to_planes());
    }
}

/// `mixed_7a`, `repeat_3`, `block8`, pooling and the bottleneck.
#[derive(Debug)]
pub(super) struct Shard2 {
    mixed_7a: Mixed7a,
    repeat_3: [Block8; 5],
    block8: Block8,
    bottleneck: Bottleneck,
}

impl Shard2 {
    pub(super) fn new(layers: Layers<'_>) -> Option<Self> {
        Some(Self {
            mixed_7a: Mixed7a::new(layers)?,
            repeat_3: repeat(layers, Block8::new)?,
            block8: Block8::new(layers)?,
            bottleneck: Bottleneck::new(layers)?,
        })
    }

    pub(super) fn run(
        &self,
        input: &[f32],
        maps: &mut Activations2,
        scratch: &mut Scratch,
    ) -> Vec<f32> {
        let run = &mut Runner(scratch);
        maps.input.read_planes(input);
        self.mixed_7a.run(run, maps);
        for block in &self.repeat_3 {
            block.run(run, maps, SCALE_8, true);
        }
        self.block8.run(run, maps, 1.0, false);
        average_pool(&maps.tower_8.x, &mut maps.pooled);
        let embedding = self.bottleneck.run(run, maps);
        outputs::see(|| maps.embedding.to_planes());
        outputs::see(|| embedding.clone());
        embedding
    }
}

#[derive(Debug)]
struct Mixed7a {
    branch0: [Conv; 2],
    branch1: [Conv; 2],
    branch2: [Conv; 3],
}

impl Mixed7a {
    fn new(layers: Layers<'_>) -> Option<Self> {
        Some(Self { branch0: convs(layers)?, branch1: convs(layers)?, branch2: convs(layers)? })
    }

    fn run(&self, run: &mut Runner<'_>, maps: &mut Activations2) {
        let Activations2 { input, mixed_7a, mixed_7a_0, mixed_7a_1, tower_8, .. } = maps;
        let cat = &mut tower_8.x;
        run.conv(&self.branch0[0], 1, input, mixed_7a);
        run.conv_at(&self.branch0[1], 2, mixed_7a, (cat, 0));
        run.conv(&self.branch1[0], 1, input, mixed_7a);
        run.conv_at(&self.branch1[1], 2, mixed_7a, (cat, 384));
        run.conv(&self.branch2[0], 1, input, mixed_7a_0);
        run.conv(&self.branch2[1], 1, mixed_7a_0, mixed_7a_1);
        run.conv_at(&self.branch2[2], 2, mixed_7a_1, (cat, 640));
        max_pool_3x3_s2(input, (cat, 896));
    }
}

#[derive(Debug)]
struct Block8 {
    branch0: Conv,
    branch1: [Conv; 3],
    conv2d: Conv,
}

impl Block8 {
    fn new(layers: Layers<'_>) -> Option<Self> {
        Some(Self { branch0: conv(layers)?, branch1: convs(layers)?, conv2d: conv(layers)? })
    }

    fn run(&self, run: &mut Runner<'_>, maps: &mut Activations2, scale: f32, relu: bool) {
        let Activations2 { tower_8: Tower { x, y, cat }, block8_0, block8_1, .. } = maps;
        run.conv_at(&self.branch0, 1, x, (cat, 0));
        run.conv(&self.branch1[0], 1, x, block8_0);
        run.conv(&self.branch1[1], 1, block8_0, block8_1);
        run.conv_at(&self.branch1[2], 1, block8_1, (cat, 192));
        let _timed = times::layer(&self.conv2d, 1, y.shape);
        let finish = Finish::Residual { residual: x, scale, relu };
        convolve(&self.conv2d, 1, cat, (y, 0), finish, &mut run.0.conv);
        std::mem::swap(x, y);
        outputs::see(|| x.to_planes());
    }
}

/// `last_linear` and `last_bn`.
#[derive(Debug)]
struct Bottleneck {
    last_linear: Conv,
    factor: Box<[f32]>,
    offset: Box<[f32]>,
}

impl Bottleneck {
    fn new(layers: Layers<'_>) -> Option<Self> {
        let last_linear = conv(layers)?;
        match layers.next()? {
            Packed::Affine { factor, offset } => Some(Self { last_linear, factor, offset }),
            Packed::Conv(_) => None,
        }
    }

    fn run(&self, run: &mut Runner<'_>, maps: &mut Activations2) -> Vec<f32> {
        let Activations2 { pooled, zero, embedding, .. } = maps;
        let _timed = times::layer(&self.last_linear, 1, embedding.shape);
        let finish = Finish::Residual { residual: zero, scale: 1.0, relu: false };
        convolve(&self.last_linear, 1, pooled, (embedding, 0), finish, &mut run.0.conv);
        let numbers = embedding.data.iter().zip(&self.factor).zip(&self.offset);
        numbers.map(|((number, factor), offset)| number * factor + offset).collect()
    }
}
