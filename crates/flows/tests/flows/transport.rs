//! Tests of the transport: what its network sees, and how fresh networks spread mass.

use nalgebra::DMatrix;
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use rieszflow_flows::latent::fill_normal;
use rieszflow_flows::{GenerativeNetwork, Transport};

/// Mean and covariance over latents that the whitening has not seen: 5 deviations of the mean
/// of 20,000 draws allow 0.05.
#[test]
fn fresh_networks_spread_mass_alike_in_all_directions() {
    let network = GenerativeNetwork::new(3, 3, 32, 2);
    let rng = &mut ChaCha8Rng::seed_from_u64(1);
    let parameters = network.initialise::<f64, _>(rng);
    let mut latents = DMatrix::zeros(20_000, 3);
    fill_normal(latents.as_mut_slice(), rng);
    let x = DMatrix::zeros(20_000, 3);
    let output = Transport::unstandardized(network).displacements(&parameters, &x, &latents);
    let covariance = output.tr_mul(&output) / 20_000.0;
    assert!((covariance * 3.0 - DMatrix::identity(3, 3)).amax() < 0.1);
    assert!(output.row_mean().amax() < 0.05);
}

/// With two latents in four dimensions a fresh network spreads mass over a plane, and alike in it.
#[test]
fn few_latents_spread_mass_over_as_many_directions() {
    let network = GenerativeNetwork::new(4, 2, 32, 2);
    let rng = &mut ChaCha8Rng::seed_from_u64(1);
    let parameters = network.initialise::<f64, _>(rng);
    let mut latents = DMatrix::zeros(20_000, 2);
    fill_normal(latents.as_mut_slice(), rng);
    let x = DMatrix::zeros(20_000, 4);
    let output = Transport::unstandardized(network).displacements(&parameters, &x, &latents);
    let covariance = output.tr_mul(&output) / 20_000.0;
    let mut variances = covariance.symmetric_eigenvalues().as_slice().to_vec();
    variances.sort_by(f64::total_cmp);
    for (variance, expected) in variances.iter().zip([0.0, 0.0, 0.25, 0.25]) {
        assert!((variance - expected).abs() < 0.025, "{variances:?}");
    }
}

/// A network of one hidden layer that returns what it sees of x, as ReLU(x) − ReLU(−x).
fn what_the_network_sees(particles: &DMatrix<f64>) -> DMatrix<f64> {
    let dim = particles.ncols();
    let network = GenerativeNetwork::new(dim, 1, 2 * dim, 1);
    let mut parameters = vec![0.0; network.network().parameter_count()];
    let layers = network.network().layers().to_vec();
    for k in 0..dim {
        for (row, sign) in [(k, 1.0), (dim + k, -1.0)] {
            layers[0].weight_mut(&mut parameters)[(row, k)] = sign;
            layers[1].weight_mut(&mut parameters)[(k, row)] = sign;
        }
    }
    let transport = Transport::standardized(network, particles);
    let latents = DMatrix::repeat(particles.nrows(), 1, 7.0);
    transport.displacements(&parameters, particles, &latents)
}

#[test]
fn the_network_sees_mean_zero_and_coordinates_of_size_one() {
    let x = DMatrix::from_fn(7, 3, |i, k| 5.0 + 0.01 * ((3 * i + k) as f64).sin());
    let seen = what_the_network_sees(&x);
    assert!(seen.row_mean().amax() < 1e-12);
    assert!((seen.norm_squared() / 21.0 - 1.0).abs() < 1e-12);
    // Up to a factor and a shift it is x.
    let ratio = (seen[(1, 0)] - seen[(0, 0)]) / (x[(1, 0)] - x[(0, 0)]);
    let other = (seen[(6, 2)] - seen[(3, 2)]) / (x[(6, 2)] - x[(3, 2)]);
    assert!((ratio / other - 1.0).abs() < 1e-9);
}

#[test]
fn the_network_sees_a_dirac_as_0() {
    let x = DMatrix::from_element(1000, 2, 0.1);
    assert_eq!(what_the_network_sees(&x).amax(), 0.0);
}
