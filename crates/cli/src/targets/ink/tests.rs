//! Tests of the density against scipy and integrals, and of draws against their probabilities.

use super::*;

/// (3i² + 5j + ij mod 7)/6.
fn picture(n: usize) -> DMatrix<f64> {
    DMatrix::from_fn(n, n, |i, j| ((3 * i * i + 5 * j + i * j) % 7) as f64 / 6.0)
}

fn assert_close(value: f64, expected: f64) {
    assert!(
        (value - expected).abs() < 1e-12,
        "{value} is not {expected}"
    );
}

fn sampling(sigma: f64, particles: usize) -> Sampling {
    Sampling {
        sigma,
        particles,
        count: 1,
        seed: 7,
    }
}

/// Values of scipy.ndimage.gaussian_filter, also where the filter is wider than the picture.
#[test]
fn blurs_like_scipy() {
    let cases = [
        (
            0.1,
            [0.0, 0.833_333_333_333_333_4, 0.166_666_666_666_666_66],
        ),
        (
            0.7,
            [
                0.249_882_812_729_501_47,
                0.604_549_673_751_034_7,
                0.411_679_992_133_112,
            ],
        ),
        (
            2.0,
            [
                0.485_318_513_257_633_4,
                0.553_827_611_957_003_6,
                0.530_538_041_477_087_7,
            ],
        ),
        (
            10.0,
            [
                0.546_292_971_915_618,
                0.546_299_345_971_834,
                0.546_296_040_689_489_3,
            ],
        ),
    ];
    for (sigma, expected) in cases {
        let blurred = blurred(&picture(6), sigma);
        for (at, expected) in [(0, 0), (2, 3), (5, 1)].into_iter().zip(expected) {
            assert_close(blurred[at], expected);
        }
    }
}

/// The recipe in scipy: gaussian_filter with σ = 2, and 0.01 times those with 10, 20 and 50.
#[test]
fn density_adds_a_haze() {
    let density = Ink(picture(SIDE)).density(2.0).expect("a valid width");
    assert_close(density[(0, 0)], 0.500_511_287_451_105);
    assert_close(density[(37, 81)], 0.590_869_943_374_488_8);
    assert_close(density[(99, 3)], 0.495_231_649_910_435);
    assert!((density.sum() - 5620.71).abs() < 1e-8);
}

/// Pixels of darkness x integrate to n(n−1)/2 + n(t−n), n = ⌊t⌋, up to t.
#[test]
fn cells_are_means_over_their_area() {
    let integral = |t: f64| {
        let whole = t.floor();
        whole * (whole - 1.0) / 2.0 + whole * (t - whole)
    };
    for width in [1, 7, 100, 150, 333] {
        let ink = Ink::new(width, 2, |x, _| f64::from(x) + 1e-3)
            .expect("dark")
            .0;
        let cell = f64::from(width) / 100.0;
        let mean = |j: usize| {
            let (start, end) = (j as f64 * cell, (j + 1) as f64 * cell);
            (integral(end) - integral(start)) / cell + 1e-3
        };
        for j in 0..SIDE {
            assert_close(ink[(j, j)], mean(j) / mean(99));
        }
    }
}

#[test]
fn pictures_stand_upright() {
    let top_left = |x, y| f64::from(u8::from(x == 0 && y == 0));
    let ink = Ink::new(10, 10, top_left).expect("dark");
    let points = ink.sample(&sampling(0.1, 2000)).expect("valid");
    let inside = |point: &[f64; 2]| {
        (-0.505..=-0.405).contains(&point[0]) && (0.395..=0.495).contains(&point[1])
    };
    let count = points
        .row_iter()
        .filter(|row| inside(&[row[0], row[1]]))
        .count();
    let density = ink.density(0.1).expect("valid");
    let share = density.view((90, 0), (10, 10)).sum() / density.sum();
    let deviation = (2000.0 * share * (1.0 - share)).sqrt();
    let error = count as f64 - 2000.0 * share;
    assert!(
        error.abs() < 5.0 * deviation,
        "{count} of 2000, not {share}"
    );
    assert!(share > 0.9);
}

#[test]
fn white_pictures_have_no_ink() {
    assert_eq!(Ink::new(20, 20, |_, _| 0.0), None);
    assert_eq!(Ink::new(0, 20, |_, _| 1.0), None);
}

#[test]
fn draws_follow_the_weights() {
    let mut rng = stream(0, Purpose::Target, 0, 0);
    let mut counts = [0; 4];
    for index in draw(&[0.0, 1.0, 0.0, 3.0], 40_000, &mut rng) {
        counts[index] += 1;
    }
    assert_eq!((counts[0], counts[2]), (0, 0));
    let deviation = (40_000.0 * 0.25 * 0.75_f64).sqrt();
    assert!((f64::from(counts[1]) - 10_000.0).abs() < 5.0 * deviation);
}

#[test]
fn settings_are_checked() {
    let ink = Ink(picture(SIDE));
    for sigma in [0.0, -1.0, f64::NAN, f64::INFINITY, 1e4] {
        let error = ink.density(sigma).expect_err("unusable").to_string();
        assert!(
            error.starts_with("--sigma must be greater than 0 and at most 1000"),
            "{error}"
        );
    }
    for particles in [0, usize::MAX] {
        let error = ink
            .sample(&sampling(2.0, particles))
            .expect_err("unusable")
            .to_string();
        assert!(
            error.starts_with("--target-particles must be between 1 and"),
            "{error}"
        );
    }
    let narrow = ink.density(1e-200).expect("positive");
    assert!(narrow.iter().all(|density| density.is_finite()));
}
