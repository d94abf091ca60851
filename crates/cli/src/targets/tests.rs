//! Tests of targets against their definitions, and of everything that is refused.

use nalgebra::DMatrix;
use proptest::prelude::*;

use super::*;
use crate::files::particles::Particles;

fn sampling() -> Sampling {
    Sampling {
        particles: 600,
        count: 2,
        ..Sampling::default()
    }
}

fn load(text: &str, sampling: &Sampling) -> Result<Particles, String> {
    let target: Target = text.parse()?;
    let loaded = target.load(sampling);
    loaded
        .map(|loaded| loaded.particles)
        .map_err(|error| format!("{error:#}"))
}

fn points(text: &str) -> DMatrix<f64> {
    load(text, &sampling()).expect("valid").points
}

#[test]
fn two_diracs_are_on_the_diagonal() {
    let expected = DMatrix::from_row_slice(2, 2, &[1.0, 1.0, -1.0, -1.0]);
    assert_eq!(points("two-diracs"), expected);
}

/// Neighbours on the circle are 2 sin(π/M) apart; the middles of M intervals of [−1, 1] have mean 0
/// and mean square (1 − 1/M²)/3.
#[test]
fn circle_and_line_are_equally_spaced() {
    let circle = points("circle");
    for (i, row) in circle.row_iter().enumerate() {
        assert!((row.norm() - 1.0).abs() < 1e-12);
        let chord = (row - circle.row((i + 1) % 600)).norm();
        assert!((chord - 2.0 * (std::f64::consts::PI / 600.0).sin()).abs() < 1e-12);
    }
    let line = points("line");
    assert_eq!(line.column(1).amax(), 0.0);
    assert!(line.column(0).sum().abs() < 1e-10);
    let square = line.column(0).norm_squared() / 600.0;
    assert!((square - (1.0 - 1.0 / 360_000.0) / 3.0).abs() < 1e-12);
}

#[test]
fn mixtures_have_equal_shares_of_narrow_gaussians() {
    let means = [[1.0, 0.0], [0.0, 1.0], [-1.0, 0.0], [0.0, -1.0]];
    let mut counts = [0; 4];
    let mut squares = 0.0;
    for row in points("gaussian-mixture:4").row_iter() {
        let distance = |mean: [f64; 2]| (row[0] - mean[0]).powi(2) + (row[1] - mean[1]).powi(2);
        let nearest = (0..4).min_by(|&a, &b| distance(means[a]).total_cmp(&distance(means[b])));
        let nearest = nearest.expect("four means");
        counts[nearest] += 1;
        squares += distance(means[nearest]) / 1200.0;
    }
    assert_eq!(counts, [150; 4]);
    // χ² with 1200 degrees of freedom: five deviations are 20 percent.
    assert!((squares / 0.01 - 1.0).abs() < 0.2, "variance {squares}");
}

/// Means over draws of each law agree with the potential and the energy by which a flow goes to it.
#[test]
fn laws_are_those_of_their_draws() {
    let mut rng = stream(0, Purpose::Target, 0, 0);
    for text in [
        "equilibrium:2",
        "sphere:1.5",
        "ball:0.5",
        "gaussian:2",
        "gaussian-mixture:5",
    ] {
        let Ok(Target::Law(law)) = text.parse() else {
            panic!("{text} is a law");
        };
        let exact = law.law(2, 1.0).expect("a law in the plane");
        let draws = exact.sample(4000, &mut rng);
        let found = rieszflow_analytic::discrepancy(&draws, None, &exact, 1.0).expect("a number");
        let size = -exact.energy(1.0).expect("an energy");
        assert!(found.u_statistic.abs() < 2e-3 * size, "{text}");
        let reach = draws.row_iter().map(|row| row.norm()).fold(0.0, f64::max);
        let radius = law.radius(2, 1.0).expect("a radius");
        assert_eq!(law.dim().is_some(), text.contains("mixture"));
        match law {
            ExactLaw::Equilibrium(_) | ExactLaw::Sphere(_) | ExactLaw::Ball(_) => {
                assert!(
                    reach <= radius * (1.0 + 1e-12) && reach > 0.95 * radius,
                    "{text}"
                );
            }
            _ => assert!(reach > radius, "{text}"),
        }
    }
}

/// Eyes up, mouth down with its ends up, outline at 0.44, nothing else: four times the density of
/// the blank places is where the strokes are.
#[test]
fn the_smiley_smiles() {
    let density = smiley::density().and_then(|density| density.density(2.0));
    let density = density.expect("dark");
    let at = |x: f64, y: f64| {
        let index = |x: f64| (100.0 * x + 50.0).round() as usize;
        density[(index(y), index(x))]
    };
    let strokes = [
        (-0.15, 0.145),
        (0.15, 0.145),
        (0.0, -0.26),
        (-0.24, -0.13),
        (0.24, -0.13),
    ];
    let outline = [
        (0.44, 0.0),
        (0.0, -0.44),
        (-0.44, 0.0),
        (0.0, 0.44),
        (0.31, 0.31),
    ];
    let blank = [
        (0.0, 0.0),
        (-0.15, -0.05),
        (0.0, -0.14),
        (0.3, 0.1),
        (0.0, 0.3),
        (0.47, 0.47),
    ];
    let darkest_blank = blank.into_iter().map(|(x, y)| at(x, y)).fold(0.0, f64::max);
    for (x, y) in strokes.into_iter().chain(outline) {
        assert!(at(x, y) > 4.0 * darkest_blank, "({x}, {y}): {}", at(x, y));
    }
    let face = points("smiley");
    assert_eq!(face.shape(), (600, 2));
    assert!(face.amax() <= 0.505);
}

#[test]
fn draws_depend_on_the_seed_alone() {
    for text in ["smiley", "gaussian-mixture:3"] {
        let other = Sampling {
            seed: 1,
            ..sampling()
        };
        assert_eq!(points(text), points(text));
        assert_ne!(load(text, &other).expect("valid").points, points(text));
    }
}

#[test]
fn weights_of_a_file_sum_to_one() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("target.csv");
    let text = format!("csv:{}", path.display());
    for (rows, expected) in [
        ("1,1\n2,3\n3,0\n", [0.25, 0.75, 0.0]),
        ("1,1.5e308\n2,1.5e308\n3,0\n", [0.5, 0.5, 0.0]),
    ] {
        std::fs::write(&path, format!("x0,weight\n{rows}")).expect("a file");
        let particles = load(&text, &sampling()).expect("valid");
        assert_eq!(particles.points.as_slice(), [1.0, 2.0, 3.0]);
        assert_eq!(particles.weights, Some(expected.to_vec()));
    }
    std::fs::write(&path, "x0\n1\n").expect("a file");
    assert_eq!(load(&text, &sampling()).expect("valid").weights, None);
}

#[test]
fn images_of_an_idx_file_are_rows() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("digits");
    let header = [0, 0, 8, 3, 0, 0, 0, 3, 0, 0, 0, 2, 0, 0, 0, 1];
    let pixels = [0, 255, 51, 102, 7, 7];
    std::fs::write(&path, [&header[..], &pixels].concat()).expect("a file");
    let text = format!("idx:{}", path.display());
    assert_eq!(
        points(&text),
        DMatrix::from_row_slice(2, 2, &[0.0, 1.0, 0.2, 0.4])
    );
    let none = Sampling {
        count: 0,
        ..sampling()
    };
    let message = load(&text, &none).expect_err("no image");
    assert_eq!(message, "--count must be at least 1 (images), not 0");
}

/// What was read is told and kept, so that no source is needed twice.
#[test]
fn files_are_described_and_their_bytes_kept() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("t.csv");
    std::fs::write(&path, "x,weight\n1,2\n2,6\n").expect("a file");
    let target = Target::Csv(path.clone());
    assert_eq!(target.path(), Some(path.as_path()));
    let loaded = target.load(&sampling()).expect("valid");
    let what = "2 particles in dimension 1, column 'x', weights from 'weight'";
    let description = format!("{}: {what}", path.display());
    assert_eq!(loaded.description, Some(description));
    let input = loaded.input.expect("bytes");
    assert!(input.can_be_read_again());
    let copy = folder.path().join("copy");
    std::fs::write(&copy, input.bytes()).expect("a file");
    let again = target.with_path(copy).load(&sampling()).expect("valid");
    assert_eq!(again.particles, loaded.particles);
    assert_eq!(Target::Circle.path(), None);
    assert_eq!(Target::Circle.with_path(path), Target::Circle);
    assert_eq!(Target::Circle.load(&sampling()).expect("valid").input, None);
    assert_eq!(Target::Npy("-".into()).title(), "standard input");
}

/// A pipe gives its bytes once.
#[cfg(unix)]
#[test]
fn pipes_are_read_once() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("pipe");
    let made = std::process::Command::new("mkfifo").arg(&path).status();
    assert!(made.expect("mkfifo").success());
    let writer = std::thread::spawn({
        let path = path.clone();
        move || std::fs::write(path, "x,y\n1,2\n")
    });
    let loaded = Target::Csv(path).load(&sampling()).expect("valid");
    writer.join().expect("no panic").expect("written");
    assert_eq!(
        loaded.particles.points,
        DMatrix::from_row_slice(1, 2, &[1.0, 2.0])
    );
    let input = loaded.input.expect("bytes");
    assert_eq!(input.bytes(), b"x,y\n1,2\n");
    assert!(!input.can_be_read_again());
}

/// Configuration files are UTF-8: such paths are refused where they are written, and read otherwise.
#[cfg(unix)]
#[test]
fn paths_that_are_not_utf8_are_refused_by_name() {
    use std::os::unix::ffi::OsStrExt;
    let text = OsStr::from_bytes(b"csv:gr\xf6sse.csv");
    for message in [
        Target::from_os_str(text).err(),
        Start::from_os_str(text).err(),
    ] {
        let message = message.expect("refused");
        assert!(
            message.starts_with("expected a path in UTF-8, not 'csv:gr"),
            "{message}"
        );
    }
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join(OsStr::from_bytes(b"gr\xf6sse.csv"));
    std::fs::write(&path, "1.5\n2\n").expect("a file");
    let points = Target::Csv(path)
        .load(&sampling())
        .expect("valid")
        .particles
        .points;
    assert_eq!(points.as_slice(), [1.5, 2.0]);
    assert_eq!(
        Target::from_os_str(OsStr::new("circle")),
        Ok(Target::Circle)
    );
}

#[test]
fn pictures_and_images_tell_their_shape() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("digits");
    let header = [0, 0, 8, 3, 0, 0, 0, 2, 0, 0, 0, 3, 0, 0, 0, 2];
    std::fs::write(&path, [&header[..], &[9; 12]].concat()).expect("a file");
    let images = Target::Idx(path).load(&sampling()).expect("valid");
    assert_eq!(images.image_shape, Some((3, 2)));
    assert_eq!(images.aspect, None);
    let path = folder.path().join("wide.png");
    let picture = ::image::GrayImage::new(40, 10);
    picture.save(&path).expect("a file");
    let mut sampling = sampling();
    for (proportions, height) in [(Proportions::Keep, 0.25), (Proportions::Stretch, 1.0)] {
        sampling.proportions = proportions;
        let loaded = Target::Image(path.clone()).load(&sampling).expect("valid");
        assert_eq!(loaded.aspect, Some((1.0, height)));
        let highest = loaded.particles.points.column(1).amax();
        assert!(
            (0.45 * height..0.52 * height).contains(&highest),
            "{highest}"
        );
        assert_eq!(loaded.image_shape, None);
    }
}

#[test]
fn says_what_is_expected() {
    let all = "expected two-diracs, smiley, image:PATH, csv:PATH, npy:PATH, idx:PATH, \
               gaussian-mixture:K, circle, line, equilibrium:A, sphere:A, ball:A, gaussian:S, not ";
    let cases = [
        ("square", &format!("{all}'square'") as &str),
        ("", &format!("{all}''")),
        ("Smiley", "; did you mean 'smiley'?"),
        ("two-dirac", "; did you mean 'two-diracs'?"),
        ("image", "; did you mean 'image:PATH'?"),
        ("cvs:a:b.csv", "; did you mean 'csv:a:b.csv'?"),
        ("circle:3", "; did you mean 'circle'?"),
        ("a/photo.JPG", "; did you mean 'image:a/photo.JPG'?"),
        (
            "image:",
            "expected image:PATH with the path of a file, not 'image:'",
        ),
        (
            "gaussian-mixture:0",
            "a whole number K between 1 and 50000000, not 'gaussian-mixture:0'",
        ),
        (
            "gaussian-mixture:1000000000000",
            "between 1 and 50000000, not 'gaussian-mixture:1000000000000'",
        ),
        (
            "gaussian-mixture:601",
            "--target-particles must be between 601 (one for each Gaussian) and 50000000, not 600",
        ),
        ("equilibrum:2", "; did you mean 'equilibrium:2'?"),
        (
            "ball:-1",
            "expected ball:A with a number A between 1e-30 and 1e30, not 'ball:-1'",
        ),
        ("gaussian:", "expected gaussian:S with a number S between"),
        (
            "sphere:2",
            "sphere:2 is an exact law, of which no particles are drawn",
        ),
        ("npy:no/such.npy", "cannot read no/such.npy: "),
        ("image:no/such.png", "cannot read no/such.png: "),
    ];
    for (text, expected) in cases {
        let message = load(text, &sampling()).expect_err(expected);
        assert!(
            message.contains(expected),
            "{message}\nshould say: {expected}"
        );
    }
    let message = load("square", &sampling()).expect_err("unknown");
    assert!(!message.contains("did you mean"), "{message}");
}

#[test]
fn configurations_hold_targets_as_text() {
    let json = serde_json::to_string(&Target::Image("a.png".into())).expect("text");
    assert_eq!(json, "\"image:a.png\"");
    assert_eq!(
        serde_json::from_str::<Target>(&json).ok(),
        Some(Target::Image("a.png".into()))
    );
    assert!(serde_json::from_str::<Target>("\"squircle\"").is_err());
}

proptest! {
    #[test]
    fn what_is_read_is_written_the_same(
        text in "(two-diracs|smiley|image|csv|npy|idx|gaussian-mixture|circle|line|equilibrium|sphere|ball|gaussian):?.{0,3}[0-9]{0,3}",
        any in ".*",
    ) {
        for text in [text, any] {
            if let Ok(target) = text.parse::<Target>() {
                prop_assert_eq!(target.to_string().parse(), Ok(target));
            }
        }
    }
}
