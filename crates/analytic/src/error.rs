//! What can go wrong when a closed form is asked for: every message names the value given and the
//! values accepted.

use nalgebra::DMatrix;

/// The reason why a closed form cannot be evaluated.
///
/// ```
/// let error = rieszflow_analytic::flow_scale(2.5, 1.0).unwrap_err();
/// assert_eq!(error.to_string(), "exponent r = 2.5 given, but 0 < r < 2 is needed");
/// ```
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The Riesz exponent lies outside (0, 2) or is not a number.
    #[error("exponent r = {0} given, but 0 < r < 2 is needed")]
    Exponent(f64),
    /// The dimension is zero.
    #[error("dimension d = 0 given, but d ≥ 1 is needed")]
    Dimension,
    /// The equilibrium is so large (r close to 2) that its second moment exceeds the range of
    /// `f64`.
    #[error(
        "exponent r = {exponent} in dimension {dim} given, but the equilibrium's radius grows like \
         2^(1/(2−r)) and its square exceeds the largest f64; r ≤ 1.998 always works"
    )]
    EquilibriumOverflow {
        /// The exponent r.
        exponent: f64,
        /// The dimension d.
        dim: usize,
    },
    /// A flow time is negative, infinite or not a number.
    #[error("time t = {0} given, but a finite t ≥ 0 is needed")]
    Time(f64),
    /// A step size is not a positive finite number.
    #[error("step size τ = {0} given, but a finite τ > 0 is needed")]
    StepSize(f64),
    /// A scale is negative, infinite or not a number.
    #[error("scale c = {0} given, but a finite c ≥ 0 is needed")]
    Scale(f64),
    /// The next scale exceeds the range of `f64`.
    #[error(
        "with exponent r = {exponent} the scale after t or τ = {duration} exceeds the largest f64; a shorter time is needed"
    )]
    ScaleOverflow {
        /// The exponent r.
        exponent: f64,
        /// The flow time or step size asked for.
        duration: f64,
    },
    /// Steepest descent from a Dirac with r < 1, where the interaction energy falls infinitely
    /// fast.
    #[error(
        "forward step from scale c = 0 with r = {0} < 1 asked for, but at a Dirac the interaction energy has \
         slope −∞ and no steepest-descent direction; start from c > 0, take r ≥ 1, or use the backward scheme"
    )]
    ForwardFromDirac(f64),
    /// The strength of a field is not a positive finite number.
    #[error("strength λ = {0} given, but a finite λ > 0 is needed")]
    Strength(f64),
    /// A forward step leads through the origin.
    #[error(
        "forward step of length τ = {tau} from scale c = {scale} asked for, but it would lead to \
         {next} < 0; a shorter step is needed"
    )]
    Overstep {
        /// The scale c.
        scale: f64,
        /// The step size τ.
        tau: f64,
        /// The scale after the step.
        next: f64,
    },
    /// A scale is larger than that of the target, where the flow is not known.
    #[error(
        "scale c = {scale} given or reached, but the flow is known up to the target's a = {target}"
    )]
    BeyondTarget {
        /// The scale c.
        scale: f64,
        /// The scale a of the target.
        target: f64,
    },
    /// A sphere as a target where the equilibrium is a ball.
    #[error(
        "sphere as a target in dimension {dim} with exponent r = {exponent} given, but the flow towards \
         it is known for r + d ≥ 4 only"
    )]
    NoSphere {
        /// The dimension d.
        dim: usize,
        /// The exponent r.
        exponent: f64,
    },
    /// The minimiser in an external field is not known.
    #[error(
        "field |x|^{power} with exponent r = {exponent} in dimension {dim} given, but the minimiser is \
         known only for r = 1 with d = 1 and α > 1, d = 2 and 1 < α ≤ 2, d = 3 and α > 1, and for \
         d + r > 3 from the threshold of the sphere on"
    )]
    Field {
        /// The dimension d.
        dim: usize,
        /// The exponent r.
        exponent: f64,
        /// The power α.
        power: f64,
    },
    /// No power of the field makes the sphere a minimiser.
    #[error(
        "dimension {dim} with exponent r = {exponent} given, but the sphere minimises for d + r > 3 only"
    )]
    NoThreshold {
        /// The dimension d.
        dim: usize,
        /// The exponent r.
        exponent: f64,
    },
    /// Steepest descent from one Dirac to another stays a Dirac for 1 < r < 2 only.
    #[error(
        "exponent r = {0} given, but 1 < r < 2 is needed: a Dirac stays one under steepest descent only \
         then"
    )]
    DiracDescent(f64),
    /// A matrix of particles (or atoms, or velocities) has no row, or another number of columns
    /// than the dimension.
    #[error(
        "{rows}×{columns} matrix of points given, but at least one row and exactly d = {dim} columns are needed"
    )]
    Shape {
        /// Rows given.
        rows: usize,
        /// Columns given.
        columns: usize,
        /// Columns needed.
        dim: usize,
    },
    /// A coordinate is infinite or not a number.
    #[error("coordinate {value} given at row {row}, but finite coordinates are needed")]
    Coordinate {
        /// The row (or position in a list) of the coordinate, from 0.
        row: usize,
        /// The coordinate.
        value: f64,
    },
    /// There are not as many weights as points.
    #[error("{weights} weights for {points} points given, but each point needs one")]
    WeightCount {
        /// Weights given.
        weights: usize,
        /// Points given.
        points: usize,
    },
    /// A weight is negative, infinite or not a number, or zero where that is not allowed.
    #[error("weight {value} given at index {index}, but finite weights {accepted} are needed")]
    Weight {
        /// The position of the weight, from 0.
        index: usize,
        /// The weight.
        value: f64,
        /// Which weights would be accepted.
        accepted: &'static str,
    },
    /// All weights are zero.
    #[error("weights that are all 0 given, but at least one must be positive")]
    NoMass,
    /// Two atoms that must differ coincide.
    #[error(
        "{what} coincide, but distinct points are needed: the exact steepest descent is not known otherwise"
    )]
    Coincident {
        /// Which two.
        what: String,
    },
    /// Two laws that must have one dimension do not.
    #[error("laws with {first} and with {second} given, but one dimension is needed")]
    Different {
        /// The dimension of one.
        first: String,
        /// The dimension of the other.
        second: String,
    },
    /// The ends of an interval are not finite or not in increasing order.
    #[error("interval from {low} to {high} given, but finite ends with low < high are needed")]
    Interval {
        /// The lower end.
        low: f64,
        /// The upper end.
        high: f64,
    },
    /// A standard deviation is not a positive finite number.
    #[error("standard deviation {0} given, but a finite number > 0 is needed")]
    Deviation(f64),
    /// The power β of a law on a ball lies outside [0, 2].
    #[error("β = {0} given, but 0 ≤ β ≤ 2 is needed")]
    Beta(f64),
    /// A covariance is not symmetric and positive definite.
    #[error(
        "{0} given as covariance, but a finite symmetric d×d matrix with positive eigenvalues is \
         needed, the smallest at least 1e-12 times the largest"
    )]
    Covariance(String),
    /// The prior of an inverse problem is no mixture of Gaussians.
    #[error("prior with a ball, sphere or Dirac given, but a mixture of Gaussians is needed")]
    Prior,
    /// The operator of an inverse problem is not a finite matrix of the right shape.
    #[error(
        "operator with {rows}×{columns} entries given, but finite entries, at least one row and exactly \
         d = {dim} columns are needed"
    )]
    Operator {
        /// Rows given.
        rows: usize,
        /// Columns given.
        columns: usize,
        /// Columns needed.
        dim: usize,
    },
    /// The mean power distance of two laws is not known.
    #[error(
        "a ball or sphere and a Gaussian with a covariance that is no multiple of the identity \
         given, but their mean distance is not known exactly; draw particles of one of the two"
    )]
    Pair,
    /// A quantile level lies outside its range.
    #[error("level s = {0} given, but 0 < s < 1 is needed")]
    Level(f64),
    /// Quantiles that must be sorted are not.
    #[error(
        "quantile {value} given at index {index} after the larger {before}, but increasing order is needed"
    )]
    Unsorted {
        /// The position of the smaller value, from 0.
        index: usize,
        /// Its value.
        value: f64,
        /// The value before it.
        before: f64,
    },
}

/// Accepts 0 < r < 2.
pub(crate) fn check_exponent(exponent: f64) -> Result<f64, Error> {
    if exponent > 0.0 && exponent < 2.0 {
        Ok(exponent)
    } else {
        Err(Error::Exponent(exponent))
    }
}

/// Accepts a finite τ > 0.
pub(crate) fn check_step(tau: f64) -> Result<f64, Error> {
    if tau > 0.0 && tau.is_finite() {
        Ok(tau)
    } else {
        Err(Error::StepSize(tau))
    }
}

/// Accepts a finite c ≥ 0.
pub(crate) fn check_scale(scale: f64) -> Result<f64, Error> {
    if scale >= 0.0 && scale.is_finite() {
        Ok(scale)
    } else {
        Err(Error::Scale(scale))
    }
}

/// Accepts a finite t ≥ 0.
pub(crate) fn check_time(time: f64) -> Result<f64, Error> {
    if time >= 0.0 && time.is_finite() {
        Ok(time)
    } else {
        Err(Error::Time(time))
    }
}

/// Accepts a finite coordinate.
pub(crate) fn check_coordinate(row: usize, value: f64) -> Result<f64, Error> {
    if value.is_finite() {
        Ok(value)
    } else {
        Err(Error::Coordinate { row, value })
    }
}

/// Accepts a matrix with at least one row and `dim` columns.
pub(crate) fn check_shape(points: &DMatrix<f64>, dim: usize) -> Result<(), Error> {
    let (rows, columns) = points.shape();
    if rows == 0 || columns != dim {
        return Err(Error::Shape { rows, columns, dim });
    }
    Ok(())
}

/// Accepts a point with `dim` coordinates.
pub(crate) fn check_point(point: &[f64], dim: usize) -> Result<(), Error> {
    let columns = point.len();
    if columns == dim {
        Ok(())
    } else {
        let rows = 1;
        Err(Error::Shape { rows, columns, dim })
    }
}

/// Accepts a matrix of finite coordinates.
pub(crate) fn check_finite(points: &DMatrix<f64>) -> Result<(), Error> {
    for column in points.column_iter() {
        for (row, &value) in column.iter().enumerate() {
            check_coordinate(row, value)?;
        }
    }
    Ok(())
}

/// Accepts one finite weight ≥ 0 per point, not all zero, and divides them by their sum.
pub(crate) fn normalised_weights(weights: &[f64], points: usize) -> Result<Vec<f64>, Error> {
    if weights.len() != points {
        return Err(Error::WeightCount {
            weights: weights.len(),
            points,
        });
    }
    for (index, &value) in weights.iter().enumerate() {
        if !(value >= 0.0 && value.is_finite()) {
            return Err(Error::Weight {
                index,
                value,
                accepted: "≥ 0",
            });
        }
    }
    let total: f64 = weights.iter().sum();
    if total == 0.0 {
        return Err(Error::NoMass);
    }
    Ok(weights.iter().map(|weight| weight / total).collect())
}
