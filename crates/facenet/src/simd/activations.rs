//! The memory in which a shard computes, all of it allocated when the shard is made. Its size is
//! known when this is compiled.

use super::map::{Map, Shape};
use super::scratch::Scratch;

/// The input and output of a row of residual blocks, and the concatenated branches. A block reads
/// `x`, writes `y` and swaps them.
#[derive(Debug)]
pub(super) struct Tower {
    pub(super) x: Map,
    pub(super) y: Map,
    pub(super) cat: Map,
}

impl Tower {
    const fn bytes(x: Shape, cat: Shape) -> usize {
        2 * x.bytes() + cat.bytes()
    }

    fn new(x: Shape, cat: Shape) -> Self {
        Self { x: Map::new(x), y: Map::new(x), cat: Map::new(cat) }
    }
}

/// A struct of maps with their shapes.
macro_rules! activations {
    (
        $(#[$doc:meta])* $name:ident
        towers { $($tower:ident: $x:expr, $cat:expr;)* }
        maps { $($map:ident: $shape:expr;)* }
    ) => {
        $(#[$doc])*
        #[derive(Debug)]
        pub(super) struct $name {
            $(pub(super) $tower: Tower,)*
            $(pub(super) $map: Map,)*
        }

        impl $name {
            /// Its size.
            pub(super) const BYTES: usize =
                0 $(+ Tower::bytes($x, $cat))* $(+ $shape.bytes())*;

            pub(super) fn new() -> Self {
                Self { $($tower: Tower::new($x, $cat),)* $($map: Map::new($shape),)* }
            }
        }
    };
}

activations! {
    /// What shard 1 computes.
    Activations1
    towers {
        tower_35: Shape::new(17, 17, 256), Shape::new(17, 17, 96);
        tower_17: Shape::new(8, 8, 896), Shape::new(8, 8, 256);
    }
    maps {
        image: Shape::new(160, 160, 4);
        conv2d_1a: Shape::new(79, 79, 32);
        conv2d_2a: Shape::new(77, 77, 32).within([1, 1]);
        conv2d_2b: Shape::new(77, 77, 64);
        maxpool_3a: Shape::new(38, 38, 64);
        conv2d_3b: Shape::new(38, 38, 80);
        conv2d_4a: Shape::new(36, 36, 192);
        block35_0: Shape::new(17, 17, 32).within([1, 1]);
        block35_1: Shape::new(17, 17, 32).within([1, 1]);
        mixed_6a_0: Shape::new(17, 17, 192).within([1, 1]);
        mixed_6a_1: Shape::new(17, 17, 192);
        block17_0: Shape::new(8, 8, 128).within([0, 3]);
        block17_1: Shape::new(8, 8, 128).within([3, 0]);
    }
}

activations! {
    /// What shard 2 computes.
    Activations2
    towers {
        tower_8: Shape::new(3, 3, 1792), Shape::new(3, 3, 384);
    }
    maps {
        input: Shape::new(8, 8, 896);
        mixed_7a: Shape::new(8, 8, 256);
        mixed_7a_0: Shape::new(8, 8, 256).within([1, 1]);
        mixed_7a_1: Shape::new(8, 8, 256);
        block8_0: Shape::new(3, 3, 192).within([0, 1]);
        block8_1: Shape::new(3, 3, 192).within([1, 0]);
        pooled: Shape::new(1, 1, 1792);
        zero: Shape::new(1, 1, 512);
        embedding: Shape::new(1, 1, 512);
    }
}

/// 47 MB of weights and this leave room for the rest of the Worker in 64 MB.
const BYTES_MAX: usize = 12 << 20;
const _: () = assert!(Activations1::BYTES + Activations2::BYTES + 2 * Scratch::BYTES <= BYTES_MAX);
