//! Sums over pairs on the line for r ≠ 1, by sums of exponentials.
//!
//! With Δ = |z−z'|/L ∈ (0, 1] and L the length of the projection,
//!
//! ```math
//! rΔ^{r-1} = \frac{r}{Γ(1-r)} \int_0^∞ e^{-tΔ}\, t^{-r} \,dt \quad (r < 1), \qquad
//! rΔ^{r-1} = \frac{r}{|Γ(1-r)|} \int_0^∞ (1-e^{-tΔ})\, t^{-r} \,dt \quad (r > 1).
//! ```
//!
//! The trapezoidal rule in ln t with step h = π²/ln(1/ε) has an error of at most 50 ε, relative to the larger of
//! 1 and the power. Below a small t
//! the exponential is a polynomial, above a large one it has died out, and both tails are geometric
//! series. A sum of e^{−t|z−z'|} over pairs is a recursion over the sorted particles, in both
//! directions: A ← e^{−t(z⁺−z)}(A + w). So is a sum of powers of their distances.
//!
//! ε is 10⁻¹² in double and 10⁻⁷ in single precision. The exponentials die out at the least gap δ between
//! two particles, or at the rounding error of positions if it is larger: for two particles that close the
//! derivative rΔʳ⁻¹ is taken to be that at δ about.

#![expect(
    clippy::inline_always,
    reason = "what is not inlined into a function compiled for an instruction set is compiled for none"
)]

use fearless_simd::{Level, Simd, dispatch};
use rieszflow_numerics::Real;
use statrs::function::gamma::gamma;

use super::distances::{Coefficients, LineEnergies, Slopes, Weights};
use super::order::Sorted;

/// Powers of the distance up to this one are kept.
const DEGREE: usize = 4;
/// Nodes are taken together in vectors of this many.
const LANES: usize = 8;

/// The nodes of the quadrature, for lengths divided by L.
#[derive(Debug, Default)]
pub(super) struct Quadrature {
    /// −t log₂ e of each node, in vectors.
    rates: Vec<[f64; LANES]>,
    /// The factors of e^{−tΔ} in the derivative and in Δʳ.
    factors: [Vec<[f64; LANES]>; 2],
    /// The factors of the powers of Δ in the derivative and in Δʳ.
    powers: [[f64; DEGREE + 1]; 2],
    /// Of each node, the sums over the particles of μ and of ν passed so far.
    sums: [Vec<[f64; LANES]>; 2],
}

impl Quadrature {
    /// Sets the nodes for distances from `least` to 1, up to an error of about ε.
    fn set(&mut self, r: f64, epsilon: f64, least: f64) {
        let h = std::f64::consts::PI.powi(2) / (1.0 / epsilon).ln();
        let scale = r * h / gamma(1.0 - r).abs();
        // The first power that is left out below the first node is t⁴/24 < ε.
        let first = (24.0 * epsilon).powf(0.25).ln() / h;
        let first = first.floor() as i32;
        let last = (((1.0 / epsilon).ln() / least).ln() / h).ceil() as i32;
        let node = |k: i32| (f64::from(k) * h).exp();
        // Of the sum of t^power over all nodes below `k`, and from it on.
        let below = |k: i32, power: f64| node(k - 1).powf(power) / (1.0 - (-h * power).exp());
        let from = |k: i32, power: f64| node(k).powf(power) / (1.0 - (h * power).exp());
        let vectors = ((last - first + 1) as usize).div_ceil(LANES);
        self.rates.clear();
        self.factors.iter_mut().for_each(Vec::clear);
        let is_concave = r < 1.0;
        let mut powers = [[0.0; DEGREE + 1]; 2];
        for v in 0..vectors {
            let mut rates = [0.0; LANES];
            let mut factors = [[0.0; LANES]; 2];
            for (lane, rate) in rates.iter_mut().enumerate() {
                let k = first + i32::try_from(v * LANES + lane).expect("a few hundred nodes");
                let t = node(k);
                *rate = -t * std::f64::consts::LOG2_E;
                if k > last {
                    continue;
                }
                let weight = scale * t.powf(1.0 - r);
                if is_concave {
                    // e^{−tΔ}, whose integral is (1 − e^{−tΔ})/t.
                    factors[0][lane] = weight;
                    factors[1][lane] = -weight / t;
                    powers[1][0] += weight / t;
                } else {
                    // 1 − e^{−tΔ}, whose integral is Δ − (1 − e^{−tΔ})/t.
                    factors[0][lane] = -weight;
                    factors[1][lane] = weight / t;
                    powers[0][0] += weight;
                    powers[1][0] -= weight / t;
                    powers[1][1] += weight;
                }
            }
            self.rates.push(rates);
            for (all, factors) in self.factors.iter_mut().zip(factors) {
                all.push(factors);
            }
        }
        // Nodes below the first: the powers of −tΔ over factorials.
        let mut factorial = 1.0;
        for m in 0..DEGREE {
            factorial *= (m.max(1)) as f64;
            if !is_concave && m == 0 {
                continue;
            }
            let sign = if is_concave == (m % 2 == 0) {
                1.0
            } else {
                -1.0
            };
            let sum = sign * scale * below(first, 1.0 - r + m as f64);
            powers[0][m] += sum / factorial;
            powers[1][m + 1] += sum / (factorial * (m + 1) as f64);
        }
        // Nodes above the last, where e^{−tΔ} = 0.
        if is_concave {
            powers[1][0] += scale * from(last + 1, -r);
        } else {
            let sum = scale * from(last + 1, 1.0 - r);
            powers[0][0] += sum;
            powers[1][1] += sum;
            powers[1][0] -= scale * from(last + 1, -r);
        }
        self.powers = powers;
    }
}

/// The memory of the sums.
#[derive(Debug, Default)]
pub(super) struct PowerMemory {
    quadrature: Quadrature,
    /// The derivatives at the particles, in their order, of the sums over μ and over ν below.
    below: Vec<[f64; 2]>,
}

/// The sums for r ≠ 1, and the gradient in the positions divided by the particles' weights.
pub(super) fn sum<T: Real>(
    r: f64,
    sorted: Sorted<'_, T>,
    weights: &Weights<'_, T>,
    coefficients: Coefficients,
    slopes: Slopes<'_, T>,
    memory: &mut PowerMemory,
) -> LineEnergies {
    let length = sorted.length();
    if length == 0.0 {
        if let Slopes::InX(slopes) | Slopes::InBoth(slopes) = slopes {
            slopes.fill(T::zero());
        }
        return LineEnergies::default();
    }
    let epsilon = if size_of::<T>() == size_of::<f32>() {
        1e-7
    } else {
        1e-12
    };
    let rounding = 0.1 * T::epsilon().into_f64();
    let gaps = (1..sorted.len()).map(|place| sorted.gap(place - 1) / length);
    let least = gaps.filter(|&gap| gap > 0.0).fold(1.0, f64::min);
    memory.quadrature.set(r, epsilon, least.max(rounding));
    let level = Level::new();
    let sweep = &mut Sweep {
        sorted,
        weights,
        length,
    };
    let mut sums = LineEnergies::default();
    let PowerMemory { quadrature, below } = memory;
    below.clear();
    let mut between = 0.0;
    let gradient = !matches!(slopes, Slopes::Neither);
    dispatch!(level, simd => sweep.run(simd, quadrature, false, gradient, &mut |place: usize, found: Found| {
        for particle in place..place + found.count {
            let [u, w] = weights.weight(sorted.particle(particle));
            sums.x += 2.0 * u * found.energies[0];
            sums.y += 2.0 * w * found.energies[1];
            between += u * found.energies[1] + w * found.energies[0];
            if gradient {
                below.push(found.derivatives);
            }
        }
    }));
    let scale = length.powf(r);
    sums.discrepancy = scale * (between - 0.5 * (sums.x + sums.y));
    sums.x *= scale;
    sums.y *= scale;
    let (slopes, both) = match slopes {
        Slopes::Neither => return sums,
        Slopes::InX(slopes) => (slopes, false),
        Slopes::InBoth(slopes) => (slopes, true),
    };
    let count = weights.counts[0];
    let scale = length.powf(r - 1.0);
    dispatch!(level, simd => sweep.run(simd, quadrature, true, true, &mut |place: usize, found: Found| {
        for (place, below) in (place..).zip(&below[place..place + found.count]) {
            let particle = sorted.particle(place);
            let [x, y] = [0, 1].map(|side| scale * (below[side] - found.derivatives[side]));
            let slope = if particle < count {
                coefficients.between * y + 2.0 * coefficients.own * x
            } else if both {
                coefficients.between * x
            } else {
                continue;
            };
            slopes[particle] = T::from_f64(slope);
        }
    }));
    sums
}

/// The sums over μ and over ν on one side of some particles at one position.
struct Found {
    count: usize,
    derivatives: [f64; 2],
    energies: [f64; 2],
}

struct Sweep<'a, T> {
    sorted: Sorted<'a, T>,
    weights: &'a Weights<'a, T>,
    length: f64,
}

impl<T: Real> Sweep<'_, T> {
    /// Visits the positions in their order, or backwards, with the sums over the particles passed before.
    #[inline(always)]
    fn run<S: Simd>(
        &self,
        _: S,
        quadrature: &mut Quadrature,
        backwards: bool,
        gradient: bool,
        visit: &mut impl FnMut(usize, Found),
    ) {
        let Quadrature {
            rates,
            factors,
            powers,
            sums,
        } = quadrature;
        for sums in &mut *sums {
            sums.clear();
            sums.resize(rates.len(), [0.0; LANES]);
        }
        let mut moments = [[0.0; DEGREE + 1]; 2];
        let all = self.sorted.len();
        let mut done = 0;
        while done < all {
            let (start, end) = if backwards {
                let end = all - done;
                let mut start = end - 1;
                while start > 0 && self.sorted.is_tied(start) {
                    start -= 1;
                }
                (start, end)
            } else {
                (done, self.sorted.tied(done))
            };
            let mut found = Found {
                count: end - start,
                derivatives: [0.0; 2],
                energies: [0.0; 2],
            };
            for side in 0..2 {
                if gradient {
                    found.derivatives[side] =
                        inner(&factors[0], &sums[side]) + inner_powers(&powers[0], &moments[side]);
                }
                if !backwards {
                    found.energies[side] =
                        inner(&factors[1], &sums[side]) + inner_powers(&powers[1], &moments[side]);
                }
            }
            visit(start, found);
            let mut mass = [0.0; 2];
            for place in start..end {
                let [u, w] = self.weights.weight(self.sorted.particle(place));
                mass = [mass[0] + u, mass[1] + w];
            }
            done += end - start;
            if done == all {
                break;
            }
            let gap = self.sorted.gap(if backwards { start - 1 } else { end - 1 });
            let gap = gap / self.length;
            for (moments, mass) in moments.iter_mut().zip(mass) {
                moments[0] += mass;
                shift(moments, gap);
            }
            let [x, y] = sums;
            for ((rates, x), y) in rates.iter().zip(x).zip(y) {
                let mut decays = [0.0; LANES];
                for (decay, rate) in decays.iter_mut().zip(rates) {
                    *decay = exp2_of_negative(rate * gap);
                }
                for (x, decay) in x.iter_mut().zip(&decays) {
                    *x = decay * (*x + mass[0]);
                }
                for (y, decay) in y.iter_mut().zip(&decays) {
                    *y = decay * (*y + mass[1]);
                }
            }
        }
    }
}

#[inline(always)]
fn inner(factors: &[[f64; LANES]], sums: &[[f64; LANES]]) -> f64 {
    let mut total = [0.0; LANES];
    for (factors, sums) in factors.iter().zip(sums) {
        for lane in 0..LANES {
            total[lane] += factors[lane] * sums[lane];
        }
    }
    total.iter().sum()
}

#[inline(always)]
fn inner_powers(factors: &[f64; DEGREE + 1], moments: &[f64; DEGREE + 1]) -> f64 {
    factors.iter().zip(moments).map(|(f, m)| f * m).sum()
}

/// Moments Σ w Δᵐ of distances that all grow by `gap`.
#[inline(always)]
fn shift(moments: &mut [f64; DEGREE + 1], gap: f64) {
    let [m0, m1, m2, m3, m4] = *moments;
    let g = gap;
    moments[1] = m1 + g * m0;
    moments[2] = m2 + g * (2.0 * m1 + g * m0);
    moments[3] = m3 + g * (3.0 * m2 + g * (3.0 * m1 + g * m0));
    moments[4] = m4 + g * (4.0 * m3 + g * (6.0 * m2 + g * (4.0 * m1 + g * m0)));
}

/// 2ˣ for x ≤ 0, to rounding, but not below the least normal number.
#[inline(always)]
fn exp2_of_negative(x: f64) -> f64 {
    /// ln(2)ᵏ/k!.
    const TERMS: [f64; 13] = [
        1.0,
        std::f64::consts::LN_2,
        0.240_226_506_959_100_7,
        0.055_504_108_664_821_58,
        0.009_618_129_107_628_477,
        0.001_333_355_814_642_844_3,
        1.540_353_039_338_161e-4,
        1.525_273_380_405_984e-5,
        1.321_548_679_014_431e-6,
        1.017_808_600_923_97e-7,
        7.054_911_620_801_123e-9,
        4.445_538_271_870_812e-10,
        2.567_843_599_348_82e-11,
    ];
    /// Added to a number, it leaves the nearest integer, plus 1023, in the lowest bits.
    const ROUND: f64 = 6_755_399_441_055_744.0 + 1023.0;
    let x = if x > -1022.0 { x } else { -1022.0 };
    let shifted = x + ROUND;
    let fraction = x - (shifted - ROUND);
    let scale = f64::from_bits(shifted.to_bits() << 52);
    let mut sum = TERMS[12];
    for term in TERMS[..12].iter().rev() {
        sum = sum * fraction + term;
    }
    sum * scale
}
