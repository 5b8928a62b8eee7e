//! Winograd's transforms along one axis, over vectors of four channels.
//!
//! ```text
//! outputs = A^T ((G taps) * (B^T samples))        * product by product
//! ```
//!
//! The matrices are those of Toom and Cook. The taps are the coefficients of a polynomial, which
//! `G` evaluates at some points, one of them infinity. The two other matrices follow from the same
//! points. Points come in pairs, p and -p: the polynomial's values there are the sum and the
//! difference of its even and its odd half at p.

use crate::simd::kernels::{Vector, WIDTH, madd};

/// A fixed number of vectors.
pub(super) trait Line: Copy {
    const LEN: usize;

    fn from_fn(vector: impl FnMut(usize) -> Vector) -> Self;

    fn as_slice(&self) -> &[Vector];
}

impl<const N: usize> Line for [Vector; N] {
    const LEN: usize = N;

    #[inline(always)]
    fn from_fn(vector: impl FnMut(usize) -> Vector) -> Self {
        std::array::from_fn(vector)
    }

    #[inline(always)]
    fn as_slice(&self) -> &[Vector] {
        self
    }
}

/// A convolution along one axis.
pub(super) trait Axis {
    /// Samples between the first samples of two outputs.
    const STRIDE: usize;

    type Taps: Line;
    type Samples: Line;
    type Outputs: Line;
    type Products: Line;
    /// Factors of the products. Where there are fewer factors, the last one is used for the rest.
    type Weights: Line;

    /// `B^T`
    fn samples(samples: Self::Samples) -> Self::Products;

    /// `G`
    fn weights(taps: Self::Taps) -> Self::Weights;

    /// `A^T`
    fn outputs(products: Self::Products) -> Self::Outputs;
}

/// An axis along which the kernel has one tap, so that there is nothing to transform.
pub(super) struct One;

impl Axis for One {
    const STRIDE: usize = 1;

    type Taps = [Vector; 1];
    type Samples = [Vector; 1];
    type Outputs = [Vector; 1];
    type Products = [Vector; 1];
    type Weights = [Vector; 1];

    #[inline(always)]
    fn samples(samples: Self::Samples) -> Self::Products {
        samples
    }

    #[inline(always)]
    fn weights(taps: Self::Taps) -> Self::Weights {
        taps
    }

    #[inline(always)]
    fn outputs(products: Self::Products) -> Self::Outputs {
        products
    }
}

/// Declares an axis without a stride, by its points other than zero and infinity.
macro_rules! toom_cook {
    ($(#[$doc:meta])* $axis:ident: $outputs:literal outputs, $taps:literal taps,
     $products:literal products, $points:ident: Points<$pairs:literal> = $values:expr) => {
        $(#[$doc])*
        pub(super) struct $axis;

        const $points: Points<$pairs> = Points::new($values);

        impl Axis for $axis {
            const STRIDE: usize = 1;

            type Taps = [Vector; $taps];
            type Samples = [Vector; $products];
            type Outputs = [Vector; $outputs];
            type Products = [Vector; $products];
            type Weights = [Vector; $products];

            #[inline(always)]
            fn samples(samples: Self::Samples) -> Self::Products {
                $points.samples(samples)
            }

            #[inline(always)]
            fn weights(taps: Self::Taps) -> Self::Weights {
                $points.weights(taps)
            }

            #[inline(always)]
            fn outputs(products: Self::Products) -> Self::Outputs {
                $points.outputs(products)
            }
        }
    };
}

toom_cook! {
    /// F(4, 3): 6 products for 4 outputs instead of 12.
    F4x3: 4 outputs, 3 taps, 6 products, F4X3: Points<2> = [1.0, 2.0]
}

toom_cook! {
    /// F(4, 7): 10 products for 4 outputs instead of 28. Of 715 sets of four points that float32
    /// has exactly, up to 4, this one has the smallest error: with 128 channels up to 6e-6 of the
    /// largest output, where F(4, 3) has 4e-6.
    F4x7: 4 outputs, 7 taps, 10 products, F4X7: Points<4> = [0.5, 0.75, 1.5, 2.5]
}

/// Three taps with a stride of two: 7 products for 3 outputs instead of 9. The first and the last
/// tap read only even samples, which is F(3, 2). The middle one reads the odd ones and is
/// multiplied directly.
pub(super) struct F3x3Stride2;

const F3X2: Points<1> = Points::new([1.0]);

impl Axis for F3x3Stride2 {
    const STRIDE: usize = 2;

    type Taps = [Vector; 3];
    type Samples = [Vector; 7];
    type Outputs = [Vector; 3];
    type Products = [Vector; 7];
    type Weights = [Vector; 5];

    #[inline(always)]
    fn samples(samples: Self::Samples) -> Self::Products {
        let even: [Vector; 4] = F3X2.samples([samples[0], samples[2], samples[4], samples[6]]);
        [even[0], even[1], even[2], even[3], samples[1], samples[3], samples[5]]
    }

    #[inline(always)]
    fn weights(taps: Self::Taps) -> Self::Weights {
        let even: [Vector; 4] = F3X2.weights([taps[0], taps[2]]);
        [even[0], even[1], even[2], even[3], taps[1]]
    }

    #[inline(always)]
    fn outputs(products: Self::Products) -> Self::Outputs {
        let even: [Vector; 3] = F3X2.outputs([products[0], products[1], products[2], products[3]]);
        [add(even[0], products[4]), add(even[1], products[5]), add(even[2], products[6])]
    }
}

/// The points 0, p and -p for each pair, and infinity.
struct Points<const P: usize> {
    pairs: [Pair<P>; P],
    /// Coefficients of the product of `y - p * p` over all pairs, below the leading 1.
    all: [f32; P],
}

#[derive(Clone, Copy)]
struct Pair<const P: usize> {
    point: f32,
    /// Coefficients of the product of `y - q * q` over all other pairs; the last is 1.
    others: [f32; P],
    /// The inverse of the value here of the polynomial that is 0 at all other points.
    scale: f32,
}

impl<const P: usize> Points<P> {
    const fn new(points: [f64; P]) -> Self {
        let nothing = Pair { point: 0.0, others: [0.0; P], scale: 0.0 };
        let mut pairs = [nothing; P];
        let mut i = 0;
        while i < P {
            let others = product(&points, i);
            let square = points[i] * points[i];
            let (mut value, mut k) = (0.0, P);
            while k > 0 {
                k -= 1;
                value = value * square + others[k];
            }
            let scale = (1.0 / (2.0 * square * value)) as f32;
            pairs[i] = Pair { point: points[i] as f32, others: rounded(others), scale };
            i += 1;
        }
        Self { pairs, all: rounded(product(&points, P)) }
    }

    #[inline(always)]
    fn samples<const N: usize>(&self, d: [Vector; N]) -> [Vector; N] {
        const { assert!(N == 2 * P + 2) };
        let mut products = [[0.0; WIDTH]; N];
        (products[0], products[N - 1]) = (d[2 * P], d[2 * P + 1]);
        for (k, &factor) in self.all.iter().enumerate() {
            products[0] = madd(factor, d[2 * k], products[0]);
            products[N - 1] = madd(factor, d[2 * k + 1], products[N - 1]);
        }
        for (i, pair) in self.pairs.iter().enumerate() {
            let (mut even, mut odd) = (d[2 * P], d[2 * P - 1]);
            for (k, &factor) in pair.others[..P - 1].iter().enumerate() {
                even = madd(factor, d[2 * k + 2], even);
                odd = madd(factor, d[2 * k + 1], odd);
            }
            products[2 * i + 1] = madd(pair.point, odd, even);
            products[2 * i + 2] = madd(-pair.point, odd, even);
        }
        products
    }

    #[inline(always)]
    fn weights<const R: usize, const N: usize>(&self, g: [Vector; R]) -> [Vector; N] {
        let mut weights = [[0.0; WIDTH]; N];
        (weights[0], weights[N - 1]) = (scale(1.0 / self.all[0], g[0]), g[R - 1]);
        for (i, pair) in self.pairs.iter().enumerate() {
            let mut power = pair.scale * pair.point;
            let mut halves = [scale(pair.scale, g[0]), scale(power, g[1])];
            for (t, &tap) in g.iter().enumerate().skip(2) {
                power *= pair.point;
                halves[t % 2] = madd(power, tap, halves[t % 2]);
            }
            let [even, odd] = halves;
            (weights[2 * i + 1], weights[2 * i + 2]) = (add(even, odd), sub(even, odd));
        }
        weights
    }

    #[inline(always)]
    fn outputs<const M: usize, const N: usize>(&self, m: [Vector; N]) -> [Vector; M] {
        let mut outputs = [[0.0; WIDTH]; M];
        (outputs[0], outputs[M - 1]) = (m[0], m[N - 1]);
        for (i, pair) in self.pairs.iter().enumerate() {
            let (one, other) = (m[2 * i + 1], m[2 * i + 2]);
            let halves = [add(one, other), sub(one, other)];
            let mut power = 1.0;
            for (k, output) in outputs.iter_mut().enumerate() {
                *output = madd(power, halves[k % 2], *output);
                power *= pair.point;
            }
        }
        outputs
    }
}

/// The product of `y - p * p` over all points without the one with the index `without`: its
/// coefficients from `y^0` to `y^(P - 1)`. If `without` is `P`, no point is left out, and the
/// coefficient of `y^P` is 1.
const fn product<const P: usize>(points: &[f64; P], without: usize) -> [f64; P] {
    let mut low = [0.0; P];
    low[0] = 1.0;
    let mut i = 0;
    while i < P {
        if i != without {
            let square = points[i] * points[i];
            let mut k = P - 1;
            while k > 0 {
                low[k] = low[k - 1] - low[k] * square;
                k -= 1;
            }
            low[0] *= -square;
        }
        i += 1;
    }
    low
}

const fn rounded<const P: usize>(numbers: [f64; P]) -> [f32; P] {
    let mut floats = [0.0; P];
    let mut i = 0;
    while i < P {
        floats[i] = numbers[i] as f32;
        i += 1;
    }
    floats
}

#[inline(always)]
pub(super) fn add(a: Vector, b: Vector) -> Vector {
    std::array::from_fn(|i| a[i] + b[i])
}

#[inline(always)]
fn sub(a: Vector, b: Vector) -> Vector {
    std::array::from_fn(|i| a[i] - b[i])
}

#[inline(always)]
fn scale(factor: f32, a: Vector) -> Vector {
    a.map(|value| factor * value)
}
