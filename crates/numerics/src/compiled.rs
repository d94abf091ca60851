//! Functions that are compiled where they are written, once for each scalar type.
//!
//! Generic code is compiled again in each crate and program that uses it, which takes long for inner
//! loops with a version for every instruction set. Two statics that point to its `f32` and its `f64`
//! version have it compiled in their own crate; a generic caller takes the one of its type.

use std::any::Any;

/// The one of two values that has the wanted type.
///
/// ```
/// use rieszflow_numerics::Real;
/// use rieszflow_numerics::compiled::of_type;
///
/// struct Sum<T: 'static>(fn(&[T]) -> T);
/// static F32: Sum<f32> = Sum(sum_of);
/// static F64: Sum<f64> = Sum(sum_of);
///
/// fn sum_of<T: Real>(terms: &[T]) -> T {
///     terms.iter().copied().sum()
/// }
///
/// fn sum<T: Real>(terms: &[T]) -> T {
///     let Sum(compiled) = of_type([&F32, &F64]);
///     compiled(terms)
/// }
///
/// assert_eq!(sum(&[1.0_f64, 2.0]), 3.0);
/// ```
///
/// # Panics
/// If neither value has the type.
pub fn of_type<F: 'static>(values: [&'static dyn Any; 2]) -> &'static F {
    let found = values.into_iter().find_map(<dyn Any>::downcast_ref);
    found.expect("a value for each scalar type")
}
