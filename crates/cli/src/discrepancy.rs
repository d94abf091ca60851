//! The squared discrepancy of two sets of particles, or of particles and an exact law.

use std::path::Path;
use std::time::Instant;

use rieszflow_analytic::Discrepancy;
use rieszflow_flows::{Measure, PairSums, Points, RieszKernel, SlicedSums, Sums};
use serde::Serialize;

use crate::config::Precision;
use crate::experiments::{interaction_energy, mean_potential};
use crate::files::idx::image_count;
use crate::files::input::Input;
use crate::files::npy::read_npy;
use crate::files::particles::{Columns, Particles};
use crate::numbers::plain;
use crate::ranks::discrepancy_to_law;
use crate::setting::{SettingError, check};
use crate::targets::{
    ExactLaw, GivenMeasure, Sampling, Target, TargetError, description_of_matrix,
};

/// D² of two measures, and what is known beside it.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Comparison {
    /// D², V-statistic: that of the measures as they are, ≥ 0 but for rounding.
    pub discrepancy: f64,
    /// The same without the pairs of a particle with itself: unbiased for independent particles, may be
    /// negative. NaN if a side has a single particle.
    pub discrepancy_u: f64,
    /// √(2D²), the energy distance of statistics; for r = 1 alone.
    pub energy_distance: Option<f64>,
    /// The number of particles of the first measure; `None` for an exact law.
    pub n: Option<usize>,
    /// The number of particles of the second.
    pub m: Option<usize>,
    /// The dimension of the space.
    pub dim: usize,
    /// The standard error of D², if its sums are estimated by slicing.
    pub standard_error: Option<f64>,
    /// Wall time, reading included.
    pub seconds: f64,
    /// What was read from files, in a line for each.
    #[serde(skip)]
    pub descriptions: Vec<String>,
}

/// Two measures that cannot be compared.
#[derive(Debug, thiserror::Error)]
pub enum ComparisonError {
    /// A setting is unusable.
    #[error(transparent)]
    Setting(#[from] SettingError),
    /// A file cannot be read or is not what it should be.
    #[error(transparent)]
    Target(#[from] TargetError),
    /// The measures live in different spaces.
    #[error("{first} has dimension {} and {second} has dimension {}, expected one dimension", dims[0], dims[1])]
    Dimension {
        /// One measure.
        first: String,
        /// The other.
        second: String,
        /// Their dimensions.
        dims: [usize; 2],
    },
    /// Neither measure has particles.
    #[error(
        "{0} and {1} are both exact laws, expected particles on at least one side (csv:PATH, npy:PATH \
         or idx:PATH)"
    )]
    Laws(ExactLaw, ExactLaw),
    /// A coordinate is so large that distances overflow.
    #[error("{measure}: expected coordinates up to {:e}, not {}", Precision::F64.largest_coordinate(), plain(*found))]
    TooLarge {
        /// The measure.
        measure: String,
        /// Its largest coordinate.
        found: f64,
    },
    /// Sums over pairs are not defined for the exponent.
    #[error(transparent)]
    Flow(#[from] rieszflow_flows::Error),
    /// The law has no potential for the exponent.
    #[error("{law}: {reason}")]
    Law {
        /// The law.
        law: ExactLaw,
        /// What is wrong.
        reason: rieszflow_analytic::Error,
    },
}

/// Computes D²(X, Y) = ∬|x−y|ʳ − ½∬|x−x'|ʳ − ½∬|y−y'|ʳ of two measures with weights that sum to 1.
///
/// Sums over the potential of a law are exact, in double precision, and so are those over all pairs of
/// particles; with [`Sums::Sliced`] these are estimated, with a standard error. The U-statistic divides the sum over distinct pairs of a side by 1 − Σwᵢ², which is (N−1)/N for
/// equal weights. `columns` chooses the coordinates of CSV files, `count` the number of images of IDX
/// files, all of them without it. Costs O((N+M)²d) time on all cores, or O(P(N+M)(d + log(N+M))) with P
/// directions, and O((N+M)d) memory.
///
/// ```
/// use rieszflow_cli::compare;
/// use rieszflow_cli::targets::Columns;
/// use rieszflow_flows::Sums;
///
/// let folder = tempfile::tempdir()?;
/// let path = folder.path().join("points.csv");
/// std::fs::write(&path, "x0,x1\n3,4\n")?;
/// let points = format!("csv:{}", path.display()).parse()?;
/// // ∫|y| − ½∬|y−y'| for the uniform law on the unit sphere around a point at distance 5 of it.
/// let found = compare(&points, &"sphere:1".parse()?, 1.0, &Columns::default(), None, Sums::Exact)?;
/// assert_eq!((found.n, found.m, found.dim), (Some(1), None, 2));
/// assert!((found.discrepancy - 4.4136).abs() < 1e-4);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
/// If a file cannot be read, the dimensions differ, neither side has particles, or the exponent is
/// unusable.
pub fn compare(
    first: &GivenMeasure,
    second: &GivenMeasure,
    exponent: f64,
    columns: &Columns,
    count: Option<usize>,
    sums: Sums,
) -> Result<Comparison, ComparisonError> {
    let started = Instant::now();
    let kernel = RieszKernel::new(exponent);
    let expected = "strictly between 0 and 2 (the exponent r of the kernel −|x−y|ʳ)";
    check("exponent", kernel.is_ok(), expected, &plain(exponent))?;
    let kernel = kernel?;
    if let Sums::Sliced(slicing) = sums {
        let given = slicing.directions;
        check("directions", given > 0, "at least 1", &given)?;
    }
    let mut descriptions = Vec::new();
    let mut read = |measure| read(measure, columns, count, &mut descriptions);
    let (one, other) = (read(first)?, read(second)?);
    let found = match (&one, &other) {
        (Given::Particles(x), Given::Particles(y)) => {
            check_dimensions([first, second], [x.points.ncols(), y.points.ncols()])?;
            between_particles(kernel, x, y, sums)?
        }
        (Given::Particles(x), Given::Law(law)) => to_law(exponent, (first, x), *law, sums)?,
        (Given::Law(law), Given::Particles(x)) => to_law(exponent, (second, x), *law, sums)?,
        (Given::Law(one), Given::Law(other)) => return Err(ComparisonError::Laws(*one, *other)),
    };
    let Found {
        discrepancy: found,
        standard_error,
    } = found;
    let distance = || (2.0 * found.v_statistic.max(0.0)).sqrt();
    let particles = [&one, &other].map(Given::particles);
    let [n, m] = particles.map(|particles| particles.map(|particles| particles.points.nrows()));
    Ok(Comparison {
        discrepancy: found.v_statistic,
        discrepancy_u: found.u_statistic,
        energy_distance: (exponent == 1.0).then(distance),
        n,
        m,
        dim: particles
            .into_iter()
            .flatten()
            .map(|x| x.points.ncols())
            .next()
            .unwrap_or(0),
        standard_error,
        seconds: started.elapsed().as_secs_f64(),
        descriptions,
    })
}

/// A measure with its file read.
enum Given {
    Particles(Particles),
    Law(ExactLaw),
}

impl Given {
    fn particles(&self) -> Option<&Particles> {
        match self {
            Self::Particles(particles) => Some(particles),
            Self::Law(_) => None,
        }
    }
}

/// The measure; what was read is added to `descriptions`.
fn read(
    measure: &GivenMeasure,
    columns: &Columns,
    count: Option<usize>,
    descriptions: &mut Vec<String>,
) -> Result<Given, ComparisonError> {
    let target = measure.target();
    let path = match target {
        Target::Law(law) => return Ok(Given::Law(*law)),
        target => target.path().expect("a measure that is no law is a file"),
    };
    let particles = if matches!(target, Target::Npy(_)) {
        // Nothing but the matrix is kept in memory.
        let points = read_npy(path).map_err(TargetError::from)?;
        descriptions.push(description_of_matrix(&points, path));
        Particles::equal(points)
    } else {
        interpret(target, path, columns, count, descriptions)?
    };
    let found = particles.points.amax();
    if found > Precision::F64.largest_coordinate() {
        return Err(ComparisonError::TooLarge {
            measure: measure.to_string(),
            found,
        });
    }
    Ok(Given::Particles(particles))
}

/// The particles in a file.
fn interpret(
    target: &Target,
    path: &Path,
    columns: &Columns,
    count: Option<usize>,
    descriptions: &mut Vec<String>,
) -> Result<Particles, ComparisonError> {
    let input = Input::read(path).map_err(TargetError::from)?;
    let count = match (target, count) {
        (Target::Idx(_), None) => image_count(input.bytes(), path).map_err(TargetError::from)?,
        (_, count) => count.unwrap_or(1),
    };
    let sampling = Sampling {
        count,
        columns: columns.clone(),
        ..Sampling::default()
    };
    let loaded = target.interpret(input, &sampling)?;
    descriptions.extend(loaded.description);
    Ok(loaded.particles)
}

fn check_dimensions(measures: [&dyn ToString; 2], dims: [usize; 2]) -> Result<(), ComparisonError> {
    if dims[0] == dims[1] {
        return Ok(());
    }
    let [first, second] = measures.map(ToString::to_string);
    Err(ComparisonError::Dimension {
        first,
        second,
        dims,
    })
}

/// D² with its standard error, if it is estimated.
struct Found {
    discrepancy: Discrepancy,
    standard_error: Option<f64>,
}

/// The sum of the squares of weights that sum to 1.
fn sum_of_squares(particles: &Particles) -> f64 {
    match &particles.weights {
        Some(weights) => weights.iter().map(|w| w * w).sum(),
        None => 1.0 / particles.points.nrows() as f64,
    }
}

fn as_measure(particles: &Particles) -> Measure<'_, f64> {
    let points = Points::from(&particles.points);
    match &particles.weights {
        Some(weights) => Measure::weighted(points, weights),
        None => Measure::uniform(points),
    }
}

fn between_particles(
    kernel: RieszKernel,
    x: &Particles,
    y: &Particles,
    sums: Sums,
) -> Result<Found, ComparisonError> {
    let Sums::Sliced(slicing) = sums else {
        return Ok(Found {
            discrepancy: over_all_pairs(&PairSums::new(kernel), x, y),
            standard_error: None,
        });
    };
    let sums = SlicedSums::new(kernel, slicing)?;
    let energies = sums.discrepancy(as_measure(x), Some(as_measure(y)));
    let [u, w] = [x, y].map(|particles| 1.0 - sum_of_squares(particles));
    Ok(Found {
        discrepancy: Discrepancy {
            v_statistic: energies.discrepancy,
            u_statistic: energies.between() - 0.5 * (energies.x / u + energies.y / w),
        },
        standard_error: Some(energies.standard_error),
    })
}

/// Sums over all pairs. They subtract coordinates, so that data far from 0 loses nothing.
fn over_all_pairs(sums: &PairSums<f64>, x: &Particles, y: &Particles) -> Discrepancy {
    let weights = [x, y].map(|particles| {
        let count = particles.points.nrows();
        let equal = || vec![1.0 / count as f64; count];
        particles.weights.clone().unwrap_or_else(equal)
    });
    let sides = [(&x.points, &weights[0]), (&y.points, &weights[1])];
    let [first, second] =
        sides.map(|(points, weights)| Measure::weighted(Points::from(points), weights));
    let between = sums.energy(first, second);
    let [one, other] = sides.map(|(points, weights)| interaction_energy(sums, points, weights));
    let [u, w] = weights.map(|w| 1.0 - w.iter().map(|w| w * w).sum::<f64>());
    Discrepancy {
        v_statistic: between + one + other,
        u_statistic: between + one / u + other / w,
    }
}

fn to_law(
    exponent: f64,
    (measure, particles): (&GivenMeasure, &Particles),
    law: ExactLaw,
    sums: Sums,
) -> Result<Found, ComparisonError> {
    let dim = particles.points.ncols();
    let least = law.least_dim();
    if dim < least {
        check_dimensions([measure, &law], [dim, least])?;
    }
    let weights = particles.weights.as_deref();
    let refused = |reason| ComparisonError::Law { law, reason };
    let exact = law.law(dim, exponent).map_err(refused)?;
    let Sums::Sliced(slicing) = sums else {
        let found = discrepancy_to_law(&particles.points, weights, &exact, exponent);
        return Ok(Found {
            discrepancy: found.map_err(refused)?,
            standard_error: None,
        });
    };
    let sums = SlicedSums::new(RieszKernel::new(exponent)?, slicing)?;
    let own = sums.discrepancy(as_measure(particles), None);
    let potential = mean_potential(&exact, exponent, &particles.points, weights);
    let fixed = potential.map_err(refused)? + exact.energy(exponent).map_err(refused)?;
    Ok(Found {
        discrepancy: Discrepancy {
            v_statistic: fixed + own.discrepancy,
            u_statistic: fixed + own.discrepancy / (1.0 - sum_of_squares(particles)),
        },
        standard_error: Some(own.standard_error),
    })
}
