//! The particles that an experiment reads or draws, and copies of the files they come from.

use std::path::{Path, PathBuf};

use nalgebra::DMatrix;
use rieszflow_flows::rng::{Purpose, stream};
use rieszflow_flows::{NormalStart, Origin};

use super::{ExperimentError, implosion};
use crate::config::{Config, Experiment, GenerateSettings, MmdSettings};
use crate::files::input::Input;
use crate::files::particles::Particles;
use crate::posterior::Pairs;
use crate::setting::{Phrase, check};
use crate::targets::{Data, ExactLaw, Loaded, Shares, Start, Target, TargetError, of_equal_weight};

/// The folder of the copies within a run's folder.
pub(crate) const COPIES: &str = "input";

/// The target of a flow, read or drawn, and the start where a file gives it.
///
/// A source is read once: standard input and pipes are empty the second time.
#[derive(Clone, Debug, Default)]
pub struct Inputs {
    /// `None` for an exact law.
    pub(crate) target: Option<Loaded>,
    pub(crate) start: Option<Loaded>,
    /// What a chain learns from.
    pub(crate) data: Option<Loaded>,
    /// The pairs that a chain learns posteriors from.
    pub(crate) pairs: Option<Pairs>,
    dim: Option<usize>,
}

/// The copy of a file in a run's folder.
#[derive(Clone, Debug)]
pub(crate) struct InputCopy {
    /// Its path within the run's folder.
    pub(crate) path: PathBuf,
    pub(crate) input: Input,
}

impl Inputs {
    /// Reads or draws what the experiment needs; relative paths of files begin at `folder`. Data of a law is
    /// drawn in ℝ^`dim`.
    ///
    /// # Errors
    /// If a file cannot be read or is not what it should be.
    pub fn read(
        experiment: &Experiment,
        dim: usize,
        seed: u64,
        folder: &Path,
    ) -> Result<Self, TargetError> {
        let mmd = match experiment {
            Experiment::Mmd(mmd) => mmd,
            Experiment::Generate(generate) => {
                return Ok(Self::of_data(generate.load(dim, seed, folder)?));
            }
            Experiment::Posterior(posterior) => {
                return Ok(Self::of_pairs(posterior.load(seed, folder)?));
            }
            _ => return Ok(Self::default()),
        };
        let sampling = mmd.sampling(seed);
        let target = match mmd.law() {
            Some(_) => None,
            None => Some(target_in(folder, &mmd.target).load(&sampling)?),
        };
        let dim_of = |loaded: &Loaded| loaded.particles.points.ncols();
        let of_law = mmd.law().and_then(ExactLaw::dim);
        let dim = of_law.or_else(|| target.as_ref().map(dim_of));
        // A file gives its own number of particles.
        let start = start_in(folder, &mmd.start);
        let start = match (start.path(), dim) {
            (Some(_), Some(dim)) => Some(start.load(1, dim, seed, &sampling.columns)?),
            _ => start.read(&sampling.columns)?,
        };
        let of_start = || start.as_ref().map(dim_of).or_else(|| mmd.start.dim());
        Ok(Self {
            dim: dim.or_else(of_start),
            target,
            start,
            ..Self::default()
        })
    }

    fn of_data(data: Loaded) -> Self {
        Self {
            dim: Some(data.particles.points.ncols()),
            data: Some(data),
            ..Self::default()
        }
    }

    fn of_pairs(pairs: Pairs) -> Self {
        Self {
            dim: Some(pairs.unknowns.ncols() + pairs.observations.ncols()),
            pairs: Some(pairs),
            ..Self::default()
        }
    }

    /// The same files for another seed, which keys what is drawn. Nothing is read again.
    ///
    /// # Errors
    /// If a target cannot be drawn.
    pub fn with_seed(&self, experiment: &Experiment, seed: u64) -> Result<Self, TargetError> {
        let Experiment::Mmd(mmd) = experiment else {
            return Ok(Self::default());
        };
        let sampling = mmd.sampling(seed);
        let input = |target: &Loaded| target.input.clone();
        let target = match (mmd.law(), self.target.as_ref().and_then(input)) {
            (Some(_), _) => None,
            (None, Some(input)) => Some(mmd.target.interpret(input, &sampling)?),
            (None, None) => Some(mmd.target.load(&sampling)?),
        };
        Ok(Self {
            target,
            start: self.start.clone(),
            dim: self.dim,
            ..Self::default()
        })
    }

    /// What was read from files, in a line for each.
    pub fn descriptions(&self) -> impl Iterator<Item = String> {
        let line = |name: &str, loaded: &Option<Loaded>| {
            let description = loaded.as_ref()?.description.as_ref()?;
            Some(format!("{name}: {description}"))
        };
        let lines = [
            line("target", &self.target),
            line("start", &self.start),
            line("data", &self.data),
        ];
        let pairs = self
            .pairs
            .as_ref()
            .and_then(|pairs| pairs.description.as_ref());
        let pairs = pairs.map(|description| format!("data: {description}"));
        lines.into_iter().flatten().chain(pairs)
    }

    /// The dimension of the target; of a law that has none of its own, that of the start, if it tells.
    pub fn dim(&self) -> Option<usize> {
        self.dim
    }

    /// The same inputs in ℝ^`dim`, if neither the target nor the start tells the dimension.
    #[must_use]
    pub fn or_dim(self, dim: Option<usize>) -> Self {
        Self {
            dim: self.dim.or(dim),
            ..self
        }
    }

    /// The number of particles of a start that a file gives; rows with weights do not decide about it.
    pub(crate) fn start_count(&self) -> Option<usize> {
        let start = &self.start.as_ref()?.particles;
        start.weights.is_none().then(|| start.points.nrows())
    }
}

/// The start and the target of a flow as they enter the computation.
pub(crate) struct Problem {
    /// The particles at time 0, N×d.
    pub(crate) start: DMatrix<f64>,
    /// The particles of the target, if the flow has one.
    pub(crate) target: Option<Particles>,
    /// The target, if it is an exact law without atoms.
    pub(crate) law: Option<ExactLaw>,
    /// The samples that a chain is not trained on (L×d), if this is one.
    pub(crate) held_out: Option<DMatrix<f64>>,
    /// Rows and columns of the target's images, if it consists of images.
    pub(crate) image_shape: Option<(usize, usize)>,
    /// Width and height in the plane of the picture that the target is drawn from.
    pub(crate) aspect: Option<(f64, f64)>,
    /// The files that were read, to be copied into the run's folder.
    pub(crate) copies: Vec<InputCopy>,
    /// Where the flow computes from.
    pub(crate) origin: Origin,
    /// How the weights of the start have become particles, if it has weights.
    pub(crate) sharing: Option<String>,
}

impl Config {
    /// The start and the target, and the configuration whose files are the copies of the run's folder.
    ///
    /// # Errors
    /// If start and target do not fit the configuration.
    pub(crate) fn problem(&self, inputs: Inputs) -> Result<(Self, Problem), ExperimentError> {
        let mut config = self.clone();
        let mut problem = Problem {
            start: DMatrix::zeros(0, 0),
            target: None,
            law: None,
            held_out: None,
            image_shape: None,
            aspect: None,
            copies: Vec::new(),
            origin: Origin::zero(self.dim),
            sharing: None,
        };
        match &mut config.experiment {
            Experiment::Interaction => problem.start = DMatrix::zeros(self.particles, self.dim),
            Experiment::Implosion => problem.start = implosion::start(self.particles),
            Experiment::Mmd(mmd) => {
                let mut start = match inputs.start {
                    Some(start) => start,
                    None => mmd.start(self.particles, self.dim, self.seed)?,
                };
                if let Some((points, missed)) = of_equal_weight(&start.particles, self.particles) {
                    problem.sharing = Some(sharing(&start.particles, self.particles, missed));
                    start.particles.points = points;
                }
                let points = start.particles.points;
                if let Some(law) = mmd.law() {
                    self.check_fit(mmd, &points, Extent::of_law(law, self)?)?;
                    problem.copies = copies(mmd, None, start.input);
                    match law.atoms(self.dim) {
                        Some(atoms) => problem.target = Some(Particles::equal(atoms)),
                        None => problem.law = Some(law),
                    }
                } else {
                    let target = match inputs.target {
                        Some(target) => target,
                        None => mmd.target.load(&mmd.sampling(self.seed))?,
                    };
                    self.check_fit(mmd, &points, Extent::of_particles(&target.particles))?;
                    problem.copies = copies(mmd, target.input, start.input);
                    problem.origin = Origin::of(&points, &target.particles.points);
                    problem.target = Some(target.particles);
                    problem.image_shape = target.image_shape;
                    problem.aspect = target.aspect;
                }
                problem.start = points;
            }
            Experiment::Generate(generate) => {
                let data = match inputs.data {
                    Some(data) => data,
                    None => generate.load(self.dim, self.seed, Path::new(""))?,
                };
                let points = &data.particles.points;
                self.check_data(generate, points)?;
                let (training, held_out) = generate.split(points, self.seed)?;
                problem.start = NormalStart::of(&training).particles(self.particles, self.seed);
                problem.origin = Origin::of(&problem.start, &training);
                problem.target = Some(Particles::equal(training));
                problem.held_out = Some(held_out);
                problem.image_shape = data.image_shape;
                if let Some(input) = data.input {
                    let path = Path::new(COPIES).join(copy_name("data", &input));
                    generate.data = generate.data.with_path(path.clone());
                    problem.copies = vec![InputCopy { path, input }];
                }
            }
            Experiment::Posterior(posterior) => {
                self.posterior_problem(posterior, inputs.pairs, &mut problem)?;
            }
        }
        Ok((config, problem))
    }

    /// `count` independent draws from the start (`count`×d); relative paths of files begin at `folder`.
    ///
    /// # Errors
    /// If the start's file cannot be read.
    pub(crate) fn draw_start(
        &self,
        count: usize,
        seed: u64,
        folder: &Path,
    ) -> Result<DMatrix<f64>, TargetError> {
        match &self.experiment {
            Experiment::Interaction => Ok(DMatrix::zeros(count, self.dim)),
            Experiment::Implosion => Ok(implosion::start(count)),
            Experiment::Mmd(mmd) => {
                let mmd = MmdSettings {
                    start: start_in(folder, &mmd.start),
                    ..mmd.clone()
                };
                let needed = match &mmd.start {
                    Start::Diracs(atoms) => count.max(atoms.len()),
                    _ => count,
                };
                let particles = mmd.start(needed, self.dim, seed)?.particles;
                if mmd.start.path().is_none() && needed == count {
                    return Ok(particles.points);
                }
                let mut rng = stream(seed, Purpose::Sample, 0, 0);
                let rows = Shares::of(&particles).draw(count, &mut rng);
                Ok(particles.points.select_rows(&rows))
            }
            Experiment::Generate(generate) => {
                let data = generate.load(self.dim, self.seed, folder)?;
                let (training, _) = generate.split(&data.particles.points, self.seed)?;
                Ok(NormalStart::of(&training).samples(count, seed))
            }
            Experiment::Posterior(_) => unreachable!("`sample_posteriors` draws its own starts"),
        }
    }

    /// Checks that data is in the space of the chain, and representable.
    fn check_data(
        &self,
        generate: &GenerateSettings,
        data: &DMatrix<f64>,
    ) -> Result<(), ExperimentError> {
        let dim = data.ncols();
        let expected = Phrase::from(format!("{dim}, the dimension of "))
            .setting("data")
            .text(format!(" {}", generate.data));
        check("dim", self.dim == dim, expected, &self.dim)?;
        let largest = self.precision.largest_coordinate();
        let expected = Phrase::from(format!("made of numbers up to {largest:e} with "))
            .setting("precision")
            .text(format!(" {}", self.precision));
        check("data", data.amax() <= largest, expected, &generate.data)?;
        Ok(())
    }

    /// Checks that start and target are in one space, and representable.
    fn check_fit(
        &self,
        mmd: &MmdSettings,
        start: &DMatrix<f64>,
        target: Extent,
    ) -> Result<(), ExperimentError> {
        let dim = target.dim.unwrap_or(self.dim);
        let expected = Phrase::from(format!("{dim}, the dimension of "))
            .setting("target")
            .text(format!(" {}", mmd.target));
        check("dim", self.dim == dim, expected, &self.dim)?;
        let dim = start.ncols();
        let expected = Phrase::from(format!("{dim}, the dimension of "))
            .setting("start")
            .text(format!(" {}", mmd.start));
        check("dim", self.dim == dim, expected, &self.dim)?;
        let count = start.nrows();
        let expected = Phrase::from(format!("{count}, the number of particles in "))
            .setting("start")
            .text(format!(" {}", mmd.start));
        let fits = self.particles == count;
        check("particles", fits, expected, &self.particles)?;
        let largest = self.precision.largest_coordinate();
        let expected = Phrase::from(format!("made of numbers up to {largest:e} with "))
            .setting("precision")
            .text(format!(" {}", self.precision));
        let fits = start.amax() <= largest;
        check("start", fits, expected.clone(), &mmd.start)?;
        check("target", target.size <= largest, expected, &mmd.target)?;
        Ok(())
    }
}

/// In which space a target is and how far it reaches.
#[derive(Clone, Copy)]
struct Extent {
    /// `None` for a law in every dimension.
    dim: Option<usize>,
    size: f64,
}

impl Extent {
    fn of_particles(particles: &Particles) -> Self {
        Self {
            dim: Some(particles.points.ncols()),
            size: particles.points.amax(),
        }
    }

    fn of_law(law: ExactLaw, config: &Config) -> Result<Self, rieszflow_analytic::Error> {
        Ok(Self {
            dim: law.dim(),
            size: law.radius(config.dim, config.exponent)?,
        })
    }
}

impl MmdSettings {
    fn start(&self, count: usize, dim: usize, seed: u64) -> Result<Loaded, TargetError> {
        self.start.load(count, dim, seed, &self.columns)
    }
}

/// What has become of the weights of a start, for people.
fn sharing(start: &Particles, count: usize, missed: usize) -> String {
    let rows = start.points.nrows();
    let missed = match missed {
        0 => String::new(),
        _ => format!(", and {missed} of the rows are too light for one"),
    };
    format!("start: {count} particles of equal weight share the weights of {rows} rows{missed}")
}

/// The copies of the files that were read; `mmd` then names the copies.
fn copies(mmd: &mut MmdSettings, target: Option<Input>, start: Option<Input>) -> Vec<InputCopy> {
    let mut copies: Vec<InputCopy> = Vec::new();
    if let Some(input) = target {
        let path = Path::new(COPIES).join(copy_name("target", &input));
        mmd.target = mmd.target.with_path(path.clone());
        copies.push(InputCopy { path, input });
    }
    if let Some(input) = start {
        let mut path = Path::new(COPIES).join(copy_name("start", &input));
        if copies.iter().any(|other| other.path == path) {
            let name = format!("start-{}", copy_name("start", &input));
            path = Path::new(COPIES).join(name);
        }
        mmd.start = mmd.start.with_path(path.clone());
        copies.push(InputCopy { path, input });
    }
    copies
}

/// The name of the file, or `role` for a source without a name, such as a pipe.
pub(super) fn copy_name(role: &str, input: &Input) -> String {
    let name = input
        .path()
        .file_name()
        .filter(|_| input.can_be_read_again());
    name.map_or_else(
        || role.to_owned(),
        |name| name.to_string_lossy().into_owned(),
    )
}

fn target_in(folder: &Path, target: &Target) -> Target {
    match target.path().and_then(|path| in_folder(folder, path)) {
        Some(path) => target.with_path(path),
        None => target.clone(),
    }
}

fn start_in(folder: &Path, start: &Start) -> Start {
    match start.path().and_then(|path| in_folder(folder, path)) {
        Some(path) => start.with_path(path),
        None => start.clone(),
    }
}

pub(super) fn data_in(folder: &Path, data: &Data) -> Data {
    match data.path().and_then(|path| in_folder(folder, path)) {
        Some(path) => data.with_path(path),
        None => data.clone(),
    }
}

/// The path of a file whose relative path begins at `folder`; `None` for standard input.
pub(super) fn in_folder(folder: &Path, path: &Path) -> Option<PathBuf> {
    (path != Path::new("-")).then(|| folder.join(path))
}
