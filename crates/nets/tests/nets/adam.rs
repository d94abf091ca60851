//! Adam against the formulas of its authors, entry by entry, and against PyTorch's values.

use proptest::prelude::*;
use rieszflow_nets::{Adam, Moments};

/// Algorithm 1 of Kingma and Ba (2015) for one parameter.
fn textbook(theta: f64, gradients: &[f64], alpha: f64) -> f64 {
    let (mut theta, mut m, mut v) = (theta, 0.0, 0.0);
    for (t, g) in (1..).zip(gradients) {
        m = 0.9 * m + 0.1 * g;
        v = 0.999 * v + 0.001 * g * g;
        let m_hat = m / (1.0 - 0.9_f64.powi(t));
        let v_hat = v / (1.0 - 0.999_f64.powi(t));
        theta -= alpha * m_hat / (f64::sqrt(v_hat) + 1e-8);
    }
    theta
}

proptest! {
    #[test]
    fn follows_the_textbook(
        start in proptest::collection::vec(-2.0..2.0_f64, 1..40),
        gradients in proptest::collection::vec(-3.0..3.0_f64, 1..30),
        alpha in 1e-5..1e-1_f64,
    ) {
        let mut parameters = start.clone();
        let mut moments = Moments::new(start.len());
        for g in &gradients {
            let gradient: Vec<f64> = (0..start.len()).map(|i| g * (1.0 + i as f64)).collect();
            Adam::default().update(alpha, &mut parameters, &gradient, &mut moments);
        }
        for (i, (&theta, &from)) in parameters.iter().zip(&start).enumerate() {
            let own: Vec<f64> = gradients.iter().map(|g| g * (1.0 + i as f64)).collect();
            let exact = textbook(from, &own, alpha);
            prop_assert!((theta - exact).abs() < 1e-13, "{theta} {exact}");
        }
    }
}

/// `torch.optim.Adam([theta], lr=0.01)` in float64 on θ = (1, −2, 0.5) with the gradient
/// (θ₀³, sin θ₁, e^θ₂ − 1) for 10 steps.
#[test]
fn matches_pytorch() {
    let mut theta = [1.0_f64, -2.0, 0.5];
    let mut moments = Moments::new(3);
    for _ in 0..10 {
        let gradient = [theta[0].powi(3), theta[1].sin(), theta[2].exp() - 1.0];
        Adam::default().update(0.01, &mut theta, &gradient, &mut moments);
    }
    let expected = [
        0.901_137_189_225_641_8,
        -1.899_868_812_068_624,
        0.400_969_667_674_391_8,
    ];
    for (theta, expected) in theta.iter().zip(expected) {
        assert!((theta - expected).abs() < 1e-14, "{theta} {expected}");
    }
}

#[test]
fn large_networks_are_updated_in_blocks_with_the_same_result() {
    let count = 200_000;
    let mut parameters = vec![1.0_f32; count];
    let gradient: Vec<f32> = (0..count).map(|i| (i as f32).sin()).collect();
    let mut moments = Moments::new(count);
    Adam::default().update(0.1, &mut parameters, &gradient, &mut moments);
    let mut one = [1.0_f32];
    for index in [0, 65_535, 65_536, count - 1] {
        one[0] = 1.0;
        Adam::default().update(
            0.1,
            &mut one,
            &gradient[index..=index],
            &mut Moments::new(1),
        );
        assert_eq!(one[0], parameters[index]);
    }
}

/// A unit that is dead has no gradient any more, and no number that is not normal slows its updates.
#[test]
fn the_mean_gradient_of_a_dead_unit_becomes_zero() {
    let (mut parameters, mut moments) = ([0.0_f32], Moments::new(1));
    Adam::default().update(0.1, &mut parameters, &[1.0], &mut moments);
    for _ in 0..2000 {
        assert!(moments.first[0].is_normal() || moments.first[0] == 0.0);
        Adam::default().update(0.1, &mut parameters, &[0.0], &mut moments);
    }
    assert_eq!(moments.first[0], 0.0);
}
