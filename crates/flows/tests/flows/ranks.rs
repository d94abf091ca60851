//! Flows on several ranks, for which threads stand here: the same bits, and what passes between them.

use std::collections::BTreeMap;
use std::fs;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};
use std::thread;

use nalgebra::DMatrix;
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use rieszflow_autodiff::Tape;
use rieszflow_flows::latent::fill_normal;
use rieszflow_flows::ranks::{Communicator, Work, dismiss, serve, size, with_ranks};
use rieszflow_flows::scheme::{Backward, Forward, Particle, Training};
use rieszflow_flows::{
    Flow, Functional, GradientRows, Interaction, Measure, Mmd, Moving, PairSums, Points, Real,
    RieszKernel, Scheme, SlicedSums, Slicing, State, Sums, Transport, time_grid,
};

/// Bytes to all others and back to the first rank, and the number of calls, by the kind of work.
type Traffic = BTreeMap<Work, [usize; 3]>;

/// A thread in the place of a process.
struct ThreadRank {
    rank: usize,
    /// On the first rank to each of the others; elsewhere to the first one.
    out: Vec<Sender<Vec<u8>>>,
    /// On the first rank from each of the others; elsewhere from the first one.
    back: Vec<Mutex<Receiver<Vec<u8>>>>,
    size: usize,
    counted: Mutex<Counted>,
}

#[derive(Default)]
struct Counted {
    /// The work that the others were called to, and whether its message is still to come.
    work: Work,
    is_called: bool,
    traffic: Traffic,
}

impl ThreadRank {
    fn all(size: usize) -> Vec<Self> {
        let new = |rank| Self {
            rank,
            out: Vec::new(),
            back: Vec::new(),
            size,
            counted: Mutex::default(),
        };
        let mut ranks: Vec<Self> = (0..size).map(new).collect();
        for other in 1..size {
            for (from, to) in [(0, other), (other, 0)] {
                let (sender, receiver) = channel();
                ranks[from].out.push(sender);
                ranks[to].back.push(Mutex::new(receiver));
            }
        }
        ranks
    }

    fn receive(&self, from: usize) -> Vec<u8> {
        let receiver = self.back[from].lock().expect("no panic");
        receiver.recv().expect("the others are there")
    }

    fn count(&self, place: usize, bytes: usize) {
        let counted = &mut *self.counted.lock().expect("no panic");
        counted.traffic.entry(counted.work).or_default()[place] += bytes;
    }
}

impl Communicator for ThreadRank {
    fn rank(&self) -> usize {
        self.rank
    }

    fn size(&self) -> usize {
        self.size
    }

    fn broadcast(&self, bytes: &mut [u8]) {
        if self.rank > 0 {
            bytes.copy_from_slice(&self.receive(0));
            return;
        }
        {
            let counted = &mut *self.counted.lock().expect("no panic");
            counted.is_called = !counted.is_called;
            if counted.is_called {
                counted.work.copy_from_slice(&bytes[..8]);
                counted.traffic.entry(counted.work).or_default()[2] += 1;
            }
        }
        self.count(0, bytes.len());
        for other in &self.out {
            other.send(bytes.to_vec()).expect("the others are there");
        }
    }

    fn gather(&self, bytes: &[u8]) -> Vec<Vec<u8>> {
        if self.rank > 0 {
            self.out[0]
                .send(bytes.to_vec())
                .expect("the first is there");
            return Vec::new();
        }
        let all: Vec<_> = (0..self.size - 1).map(|from| self.receive(from)).collect();
        self.count(1, all.iter().map(Vec::len).sum());
        all
    }

    fn sum(&self, numbers: &mut [i64]) {
        let bytes: Vec<u8> = numbers.iter().flat_map(|n| n.to_le_bytes()).collect();
        for all in self.gather(&bytes) {
            for (number, bytes) in numbers.iter_mut().zip(all.chunks_exact(8)) {
                let term = i64::from_le_bytes(bytes.try_into().expect("8 bytes"));
                *number = number.wrapping_add(term);
            }
        }
    }
}

/// What a program found on several ranks, and what that took.
struct Shared<R> {
    found: R,
    traffic: Traffic,
    /// Seconds that the first thread of each rank computed.
    seconds: Vec<f64>,
}

/// Runs the program on the first of `size` ranks, each with a pool of `threads` threads.
fn on_ranks<R: Send>(
    size: usize,
    threads: fn(usize) -> usize,
    program: impl FnOnce() -> R + Send,
) -> Shared<R> {
    let mut ranks = ThreadRank::all(size);
    let others = ranks.split_off(1);
    let first = Arc::new(ranks.remove(0));
    let pool = |rank| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads(rank));
        pool.build().expect("threads")
    };
    thread::scope(|scope| {
        let others: Vec<_> = others
            .into_iter()
            .map(|rank| {
                let pool = pool(rank.rank);
                let work = move || serve(&rank, |work, _| panic!("unknown work {work:?}"));
                scope.spawn(move || pool.install(|| timed(work)).1)
            })
            .collect();
        let program = || with_ranks(first.clone(), program);
        let (found, seconds) = pool(0).install(|| timed(program));
        dismiss(&*first);
        let others = others
            .into_iter()
            .map(|other| other.join().expect("no panic"));
        Shared {
            found,
            traffic: first.counted.lock().expect("no panic").traffic.clone(),
            seconds: [seconds].into_iter().chain(others).collect(),
        }
    })
}

/// The seconds that this thread computes meanwhile; waiting does not count.
fn timed<R>(work: impl FnOnce() -> R) -> (R, f64) {
    let now = || {
        let statistics = fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
        let nanoseconds = statistics.split(' ').next().and_then(|n| n.parse().ok());
        1e-9 * nanoseconds.unwrap_or(0.0)
    };
    let start = now();
    let found = work();
    (found, now() - start)
}

/// Demands the same from 1 to 4 ranks as alone, and that each kind of work was shared.
fn check<R: Send + PartialEq>(works: &[&Work], program: impl Fn() -> R + Sync) {
    let alone = program();
    for size in 1..=4 {
        let shared = on_ranks(size, |rank| 1 + rank % 2, &program);
        assert!(shared.found == alone, "{size} ranks");
        for work in works {
            let traffic = shared.traffic.get(*work);
            let is_shared = traffic.is_some_and(|[_, back, _]| *back > 0);
            assert_eq!(is_shared, size > 1, "{work:?} with {size} ranks");
        }
    }
}

fn normal<T: Real>(count: usize, dim: usize, seed: u64) -> DMatrix<T> {
    let mut points = DMatrix::zeros(count, dim);
    fill_normal(points.as_mut_slice(), &mut ChaCha8Rng::seed_from_u64(seed));
    points
}

fn kernel(exponent: f64) -> RieszKernel {
    RieszKernel::new(exponent).expect("an exponent")
}

/// Energies with gradients on one side, on both and without, of many and of few rows.
fn energies<T: Real>(exponent: f64, dim: usize) -> Vec<f64> {
    let sums = PairSums::<T>::new(kernel(exponent));
    let mut found = Vec::new();
    for (n, m) in [(1400, 1400), (301, 9001), (9001, 301), (1100, 1234)] {
        let (x, y) = (normal::<T>(n, dim, 1), normal::<T>(m, dim, 2));
        let weights: Vec<T> = (0..m).map(|j| T::from_f64(j as f64 / 1e6)).collect();
        let x = Measure::uniform(Points::from(&x));
        let y = Measure::weighted(Points::from(&y), &weights);
        found.push(sums.energy(x, y));
        found.push(sums.energy(x, x));
        let mut gradient = vec![T::zero(); n * dim];
        let rows = &mut GradientRows::in_x(&mut gradient, n);
        found.push(sums.energy_gradient(x, y, 0.7, rows));
        found.extend(gradient.iter().map(|g| g.into_f64()));
        let mut gradient = vec![T::zero(); (n + m) * dim];
        let mut rows = GradientRows {
            entries: &mut gradient,
            rows: n + m,
            y_start: Some(n),
        };
        found.push(sums.energy_gradient(x, y, -1.3, &mut rows));
        found.extend(gradient.iter().map(|g| g.into_f64()));
    }
    found
}

#[test]
fn energies_have_the_same_bits() {
    check(&[b"pairs 32"], || energies::<f32>(1.0, 2));
    check(&[b"pairs 64"], || energies::<f64>(1.3, 3));
    check(&[b"pairs 32"], || energies::<f32>(0.7, 5));
}

/// So many values that they come back in two rounds.
#[test]
fn long_sums_have_the_same_bits() {
    let x = normal::<f64>(33_000, 1, 20);
    let x = Measure::uniform(Points::from(&x));
    let energy = || PairSums::new(kernel(1.0)).energy(x, x);
    let shared = on_ranks(3, |_| 1, energy);
    assert_eq!(shared.found, energy());
    assert_eq!(shared.traffic[b"pairs 64"][2], 1, "one call");
}

/// Of particles of which many coincide, with the same coefficients for two velocities.
fn derivatives<T: Real>(exponent: f64) -> Vec<f64> {
    let sums = PairSums::<T>::new(kernel(exponent));
    let (n, m, dim) = (1501, 1302, 2);
    let pile = |mut points: DMatrix<T>| {
        points.rows_mut(100, 900).fill(T::zero());
        points
    };
    let (x, y) = (pile(normal(n, dim, 3)), pile(normal(m, dim, 4)));
    let mut found = Vec::new();
    for seed in [5, 6] {
        let (a, b) = (normal::<T>(n, dim, seed), normal::<T>(m, dim, seed + 10));
        let x = Moving::uniform(Points::from(&x), Points::from(&a));
        let y = Moving::uniform(Points::from(&y), Points::from(&b));
        for (other, start) in [(y, Some(n)), (Moving::resting(y.measure), None)] {
            let rows = n + start.map_or(0, |_| m);
            let mut gradient = vec![T::zero(); rows * dim];
            let mut to = GradientRows {
                entries: &mut gradient,
                rows,
                y_start: start,
            };
            found.push(sums.directional_derivative(x, other, 0.3, &mut to));
            found.extend(gradient.iter().map(|g| g.into_f64()));
        }
    }
    found
}

#[test]
fn derivatives_along_velocities_have_the_same_bits() {
    check(&[b"pairs 32"], || derivatives::<f32>(1.0));
    check(&[b"pairs 64"], || derivatives::<f64>(1.5));
}

/// Sliced sums with all gradients, values alone with a standard error, and a derivative.
fn slices<T: Real>(exponent: f64, dim: usize) -> Vec<f64> {
    let sums = SlicedSums::<T>::new(kernel(exponent), Slicing::new(72)).expect("directions");
    let (n, m) = (1200, 901);
    let (x, y) = (normal::<T>(n, dim, 21), normal::<T>(m, dim, 22));
    let (a, b) = (normal::<T>(n, dim, 23), normal::<T>(m, dim, 24));
    let weights: Vec<T> = (0..m).map(|j| T::from_f64(j as f64 / 4e5)).collect();
    let mu = Measure::uniform(Points::from(&x));
    let nu = Measure::weighted(Points::from(&y), &weights);
    let all = sums.energies(mu, nu);
    let compared = sums.discrepancy(mu, Some(nu));
    let mut found = vec![all.discrepancy, all.x, all.y, sums.self_energy(mu)];
    found.extend([compared.discrepancy, compared.standard_error]);
    let mut gradient = vec![T::zero(); n * dim];
    let rows = &mut GradientRows::in_x(&mut gradient, n);
    found.push(sums.self_energy_gradient(mu, 0.3, rows));
    found.push(sums.energy_gradient(mu, nu, 0.7, rows));
    found.extend(gradient.iter().map(|g| g.into_f64()));
    let mut gradient = vec![T::zero(); (n + m) * dim];
    let mut rows = GradientRows {
        entries: &mut gradient,
        rows: n + m,
        y_start: Some(n),
    };
    found.push(sums.energy_gradient(mu, nu, -1.3, &mut rows));
    let x = Moving::uniform(Points::from(&x), Points::from(&a));
    let y = Moving::uniform(Points::from(&y), Points::from(&b));
    found.push(sums.directional_derivative(x, y, 0.2, &mut rows));
    found.extend(gradient.iter().map(|g| g.into_f64()));
    found
}

#[test]
fn sliced_sums_have_the_same_bits() {
    check(&[b"slices32"], || slices::<f32>(1.0, 2));
    check(&[b"slices64"], || slices::<f64>(0.7, 3));
    check(&[b"slices64"], || slices::<f64>(1.4, 5));
}

fn training(control_variate: bool) -> Training {
    Training {
        batch: 1200,
        first_iterations: 3,
        iterations: 3,
        control_variate,
        ..Training::default()
    }
}

/// Two time steps from a Dirac or a cloud, in full or half batches.
fn flow<T: Real>(scheme: &dyn Scheme<T>, start: DMatrix<T>, to_target: bool) -> State<T> {
    let grid = time_grid(&[], 0.05, 0.1).expect("a grid");
    let run = |functional: &dyn Functional<T>| {
        let flow = Flow::new(functional, scheme).start(start).expect("a start");
        flow.run(&grid).expect("a flow").state
    };
    if to_target {
        run(&Mmd::new(kernel(1.0), normal(1500, 2, 7), None).expect("a target"))
    } else {
        run(&Interaction::new(kernel(1.0)))
    }
}

#[test]
fn neural_flows_have_the_same_bits() {
    let works: [&Work; 3] = [b"pairs 32", b"layers32", b"reverse3"];
    let dirac = || DMatrix::<f32>::zeros(1200, 2);
    check(&works, || {
        flow(&Backward::new(training(false)), dirac(), false)
    });
    check(&works, || {
        flow(&Forward::new(training(false)), dirac(), false)
    });
    let cloud = || normal::<f32>(2600, 2, 8);
    for control_variate in [false, true] {
        check(&works, || {
            flow(&Backward::new(training(control_variate)), cloud(), true)
        });
        check(&works, || {
            flow(&Forward::new(training(control_variate)), cloud(), true)
        });
    }
    let works: [&Work; 3] = [b"pairs 64", b"layers64", b"reverse6"];
    let dirac = || DMatrix::<f64>::zeros(1200, 2);
    check(&works, || {
        flow(&Backward::new(training(false)), dirac(), false)
    });
}

#[test]
fn particle_flows_have_the_same_bits() {
    for to_target in [false, true] {
        let start = || normal::<f32>(1500, 2, 9);
        check(&[b"pairs 32"], || {
            flow(&Particle::new(3), start(), to_target)
        });
    }
}

/// The hidden outputs of a pass are kept on the ranks only until the next one: the gradient of an earlier
/// pass is found all the same.
#[test]
fn two_passes_on_one_tape_have_their_gradients() {
    check(&[b"layers64", b"reverse6"], || {
        let network = Training::default().network(2);
        let mut parameters = network.initialise(&mut ChaCha8Rng::seed_from_u64(1));
        parameters.extend_from_within(..);
        let transport = Transport::unstandardized(network);
        let (x, z) = (normal::<f64>(2000, 2, 10), normal::<f64>(2000, 2, 11));
        let mut tape = Tape::new();
        let mut graph = tape.record(&parameters);
        let first = transport.record(&mut graph, &x, &z);
        let second = transport.record(&mut graph, &z, &x);
        let difference = graph.subtract(first, second);
        let loss = graph.sum_of_squares(difference);
        let mut gradient = vec![0.0; parameters.len()];
        graph.gradient(loss, &mut gradient);
        gradient.push(graph.scalar(loss));
        gradient
    });
}

#[test]
fn particles_are_pushed_to_the_same_places() {
    check(&[b"layers32"], || {
        let network = Training::default().network(2);
        let parameters = network.initialise(&mut ChaCha8Rng::seed_from_u64(1));
        let transport = Transport::unstandardized(network);
        let (x, z) = (normal::<f32>(10_000, 2, 12), normal::<f32>(10_000, 2, 13));
        transport.push_forward(&parameters, &x, &z)
    });
}

#[test]
fn ranks_are_called_by_the_thread_that_has_them_alone() {
    let shared = on_ranks(
        3,
        |_| 2,
        || {
            let (x, sums) = (normal::<f32>(1500, 2, 14), PairSums::new(kernel(1.0)));
            let x = Measure::uniform(Points::from(&x));
            let other = thread::scope(|scope| {
                let other = scope.spawn(|| (size(), sums.energy(x, x)));
                other.join().expect("no panic")
            });
            [(size(), sums.energy(x, x)), other]
        },
    );
    let [first, other] = shared.found;
    assert_eq!([first.0, other.0], [3, 1]);
    assert_eq!(first.1, other.1);
    assert_eq!(shared.traffic[b"pairs 32"][2], 1, "one call");
}

/// The bytes of docs/performance.md: with N particles in ℝ², 8 rows to a group, on two ranks.
#[test]
fn traffic_is_that_of_the_documentation() {
    let (n, d, p) = (5000, 2, 64);
    let x = normal::<f32>(n, d, 19);
    let gradient = |functional: &Interaction<f32>| {
        let shared = on_ranks(
            2,
            |_| 1,
            || {
                let mut gradient = vec![0.0; n * d];
                functional.gradient(Points::from(&x), &mut gradient)
            },
        );
        let first = shared.traffic.into_iter().next();
        let (_, [out, back, calls]) = first.expect("a sum");
        assert_eq!(calls, 1);
        (out, back)
    };
    let (groups, runs) = (n.div_ceil(8), n.div_ceil(16 * 256));
    let half = groups - groups / 2;
    let found = gradient(&Interaction::new(kernel(1.0)));
    assert_eq!(found, (4 * n * d + 88, half * (8 * runs + 4 * 8 * d)));
    let sliced = Sums::Sliced(Slicing::new(p));
    let found = gradient(&Interaction::with_sums(kernel(1.0), sliced).expect("directions"));
    assert_eq!(found, (4 * n * d + 4 * p * d + 104, 8 * n * d + 32 * p / 2));
}

/// The work of each rank, and how much of it is not divided by their number: that of the first rank is
/// S + D/R. Prints the tables of docs/performance.md; in a release build, on an idle machine:
/// `cargo test --release --test flows work_of_ranks -- --ignored --nocapture`.
#[test]
#[ignore = "takes minutes in a release build"]
fn work_of_ranks() {
    let start = normal::<f32>(20_000, 2, 15);
    let step = |start: &DMatrix<f32>| {
        let functional = Interaction::new(kernel(1.0));
        let scheme = Particle::new(0);
        let mut state = scheme.start(start.clone()).expect("a start");
        scheme.step(&functional, &mut state, 0.1).expect("a step");
        // The measurement of the program: F in double precision.
        let particles = state.particles.map(f64::from);
        let measured = Interaction::new(kernel(1.0)).energy(Points::from(&particles));
        (state, measured)
    };
    report(
        "a particle step and F of 20,000 particles, all pairs",
        || step(&start),
    );
    let sliced = Sums::Sliced(Slicing::new(256));
    let functional = Interaction::with_sums(kernel(1.0), sliced).expect("directions");
    let large = normal::<f32>(1_000_000, 2, 18);
    report("the gradient of 10⁶ particles, 256 directions", || {
        let mut gradient = DMatrix::<f32>::zeros(large.nrows(), 2);
        let energy = functional.gradient(Points::from(&large), gradient.as_mut_slice());
        (energy, &large - gradient)
    });
    let (x, target) = (normal::<f32>(2000, 2, 16), normal::<f32>(4000, 2, 17));
    let functional = Mmd::new(kernel(1.0), target, None).expect("a target");
    let training = Training {
        batch: 2000,
        width: 128,
        hidden_layers: 3,
        first_iterations: 20,
        ..Training::default()
    };
    let scheme = Backward::new(training);
    report("20 iterations, B = 2000, width 128, 4000 atoms", || {
        let mut state = scheme.start(x.clone()).expect("a start");
        scheme.step(&functional, &mut state, 0.5).expect("a step");
        state
    });
}

/// Prints what a program takes on 1 to 16 ranks, and checks the part that is not divided.
fn report<R: Send + PartialEq>(name: &str, program: impl Fn() -> R + Sync) {
    println!("{name}");
    let alone = on_ranks(1, |_| 1, &program);
    let whole = alone.seconds[0];
    println!("  1 rank: {whole:.3} s");
    for size in [2, 3, 4, 8, 16] {
        let shared = on_ranks(size, |_| 1, &program);
        assert!(shared.found == alone.found, "{size} ranks");
        let first = shared.seconds[0];
        let longest = shared.seconds[1..].iter().fold(0.0_f64, |a, &b| a.max(b));
        let fixed = (size as f64 * first - whole) / (size as f64 - 1.0);
        println!(
            "  {size} ranks: first {first:.3} s, longest other {longest:.3} s, not divided {:.2} %",
            100.0 * fixed / whole
        );
        for (work, [out, back, calls]) in &shared.traffic {
            let work = String::from_utf8_lossy(work);
            println!("    {work}: {calls} calls, {out} bytes to each rank, {back} bytes back");
        }
    }
}
