//! `rieszflow closed-form`: the closed forms of the interaction energy from a Dirac, evaluated.

mod line;
mod target;

use std::io::{self, Write};

use clap::{Args, Subcommand, ValueEnum};
use rieszflow_analytic::{
    Equilibrium, EquilibriumKind, Error, backward_scales, flow_scale_from, forward_scales,
};
use rieszflow_cli::numbers::plain;
use rieszflow_cli::with_threads;
use serde::Serialize;

use super::{Failure, number, print, whole};

const EXPLANATION: &str = "\
Prints the equilibrium η* = argmin ½∫|x|²dη + E(η) of E(μ) = −½∬|x−y|ʳ dμdμ in ℝᵈ: its kind, the \
radius s of its support, its second moment ∫|x|²dη* and its energy E(η*). The flow of E from a Dirac \
and both schemes are η* scaled by numbers: c(t) with --time, c_1, …, c_n with --tau and --steps.

--json prints one object with the keys kind, radius, second_moment, energy, flow_scale, scheme_scales, \
potential, density and radial_cdf: null where nothing was asked for or a density is infinite, and \
every number with all its digits.";

/// The largest number of time steps.
const MOST_STEPS: usize = 10_000_000;

#[derive(Clone, Copy, ValueEnum)]
enum ScaleScheme {
    /// c₊ − c = τ c₊^{r−1}
    Backward,
    /// c₊ = c + τ c^{r−1}
    Forward,
}

#[derive(Args)]
#[command(
    allow_negative_numbers = true,
    after_help = EXPLANATION,
    args_conflicts_with_subcommands = true,
    subcommand_negates_reqs = true
)]
pub(super) struct ClosedFormArguments {
    #[command(subcommand)]
    other: Option<Other>,
    #[command(flatten)]
    equilibrium: Option<EquilibriumArguments>,
}

#[derive(Subcommand)]
enum Other {
    /// The exact flow of the discrepancy on the line, r = 1
    Line(line::LineArguments),
    /// The exact flow of the discrepancy towards a scaled equilibrium or a sphere
    Target(target::TargetArguments),
}

#[derive(Args)]
struct EquilibriumArguments {
    /// Dimension d of the space
    #[arg(long, value_name = "D", value_parser = whole::<usize>)]
    dim: usize,
    /// Exponent r of the kernel −|x−y|ʳ, 0 < r < 2
    #[arg(long, value_name = "R", value_parser = number)]
    exponent: f64,
    /// Print the scale c(t) of the flow at this flow time
    #[arg(long, value_name = "T", value_parser = number)]
    time: Option<f64>,
    /// Print the scales c_1, …, c_n of a scheme with this step size, in flow time
    #[arg(long, value_name = "TAU", requires = "steps", value_parser = number)]
    tau: Option<f64>,
    /// Number n of time steps
    #[arg(long, value_name = "N", requires = "tau", value_parser = whole::<usize>)]
    steps: Option<usize>,
    /// Scale of the start; 0 is a Dirac
    #[arg(long, value_name = "C", default_value_t = 0.0, value_parser = number)]
    initial_scale: f64,
    /// The scheme with these steps: backward (c₊ − c = τ c₊^{r−1}) or forward (c₊ = c + τ c^{r−1})
    #[arg(
        long,
        value_enum,
        default_value = "backward",
        hide_possible_values = true
    )]
    scheme: ScaleScheme,
    /// Print potential, density and radial distribution function of η* at these distances from 0,
    /// separated by commas
    #[arg(long, value_name = "RHO", value_delimiter = ',', value_parser = number)]
    radius: Vec<f64>,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

/// The values that are printed.
#[derive(Serialize)]
struct Answer {
    kind: &'static str,
    radius: f64,
    second_moment: f64,
    energy: f64,
    flow_scale: Option<f64>,
    scheme_scales: Option<Vec<f64>>,
    potential: Option<Vec<f64>>,
    density: Option<Vec<f64>>,
    radial_cdf: Option<Vec<f64>>,
}

pub(super) fn run(arguments: &ClosedFormArguments) -> Result<(), Failure> {
    let answer = with_threads(None, || match (&arguments.other, &arguments.equilibrium) {
        (Some(Other::Line(arguments)), _) => line::run(arguments),
        (Some(Other::Target(arguments)), _) => target::run(arguments),
        (None, Some(arguments)) => run_equilibrium(arguments),
        (None, None) => {
            let message =
                "closed-form needs --dim and --exponent, or one of the subcommands line and target";
            let message = message.to_owned();
            Err(Failure { status: 2, message })
        }
    });
    answer.map_err(|error| Failure::input(&error))?
}

fn run_equilibrium(arguments: &EquilibriumArguments) -> Result<(), Failure> {
    let usable = |rho: &&f64| **rho >= 0.0 && rho.is_finite();
    if let Some(&rho) = arguments.radius.iter().find(|rho| !usable(rho)) {
        let rho = plain(rho);
        let message = format!("--radius must be finite distances of at least 0, not {rho}");
        return Err(Failure { status: 2, message });
    }
    check_steps(arguments.steps)?;
    let answer = answer(arguments).map_err(|error| refuse(&error))?;
    print(|out| {
        if arguments.json {
            serde_json::to_writer(&mut *out, &answer)?;
            return writeln!(out);
        }
        print_answer(out, arguments, &answer)
    })
}

fn check_steps(steps: Option<usize>) -> Result<(), Failure> {
    match steps.filter(|&steps| steps > MOST_STEPS) {
        None => Ok(()),
        Some(steps) => {
            let message = format!("--steps must be at most {MOST_STEPS}, not {steps}");
            Err(Failure { status: 2, message })
        }
    }
}

/// The error of a closed form, with the option at fault.
pub(super) fn refuse(error: &Error) -> Failure {
    let option = match error {
        Error::Dimension => "--dim: ",
        Error::Exponent(_) | Error::EquilibriumOverflow { .. } => "--exponent: ",
        Error::Time(_) => "--time: ",
        Error::StepSize(_) => "--tau: ",
        Error::Scale(_) | Error::ForwardFromDirac(_) => "--initial-scale: ",
        Error::ScaleOverflow { .. } => "--time or --tau: ",
        Error::BeyondTarget { .. } => "--initial-scale or --tau: ",
        Error::NoSphere { .. } => "--law: ",
        _ => "",
    };
    let message = format!("{option}{error}");
    Failure { status: 2, message }
}

fn answer(arguments: &EquilibriumArguments) -> Result<Answer, Error> {
    let exponent = arguments.exponent;
    let equilibrium = Equilibrium::new(arguments.dim, exponent)?;
    let start = arguments.initial_scale;
    let flow_scale = arguments
        .time
        .map(|time| flow_scale_from(exponent, start, time))
        .transpose()?;
    let scheme_scales = arguments
        .tau
        .zip(arguments.steps)
        .map(|(tau, steps)| match arguments.scheme {
            ScaleScheme::Backward => backward_scales(exponent, start, &vec![tau; steps]),
            ScaleScheme::Forward => forward_scales(exponent, start, &vec![tau; steps]),
        })
        .transpose()?;
    let radii = (!arguments.radius.is_empty()).then_some(&arguments.radius);
    let at = |f: &dyn Fn(f64) -> f64| radii.map(|radii| radii.iter().map(|&rho| f(rho)).collect());
    let is_ball = equilibrium.kind() == EquilibriumKind::Ball;
    Ok(Answer {
        kind: if is_ball { "ball" } else { "sphere" },
        radius: equilibrium.radius(),
        second_moment: equilibrium.second_moment(),
        energy: equilibrium.energy(),
        flow_scale,
        scheme_scales,
        potential: at(&|rho| equilibrium.potential(rho)),
        density: radii
            .filter(|_| is_ball)
            .and_then(|radii| radii.iter().map(|&rho| equilibrium.density(rho)).collect()),
        radial_cdf: at(&|rho| equilibrium.radial_cdf(rho)),
    })
}

/// A line for each time step, after a blank one.
fn print_scales(out: &mut impl Write, symbol: &str, scales: &[f64]) -> io::Result<()> {
    let width = scales.len().to_string().len();
    writeln!(out, "\n{:>width$}  {symbol}", "n")?;
    for (n, scale) in (1..).zip(scales) {
        writeln!(out, "{n:>width$}  {}", plain(*scale))?;
    }
    Ok(())
}

fn print_answer(
    out: &mut impl Write,
    arguments: &EquilibriumArguments,
    answer: &Answer,
) -> io::Result<()> {
    let shape = match answer.kind {
        "ball" => "a density on the ball",
        _ => "uniform on the sphere",
    };
    writeln!(out, "equilibrium    {}: {shape} of radius s", answer.kind)?;
    writeln!(out, "radius s       {}", plain(answer.radius))?;
    writeln!(out, "second moment  {}", plain(answer.second_moment))?;
    writeln!(out, "energy         {}", plain(answer.energy))?;
    if let (Some(scale), Some(time)) = (answer.flow_scale, arguments.time) {
        let (scale, time) = (plain(scale), plain(time));
        writeln!(out, "flow scale     {scale}  (t = {time})")?;
    }
    if let Some(scales) = &answer.scheme_scales {
        print_scales(out, "c_n", scales)?;
    }
    if let (Some(potential), Some(cdf)) = (&answer.potential, &answer.radial_cdf) {
        writeln!(
            out,
            "\n{:<22}  {:<22}  {:<22}  density",
            "|x|", "potential U", "P(|X| ≤ |x|)"
        )?;
        for (i, &rho) in arguments.radius.iter().enumerate() {
            let density = answer.density.as_ref();
            let density = density.map_or("-".to_owned(), |density| plain(density[i]));
            let [rho, potential, cdf] = [rho, potential[i], cdf[i]].map(plain);
            writeln!(out, "{rho:<22}  {potential:<22}  {cdf:<22}  {density}")?;
        }
    }
    Ok(())
}
