//! A shard as the engine runs it. When a shard is loaded, the description of the network
//! ([`layers`]) becomes a list of steps over feature maps; running it is going through the list.
//!
//! Concatenation is not a step: the branches of a block write into one feature map, each into its
//! own channels.

use super::direct::{self, average_pool, max_pool};
use super::feature_map::{FeatureMap, Shape};
use super::finish::Finish;
use super::int8::{self, ByteConv, ByteMap, Factor};
use super::scratch::{Scratch, Sizes};
use super::times;
use super::weights::{Conv, Packed};
use super::winograd;
use crate::layers::{self, Block, Branch, Layer, Module, Residual, Step};
use crate::{Shard, outputs};

/// A feature map by its number.
type Map = usize;

/// A feature map in bytes by its number.
type Bytes = usize;

/// The channels of a feature map from some channel on.
type Channels = (Map, usize);

/// One step of a shard, on the feature maps that it names.
#[derive(Debug)]
enum Operation {
    /// A convolution with `ReLU`.
    Conv {
        conv: Conv,
        macs: u64,
        input: Map,
        output: Channels,
    },
    /// `output = x + scale * conv(input)`. A matrix is computed so too, with an `x` of zeros.
    Residual {
        conv: Conv,
        macs: u64,
        input: Map,
        x: Map,
        output: Map,
        end: Residual,
    },
    /// Rounds a feature map for the layers in integers that read it.
    Round {
        input: Map,
        output: Bytes,
    },
    /// A convolution in integers. It ends like one of the two above.
    Bytes {
        conv: ByteConv,
        macs: u64,
        input: Bytes,
        output: Channels,
        residual: Option<(Map, Residual)>,
    },
    MaxPool {
        input: Map,
        output: Channels,
    },
    AveragePool {
        input: Map,
        output: Map,
    },
    /// One factor and one offset per channel.
    Affine {
        factor: Box<[f32]>,
        offset: Box<[f32]>,
        input: Map,
        output: Map,
    },
}

/// The steps of a shard with their weights, and the memory that they need.
#[derive(Debug)]
pub(super) struct Network {
    operations: Vec<Operation>,
    maps: Vec<Shape>,
    /// The feature maps in bytes.
    bytes: Vec<(Shape, Factor)>,
    input: Map,
    output: Map,
    scratch: Sizes,
}

/// The memory in which a shard computes, all of it allocated when the shard is loaded.
pub(super) struct Memory {
    maps: Vec<FeatureMap>,
    bytes: Vec<ByteMap>,
    scratch: Scratch,
}

impl Network {
    /// Makes the network from the packed layers of a shard, in the order of [`Shard::layers`].
    /// Nothing when they are others.
    pub(super) fn new(shard: Shard, packed: Vec<Packed>) -> Option<Self> {
        let modules = shard.modules();
        // What a module writes lies within the border that the next one reads.
        let border = |module: Option<&Module>| module.map_or([0, 0], |it| it.step.padding());
        let mut builder = Builder { packed: packed.into_iter(), ..Builder::default() };
        let input = builder.zeros(Shape::of(shard.input(), border(modules.first())));
        let mut x = input;
        for (i, module) in modules.iter().enumerate() {
            let output = builder.module(module, x, border(modules.get(i + 1)))?;
            // Nothing else is written to the input, so its fourth channel stays zero.
            if x != input {
                builder.release(x);
            }
            x = output;
        }
        let Builder { mut packed, operations, maps, bytes, scratch, .. } = builder;
        let network = Self { operations, maps, bytes, input, output: x, scratch };
        packed.next().is_none().then_some(network)
    }

    pub(super) fn memory(&self) -> Memory {
        let maps = self.maps.iter().map(|&shape| FeatureMap::new(shape)).collect();
        let bytes = self.bytes.iter().map(|&(shape, factor)| ByteMap::new(shape, factor));
        Memory { maps, bytes: bytes.collect(), scratch: Scratch::new(self.scratch) }
    }

    /// Bytes of that memory.
    #[cfg(test)]
    pub(super) fn memory_bytes(&self) -> usize {
        let floats = self.maps.iter().map(|shape| shape.bytes()).sum::<usize>();
        let bytes = self.bytes.iter().map(|&(shape, _)| ByteMap::bytes_of(shape)).sum::<usize>();
        floats + bytes + self.scratch.bytes()
    }

    pub(super) fn run(&self, input: &[f32], memory: &mut Memory) -> Vec<f32> {
        let Memory { maps, bytes, scratch } = memory;
        maps[self.input].read_planes(input);
        for operation in &self.operations {
            operation.run(maps, bytes, scratch);
        }
        maps[self.output].to_planes()
    }
}

/// Makes the steps of a shard, module by module.
#[derive(Default)]
struct Builder {
    /// The layers that have no step yet.
    packed: std::vec::IntoIter<Packed>,
    operations: Vec<Operation>,
    maps: Vec<Shape>,
    /// Feature maps that no further step reads.
    free: Vec<Map>,
    bytes: Vec<(Shape, Factor)>,
    /// Feature maps that are rounded, and the maps in bytes that they were rounded to.
    rounded: Vec<(Map, Bytes)>,
    free_bytes: Vec<Bytes>,
    scratch: Sizes,
}

impl Builder {
    /// A feature map to write to: a free one of that shape, or a new one.
    fn map(&mut self, shape: Shape) -> Map {
        match self.free.iter().position(|&map| self.maps[map] == shape) {
            Some(place) => self.free.swap_remove(place),
            None => self.zeros(shape),
        }
    }

    /// A new feature map, which is zero.
    fn zeros(&mut self, shape: Shape) -> Map {
        self.maps.push(shape);
        self.maps.len() - 1
    }

    /// Says that no further step reads a feature map.
    fn release(&mut self, map: Map) {
        self.free.push(map);
        let released = self.rounded.extract_if(.., |(of, _)| *of == map);
        self.free_bytes.extend(released.map(|(_, bytes)| bytes));
    }

    /// A feature map in bytes. It is rounded by the first layer that reads it by this factor, for
    /// all of them.
    fn rounded(&mut self, map: Map, factor: Factor) -> Bytes {
        let wanted = (self.maps[map], factor);
        let mut rounded = self.rounded.iter().filter(|(of, _)| *of == map);
        if let Some((_, bytes)) = rounded.find(|(_, bytes)| self.bytes[*bytes] == wanted) {
            return *bytes;
        }
        let free = self.free_bytes.iter().position(|&bytes| self.bytes[bytes] == wanted);
        let bytes = if let Some(place) = free {
            self.free_bytes.swap_remove(place)
        } else {
            self.bytes.push(wanted);
            self.bytes.len() - 1
        };
        self.operations.push(Operation::Round { input: map, output: bytes });
        self.rounded.push((map, bytes));
        bytes
    }

    /// Adds the steps of a module that reads `x`. Returns its output, which has the border.
    fn module(&mut self, module: &Module, x: Map, border: [usize; 2]) -> Option<Map> {
        let mut layers = module.layers().into_iter();
        if let Step::Block(block) = module.step {
            return self.block(block, module, x, border);
        }
        let output = self.map(Shape::of(module.output(), border));
        match module.step {
            Step::Conv(_) => self.conv(&layers.next()?, x, (output, 0))?,
            Step::MaxPool => {
                self.operations.push(Operation::MaxPool { input: x, output: (output, 0) });
            }
            Step::AveragePool => self.operations.push(Operation::AveragePool { input: x, output }),
            Step::Linear(_) => {
                let zeros = self.zeros(Shape::of(module.output(), border));
                let end = Residual { scale: 1.0, relu: false };
                self.residual(&layers.next()?, x, (zeros, output), end)?;
            }
            Step::BatchNorm => {
                let Packed::Affine { factor, offset } = self.packed.next()? else { return None };
                self.operations.push(Operation::Affine { factor, offset, input: x, output });
            }
            Step::Block(_) => return None,
        }
        Some(output)
    }

    fn block(&mut self, block: Block, module: &Module, x: Map, border: [usize; 2]) -> Option<Map> {
        let mut layers = module.layers().into_iter();
        // The concatenation is the output itself unless the block is a residual one.
        let within = if block.residual.is_some() { [0, 0] } else { border };
        let concatenated = self.map(Shape::of(block.concatenated(module.input), within));
        let mut at = 0;
        for branch in block.branches {
            let output = (concatenated, at);
            match branch {
                Branch::Convs(convs) => self.branch(convs, &mut layers, x, output)?,
                Branch::MaxPool => self.operations.push(Operation::MaxPool { input: x, output }),
            }
            at += branch.output(module.input).channels;
        }
        let Some(end) = block.residual else { return Some(concatenated) };
        let output = self.map(Shape::of(module.output(), border));
        self.residual(&layers.next()?, concatenated, (x, output), end)?;
        self.release(concatenated);
        Some(output)
    }

    /// Convolutions one after the other, the last of which writes to `output`.
    fn branch(
        &mut self,
        convs: &[layers::Conv],
        layers: &mut impl Iterator<Item = Layer>,
        x: Map,
        output: Channels,
    ) -> Option<()> {
        let mut input = x;
        for i in 0..convs.len() {
            let layer = layers.next()?;
            let output = match convs.get(i + 1) {
                Some(next) => (self.map(Shape::of(layer.output(), next.window.padding)), 0),
                None => output,
            };
            self.conv(&layer, input, output)?;
            if input != x {
                self.release(input);
            }
            input = output.0;
        }
        Some(())
    }

    fn conv(&mut self, layer: &Layer, input: Map, output: Channels) -> Option<()> {
        let macs = layer.macs();
        match self.packed.next()? {
            Packed::Conv(conv) => {
                self.scratch.include(&conv, self.maps[output.0]);
                self.operations.push(Operation::Conv { conv, macs, input, output });
            }
            Packed::Bytes(conv) => self.in_bytes(conv, macs, input, output, None),
            Packed::Affine { .. } => return None,
        }
        Some(())
    }

    fn in_bytes(
        &mut self,
        conv: ByteConv,
        macs: u64,
        input: Map,
        output: Channels,
        residual: Option<(Map, Residual)>,
    ) {
        self.scratch.int8.include(self.maps[output.0]);
        let input = self.rounded(input, conv.factor());
        self.operations.push(Operation::Bytes { conv, macs, input, output, residual });
    }

    fn residual(
        &mut self,
        layer: &Layer,
        input: Map,
        (x, output): (Map, Map),
        end: Residual,
    ) -> Option<()> {
        let macs = layer.macs();
        match self.packed.next()? {
            Packed::Conv(conv) => {
                self.scratch.direct.include(&conv, self.maps[output]);
                self.operations.push(Operation::Residual { conv, macs, input, x, output, end });
            }
            Packed::Bytes(conv) => self.in_bytes(conv, macs, input, (output, 0), Some((x, end))),
            Packed::Affine { .. } => return None,
        }
        Some(())
    }
}

impl Operation {
    fn run(&self, maps: &mut [FeatureMap], bytes: &mut [ByteMap], scratch: &mut Scratch) {
        match *self {
            Self::Conv { ref conv, macs, input, output: (output, at) } => {
                let [input, output] = several(maps, [input, output]);
                convolve(conv, macs, input, (&mut *output, at), scratch);
                outputs::see(|| output.planes(at..at + conv.out));
            }
            Self::Residual { ref conv, macs, input, x, output, end } => {
                let [input, x, output] = several(maps, [input, x, output]);
                let finish = Finish::Residual { residual: x, scale: end.scale, relu: end.relu };
                {
                    let _timed = times::layer(conv.window, macs);
                    direct::convolve(conv, input, (&mut *output, 0), finish, &mut scratch.direct);
                }
                outputs::see(|| output.to_planes());
            }
            Self::Round { input, output } => {
                let _timed = times::rounding();
                bytes[output].round(&maps[input]);
            }
            Self::Bytes { ref conv, macs, input, output: (output, at), residual } => {
                let input = &bytes[input];
                {
                    let _timed = times::layer(conv.window, macs);
                    if let Some((x, end)) = residual {
                        let [x, output] = several(maps, [x, output]);
                        let finish =
                            Finish::Residual { residual: x, scale: end.scale, relu: end.relu };
                        int8::convolve(conv, input, (output, at), finish, &mut scratch.int8);
                    } else {
                        let output = (&mut maps[output], at);
                        int8::convolve(conv, input, output, Finish::Relu, &mut scratch.int8);
                    }
                }
                outputs::see(|| maps[output].planes(at..at + conv.out));
            }
            Self::MaxPool { input, output: (output, at) } => {
                let [input, output] = several(maps, [input, output]);
                max_pool(input, (output, at));
            }
            Self::AveragePool { input, output } => {
                let [input, output] = several(maps, [input, output]);
                average_pool(input, output);
            }
            Self::Affine { ref factor, ref offset, input, output } => {
                let [input, output] = several(maps, [input, output]);
                let channels = input.data.iter().zip(factor).zip(offset);
                for (output, ((x, factor), offset)) in output.data.iter_mut().zip(channels) {
                    *output = x * factor + offset;
                }
                outputs::see(|| output.to_planes());
            }
        }
    }
}

/// A convolution with `ReLU` into the channels of `output` from `at` on.
pub(super) fn convolve(
    conv: &Conv,
    macs: u64,
    input: &FeatureMap,
    (output, at): (&mut FeatureMap, usize),
    scratch: &mut Scratch,
) {
    let _timed = times::layer(conv.window, macs);
    if let Some(scheme) = winograd::scheme(conv, output.shape) {
        winograd::convolve(scheme, conv, input, (output, at), &mut scratch.winograd);
    } else {
        direct::convolve(conv, input, (output, at), Finish::Relu, &mut scratch.direct);
    }
}

/// Several feature maps at once.
fn several<const N: usize>(maps: &mut [FeatureMap], which: [Map; N]) -> [&mut FeatureMap; N] {
    maps.get_disjoint_mut(which).expect("a step never reads what it writes")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::simd::choice::Simd;

    /// The layers of a shard, all zero.
    fn zeros(shard: Shard, simd: Simd) -> Vec<Packed> {
        let zeros = |len| vec![0.0; len].into_boxed_slice();
        let packed = |layer: Layer| {
            let channels = layer.input.channels;
            if let (Simd::Int8, Some(conv)) = (simd, ByteConv::of(&layer)) {
                return Packed::Bytes(conv);
            }
            Conv::of(&layer).map_or_else(
                || Packed::Affine { factor: zeros(channels), offset: zeros(channels) },
                Packed::Conv,
            )
        };
        shard.layers().into_iter().map(packed).collect()
    }

    /// With 47 MB of weights this leaves room for the rest of the Worker in 64 MB.
    const MEMORY_BYTES_MAX: usize = 12 << 20;

    #[test]
    fn both_shards_compute_in_12_mb() {
        for simd in Simd::ALL {
            let network = |shard| Network::new(shard, zeros(shard, simd)).unwrap();
            let networks = Shard::ALL.map(network);
            let bytes = networks.each_ref().map(Network::memory_bytes);
            println!("{simd:?}: {bytes:?} bytes of feature maps and scratch");
            assert!(bytes.iter().sum::<usize>() <= MEMORY_BYTES_MAX, "{simd:?}: {bytes:?}");
            // It is enough, and zero weights and zero factors give zero.
            for (shard, network) in Shard::ALL.into_iter().zip(networks) {
                let output = network.run(&vec![1.0; shard.input_len()], &mut network.memory());
                assert_eq!(output, vec![0.0; shard.output_len()]);
            }
        }
    }

    #[test]
    fn other_layers_are_refused() {
        let shard = Shard::Shard2;
        assert!(Network::new(shard, Vec::new()).is_none());
        for simd in Simd::ALL {
            assert!(Network::new(shard, zeros(Shard::Shard1, simd)).is_none());
            let mut more = zeros(shard, simd);
            more.extend(zeros(shard, simd).pop());
            assert!(Network::new(shard, more).is_none());
        }
    }
}
