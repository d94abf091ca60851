//! Tests of the density against scipy and integrals, of draws against their probabilities, and of
//! pictures that are not square.

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

/// The density with this darkness.
fn square(darkness: DMatrix<f64>) -> ImageDensity {
    ImageDensity {
        darkness,
        size: [1.0, 1.0],
    }
}

fn sampling(sigma: f64, particles: usize) -> Sampling {
    Sampling {
        sigma,
        particles,
        seed: 7,
        ..Sampling::default()
    }
}

/// Values of scipy.ndimage.gaussian_filter, also where the filter is wider than the picture.
#[test]
fn filters_like_scipy() {
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
        let filter = gaussian_filter(6, sigma);
        let blurred = &filter * picture(6) * filter.transpose();
        for (at, expected) in [(0, 0), (2, 3), (5, 1)].into_iter().zip(expected) {
            assert_close(blurred[at], expected);
        }
    }
}

/// The recipe in scipy: gaussian_filter with σ = 2, and 0.01 times those with 10, 20 and 50.
#[test]
fn density_adds_a_background() {
    let density = square(picture(CELLS)).density(2.0).expect("a valid width");
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
        let density =
            ImageDensity::new([width, 2], Proportions::Stretch, |x, _| f64::from(x) + 1e-3)
                .expect("dark")
                .darkness;
        let cell = f64::from(width) / 100.0;
        let mean = |j: usize| {
            let (start, end) = (j as f64 * cell, (j + 1) as f64 * cell);
            (integral(end) - integral(start)) / cell + 1e-3
        };
        for j in 0..CELLS {
            assert_close(density[(j, j)], mean(j) / mean(99));
        }
    }
}

#[test]
fn pictures_stand_upright() {
    let top_left = |x, y| f64::from(u8::from(x == 0 && y == 0));
    let density = ImageDensity::new([10, 10], Proportions::Keep, top_left).expect("dark");
    let points = density.sample(&sampling(0.1, 2000)).expect("valid");
    let inside = |point: &[f64; 2]| {
        (-0.505..=-0.405).contains(&point[0]) && (0.395..=0.495).contains(&point[1])
    };
    let count = points
        .row_iter()
        .filter(|row| inside(&[row[0], row[1]]))
        .count();
    let density = density.density(0.1).expect("valid");
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
fn white_pictures_have_no_density() {
    for proportions in Proportions::ALL {
        assert_eq!(ImageDensity::new([20, 20], proportions, |_, _| 0.0), None);
        assert_eq!(ImageDensity::new([0, 20], proportions, |_, _| 1.0), None);
    }
}

/// A disc of radius 40 around (150, 50) of 400×100 pixels, in hundredths of a width of 1: centre
/// (−0.125, 0), all variances of a disc R²/4.
#[test]
fn a_circle_stays_a_circle_unless_stretched() {
    let disc = |x: u32, y: u32| {
        let (x, y) = (f64::from(x) + 0.5 - 150.0, f64::from(y) + 0.5 - 50.0);
        f64::from(u8::from(x.hypot(y) < 40.0))
    };
    for (proportions, size, radii) in [
        (Proportions::Keep, [1.0, 0.25], [0.1, 0.1]),
        (Proportions::Stretch, [1.0, 1.0], [0.1, 0.4]),
    ] {
        let density = ImageDensity::new([400, 100], proportions, disc).expect("dark");
        assert_eq!(density.size(), size);
        assert_eq!(density.darkness.ncols(), 100);
        let points = density.sample(&sampling(0.1, 40_000)).expect("valid");
        // The background is 3 percent of the mass or less, and spread over the picture.
        for (axis, radius) in radii.into_iter().enumerate() {
            let mut column: Vec<f64> = points.column(axis).iter().copied().collect();
            column.sort_by(f64::total_cmp);
            // Half a cell of a hundredth lower, as all particles are.
            let centre = [-0.125, 0.0][axis] - 0.005;
            // Half the particles of a disc are within 0.404 R of the axis.
            for (quantile, expected) in [(10_000, -0.404), (20_000, 0.0), (30_000, 0.404)] {
                let place = (column[quantile] - centre) / radius;
                assert!(
                    (place - expected).abs() < 0.05,
                    "{proportions} {axis}: {place}"
                );
            }
        }
    }
}

/// A strip of 10×10,000 pixels and its transpose: a tenth of a percent wide, and no cell is lost.
#[test]
fn strips_are_narrow() {
    let upright = ImageDensity::new([10, 10_000], Proportions::Keep, |_, _| 1.0).expect("dark");
    let points = upright.sample(&sampling(2.0, 1000)).expect("valid");
    assert_eq!(upright.darkness.shape(), (100, 1));
    assert!(points.column(0).amax() <= 0.001);
    assert!(points.column(1).amax() > 0.45);
    let lying = ImageDensity::new([10_000, 10], Proportions::Keep, |_, _| 1.0).expect("dark");
    assert_eq!(lying.darkness, upright.darkness.transpose());
}

/// The filter has the same width in both directions of the plane, although cells of 3×100 pixels
/// laid 1:33 are not quite square.
#[test]
fn the_filter_is_round() {
    let dot = |x, y| f64::from(u8::from(x == 50 && y == 1));
    let density = ImageDensity::new([100, 3], Proportions::Keep, dot).expect("dark");
    assert_eq!(density.darkness.shape(), (3, 100));
    let tall = ImageDensity::new([250, 104], Proportions::Keep, |_, _| 1.0).expect("dark");
    // 104/250 of 100 cells are 41.6, rounded to 42 cells a little lower than wide.
    assert_eq!(tall.darkness.nrows(), 42);
    let vertical = gaussian_filter(42, 3.0 * (42.0 / 0.416 / 100.0));
    let expected = vertical * &tall.darkness * gaussian_filter(100, 3.0).transpose();
    assert!((tall.filtered(3.0) - expected).amax() < 1e-12);
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
    let density = square(picture(CELLS));
    for sigma in [0.0, -1.0, f64::NAN, f64::INFINITY, 1e4] {
        let error = density.density(sigma).expect_err("unusable").to_string();
        assert!(
            error.starts_with("sigma must be greater than 0 and at most 1000"),
            "{error}"
        );
    }
    for particles in [0, usize::MAX] {
        let error = density
            .sample(&sampling(2.0, particles))
            .expect_err("unusable")
            .to_string();
        assert!(
            error.starts_with("target-particles must be between 1 and"),
            "{error}"
        );
    }
    let narrow = density.density(1e-200).expect("positive");
    assert!(narrow.iter().all(|density| density.is_finite()));
}
