//! `rieszflow closed-form`: the closed forms of the interaction energy from a Dirac, evaluated.

use std::io::{self, Write};

use clap::{Args, Subcommand, ValueEnum};
use rieszflow::analytic::{
    Equilibrium, EquilibriumKind, Error, backward_scales, flow_scale_from, forward_scales,
};
use serde::Serialize;

use super::{Failure, line};

#[derive(Clone, Copy, ValueEnum)]
enum SchemeArgument {
    /// c₊ − c = τ c₊^{r−1}
    Backward,
    /// c₊ = c + τ c^{r−1}
    Forward,
}

/// Prints the equilibrium η* = argmin ½∫|x|²dη + E(η) of E(μ) = −½∬|x−y|ʳ dμdμ: its kind, the
/// radius of its support, its second moment ∫|x|²dη* and energy E(η*). The flow from a Dirac and
/// both schemes are η* scaled by the numbers c(t) and c_n that can be asked for.
#[derive(Args)]
#[command(
    allow_negative_numbers = true,
    args_conflicts_with_subcommands = true,
    subcommand_negates_reqs = true
)]
pub(super) struct Arguments {
    #[command(subcommand)]
    other: Option<Other>,
    #[command(flatten)]
    equilibrium: Option<EquilibriumArguments>,
}

#[derive(Subcommand)]
enum Other {
    /// The exact flow of the discrepancy on the line, r = 1
    Line(line::Arguments),
}

#[derive(Args)]
struct EquilibriumArguments {
    /// Dimension d of the space
    #[arg(long, value_name = "D")]
    dim: usize,
    /// Exponent r of the kernel −|x−y|ʳ, 0 < r < 2
    #[arg(long, value_name = "R")]
    exponent: f64,
    /// Print the scale c(t) of the flow at this flow time
    #[arg(long, value_name = "T")]
    time: Option<f64>,
    /// Print the scales c_1, …, c_n of a scheme with this step size, in flow time
    #[arg(long, value_name = "TAU", requires = "steps")]
    tau: Option<f64>,
    /// Number n of time steps
    #[arg(long, value_name = "N", requires = "tau")]
    steps: Option<usize>,
    /// Scale of the start; 0 is a Dirac
    #[arg(long, value_name = "C", default_value_t = 0.0)]
    initial_scale: f64,
    /// Which scheme's scales to print
    #[arg(long, value_enum, default_value = "backward")]
    scheme: SchemeArgument,
    /// Print potential, density and radial distribution function of η* at these distances from 0
    #[arg(long, value_name = "RHO", value_delimiter = ',')]
    radius: Vec<f64>,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

/// Everything that was asked for.
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

pub(super) fn run(arguments: &Arguments) -> Result<(), Failure> {
    match (&arguments.other, &arguments.equilibrium) {
        (Some(Other::Line(arguments)), _) => line::run(arguments),
        (None, Some(arguments)) => run_equilibrium(arguments),
        (None, None) => {
            let message = "closed-form needs --dim and --exponent, or the subcommand line";
            let message = message.to_owned();
            Err(Failure { status: 2, message })
        }
    }
}

fn run_equilibrium(arguments: &EquilibriumArguments) -> Result<(), Failure> {
    if let Some(rho) = arguments
        .radius
        .iter()
        .find(|rho| !(**rho >= 0.0 && rho.is_finite()))
    {
        let message = format!("--radius must be finite distances of at least 0, not {rho}");
        return Err(Failure { status: 2, message });
    }
    let answer = answer(arguments).map_err(|error| Failure::input(&error))?;
    let printed = if arguments.json {
        serde_json::to_writer(io::stdout(), &answer)
            .map_err(io::Error::from)
            .and_then(|()| writeln!(io::stdout()))
    } else {
        print(arguments, &answer)
    };
    printed.map_err(|error| Failure::run(format!("cannot write the answer: {error}")))
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
            SchemeArgument::Backward => backward_scales(exponent, start, &vec![tau; steps]),
            SchemeArgument::Forward => forward_scales(exponent, start, &vec![tau; steps]),
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

fn print(arguments: &EquilibriumArguments, answer: &Answer) -> io::Result<()> {
    let mut out = io::stdout().lock();
    let shape = match answer.kind {
        "ball" => "a density on the ball",
        _ => "uniform on the sphere",
    };
    writeln!(out, "equilibrium    {}: {shape} of radius s", answer.kind)?;
    writeln!(out, "radius s       {}", answer.radius)?;
    writeln!(out, "second moment  {}", answer.second_moment)?;
    writeln!(out, "energy         {}", answer.energy)?;
    if let (Some(scale), Some(time)) = (answer.flow_scale, arguments.time) {
        writeln!(out, "flow scale     {scale}  (t = {time})")?;
    }
    if let Some(scales) = &answer.scheme_scales {
        writeln!(out, "\n   n  c_n")?;
        for (n, scale) in (1..).zip(scales) {
            writeln!(out, "{n:4}  {scale}")?;
        }
    }
    if let (Some(potential), Some(cdf)) = (&answer.potential, &answer.radial_cdf) {
        writeln!(
            out,
            "\n{:>10}  {:<22}  {:<22}  density",
            "|x|", "potential U", "P(|X| ≤ |x|)"
        )?;
        for (i, rho) in arguments.radius.iter().enumerate() {
            let density = answer
                .density
                .as_ref()
                .map_or("-".to_owned(), |d| d[i].to_string());
            writeln!(
                out,
                "{rho:>10}  {:<22}  {:<22}  {density}",
                potential[i], cdf[i]
            )?;
        }
    }
    Ok(())
}
