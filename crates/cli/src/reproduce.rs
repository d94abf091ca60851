//! The paper's figures, each from the runs it needs, in one folder with a page that shows them.

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Instant;

use crate::config::{Config, MmdSettings, SaveAt, SchemeKind};
use crate::experiments::Preset;
use crate::files::replace;
use crate::folder::Status;
use crate::numbers::plain;
use crate::plot::{PlotError, plot_together};
use crate::run::{Output, RunError, run};
use crate::targets::{Target, TargetError};

/// A figure of the paper.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Figure {
    /// D² to the closed form of the interaction flow over time: schemes, step sizes, dimensions.
    Benchmark,
    /// The interaction flow in the plane at several times.
    Interaction,
    /// Two Diracs that each split on the way to two others.
    TwoDiracs,
    /// Two Diracs that become a face.
    Smiley,
    /// Two Diracs that become a drawing, given as an image.
    Drawing,
    /// A grey image that becomes digits, given as an IDX file.
    Mnist,
    /// A flow that collapses into a point and spreads again.
    Implosion,
}

/// What the figures are made from, and where they go.
#[derive(Clone, Debug)]
pub struct Reproduction {
    /// The folder of all figures and of the page `index.html`.
    pub folder: PathBuf,
    /// The drawing's image.
    pub image: Option<PathBuf>,
    /// The digits' IDX file.
    pub digits: Option<PathBuf>,
    /// Whose settings.
    pub preset: Preset,
    /// Number of threads; all cores if `None`.
    pub threads: Option<usize>,
    /// Set it, from a signal handler or another thread, to interrupt the current run.
    pub stop: Arc<AtomicBool>,
}

/// Why a figure could not be made.
#[derive(Debug, thiserror::Error)]
pub enum ReproduceError {
    /// A run has failed.
    #[error(transparent)]
    Run(#[from] RunError),
    /// A target cannot be loaded.
    #[error(transparent)]
    Target(#[from] TargetError),
    /// A figure cannot be drawn.
    #[error(transparent)]
    Plot(#[from] PlotError),
    /// The page cannot be written.
    #[error("cannot write to {}: {source}", folder.display())]
    Page {
        /// The folder.
        folder: PathBuf,
        /// What the operating system reports.
        source: io::Error,
    },
    /// Interrupted.
    #[error("interrupted in {} at t = {}", run.display(), plain(*time))]
    Interrupted {
        /// The figure that was being made.
        figure: Figure,
        /// The folder of the run that was stopped.
        run: PathBuf,
        /// The flow time it reached.
        time: f64,
    },
    /// A figure needs a file that was not given.
    #[error("{0} needs {1}")]
    Needs(&'static str, &'static str),
}

impl Figure {
    /// All figures in the order in which they are shown.
    pub const ALL: [Self; 7] = [
        Self::Benchmark,
        Self::Interaction,
        Self::TwoDiracs,
        Self::Smiley,
        Self::Drawing,
        Self::Mnist,
        Self::Implosion,
    ];

    /// Its name on the command line and the name of its folder.
    pub fn name(self) -> &'static str {
        match self {
            Self::Benchmark => "benchmark",
            Self::Interaction => "interaction",
            Self::TwoDiracs => "two-diracs",
            Self::Smiley => "smiley",
            Self::Drawing => "drawing",
            Self::Mnist => "mnist",
            Self::Implosion => "implosion",
        }
    }

    /// The figure of this name.
    pub fn of_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|figure| figure.name() == name)
    }

    fn caption(self) -> &'static str {
        match self {
            Self::Benchmark => {
                "Squared discrepancy of 2000 particles to the closed form of the interaction flow \
                 from a Dirac, over time: three schemes, dimensions 2 and 10, three step sizes."
            }
            Self::Interaction => {
                "The interaction flow from a Dirac in the plane. The circle is the support of the \
                 exact measure."
            }
            Self::TwoDiracs => {
                "From two Diracs to two others. Each is equally far from both ends and splits."
            }
            Self::Smiley => "From two Diracs to a face.",
            Self::Drawing => "From two Diracs to the ink of a drawing.",
            Self::Mnist => "From one grey image to digits, in 784 dimensions.",
            Self::Implosion => {
                "Mass on a segment collapses into a point at time 1 and spreads again."
            }
        }
    }
}

impl Reproduction {
    /// Makes the figures and the page; `report` gets a line for each run and figure.
    ///
    /// # Errors
    /// If a file is missing, a run fails or is stopped, or something cannot be written; finished runs
    /// stay.
    pub fn make(
        &self,
        figures: &[Figure],
        report: &mut dyn FnMut(&str),
    ) -> Result<(), ReproduceError> {
        let mut sections = String::new();
        for &figure in figures {
            let since = Instant::now();
            let runs = self.runs(figure)?;
            let folder = self.folder.join(figure.name());
            for (name, config) in &runs {
                report(&format!("{}: {name}", figure.name()));
                let output = Output {
                    force: true,
                    threads: self.threads,
                    stop: self.stop.clone(),
                    ..Output::quiet(folder.join(name))
                };
                let summary = run(config, &output)?;
                if summary.status == Status::Interrupted {
                    return Err(ReproduceError::Interrupted {
                        figure,
                        run: output.folder,
                        time: summary.time,
                    });
                }
            }
            if runs.len() > 1 {
                let panels = panels(figure, &runs, &folder);
                plot_together(&panels, &folder.join("metrics.png"))?;
            }
            let seconds = since.elapsed().as_secs_f64();
            report(&format!("{}: {seconds:.0} s", figure.name()));
            sections += &section(figure, &runs, seconds);
            self.write_page(&sections)
                .map_err(|source| ReproduceError::Page {
                    folder: self.folder.clone(),
                    source,
                })?;
        }
        Ok(())
    }

    /// The runs of a figure by name.
    fn runs(&self, figure: Figure) -> Result<Vec<(String, Config)>, ReproduceError> {
        Ok(match figure {
            Figure::Benchmark => self.benchmark(),
            Figure::Interaction => vec![named(self.interaction(SchemeKind::Backward, 2, 0.05))],
            Figure::TwoDiracs => self.towards(&Target::TwoDiracs)?,
            Figure::Smiley => self.towards(&Target::Smiley)?,
            Figure::Drawing => {
                let image = self.image.clone();
                let image = image.ok_or(ReproduceError::Needs("drawing", "--image PATH"))?;
                self.towards(&Target::Image(image))?
            }
            Figure::Mnist => {
                let digits = self.digits.clone();
                let digits = digits.ok_or(ReproduceError::Needs("mnist", "--digits PATH"))?;
                self.towards(&Target::Idx(digits))?
            }
            Figure::Implosion => [SchemeKind::Backward, SchemeKind::Forward]
                .map(|scheme| named(self.preset(Config::implosion(scheme))))
                .to_vec(),
        })
    }

    fn benchmark(&self) -> Vec<(String, Config)> {
        let mut runs = Vec::new();
        for dim in [2, 10] {
            for scheme in SchemeKind::ALL {
                for tau in [0.1, 0.05, 0.025] {
                    let config = self.interaction(scheme, dim, tau);
                    runs.push((format!("{scheme}-d{dim}-tau{tau}"), config));
                }
            }
        }
        runs
    }

    fn interaction(&self, scheme: SchemeKind, dim: usize, tau: f64) -> Config {
        let config = Config {
            tau: tau.into(),
            ..Config::interaction(scheme, dim, 1.0)
        };
        self.preset(config)
    }

    fn preset(&self, config: Config) -> Config {
        match self.preset {
            Preset::Paper => config.paper(),
            Preset::Fast => config,
        }
    }

    fn towards(&self, target: &Target) -> Result<Vec<(String, Config)>, TargetError> {
        let digits = matches!(target, Target::Idx(_));
        let schemes: &[SchemeKind] = if digits {
            &[SchemeKind::Backward]
        } else {
            &SchemeKind::ALL
        };
        schemes
            .iter()
            .map(|&scheme| {
                let mmd = MmdSettings::towards(target.clone());
                let config = Config::mmd(scheme, &mmd, 0, self.preset)?;
                let last = config.time_grid().len() as u64;
                let save_at = if digits {
                    SaveAt::Every(last.div_ceil(50))
                } else {
                    SaveAt::halving(config.time)
                };
                let keep_kernels = config.affordable_kernels();
                Ok(named(Config {
                    save_at,
                    keep_kernels,
                    ..config
                }))
            })
            .collect()
    }

    fn write_page(&self, sections: &str) -> io::Result<()> {
        fs::create_dir_all(&self.folder)?;
        replace(&self.folder.join("index.html"), |file| {
            write!(file, "{PAGE}{sections}</main>\n</html>\n")
        })
    }
}

/// The panels that compare a figure's runs: for the benchmark one for each dimension and step size.
fn panels(figure: Figure, runs: &[(String, Config)], folder: &Path) -> Vec<(String, Vec<PathBuf>)> {
    let mut panels: Vec<(String, Vec<PathBuf>)> = Vec::new();
    for (name, config) in runs {
        let title = match figure {
            Figure::Benchmark => format!("d = {}, τ = {}", config.dim, config.tau),
            _ => config.flow_title(),
        };
        let path = folder.join(name);
        match panels.iter_mut().find(|panel| panel.0 == title) {
            Some(panel) => panel.1.push(path),
            None => panels.push((title, vec![path])),
        }
    }
    panels
}

fn named(config: Config) -> (String, Config) {
    (config.scheme.to_string(), config)
}

const PAGE: &str = "<!doctype html>
<html lang=\"en\">
<meta charset=\"utf-8\">
<title>rieszflow: the paper's figures</title>
<style>
  body { font: 16px/1.5 sans-serif; color: #222; margin: 2em auto; max-width: 70em; padding: 0 1em }
  img { max-width: 100%; height: auto; display: block; margin: 0.5em 0 }
  h2 { margin-top: 2.5em } h3 { margin-bottom: 0 }
</style>
<main>
<h1>Neural Wasserstein gradient flows: the paper's figures</h1>
<p>Altekrüger, Hertrich, Steidl, ICML 2023. The seconds each figure took are given beside it; the
settings of each run are in its config.toml.</p>
";

fn section(figure: Figure, runs: &[(String, Config)], seconds: f64) -> String {
    let name = figure.name();
    let mut html = format!(
        "<h2 id=\"{name}\">{name}</h2>\n<p>{} ({seconds:.0} s)</p>\n",
        figure.caption()
    );
    if runs.len() > 1 {
        html += &image(&format!("{name}/metrics.png"), "discrepancies over time");
    }
    for (run, config) in runs {
        let path = format!("{name}/{run}");
        let links = ["config.toml", "metrics.csv", "snapshots.npz", "flow.gif"]
            .map(|file| format!("<a href=\"{path}/{file}\">{file}</a>"));
        let (scheme, links) = (config.scheme.name(), links.join(" "));
        html += &[
            "<h3>",
            run,
            "</h3>
<p>",
            scheme,
            ": ",
            &links,
            "</p>
",
        ]
        .concat();
        if figure != Figure::Benchmark {
            html += &image(&format!("{path}/snapshots.png"), "particles over time");
        }
    }
    html
}

fn image(path: &str, what: &str) -> String {
    format!("<img src=\"{path}\" alt=\"{what}\">\n")
}
