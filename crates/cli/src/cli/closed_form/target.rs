//! `rieszflow closed-form target`: the exact flow of the discrepancy towards an equilibrium or a sphere.

use std::io::{self, Write};

use clap::Args;
use rieszflow_analytic::{EquilibriumTarget, Error};
use rieszflow_cli::numbers::plain;
use rieszflow_cli::targets::{ExactLaw, Target};
use serde::Serialize;

use super::super::{Failure, number, print, whole};
use super::{ScaleScheme, check_steps, print_scales, refuse};

const EXPLANATION: &str = "\
Prints the flow of F_ν(μ) = −½∬|x−y|ʳ dμdμ + ∬|x−y|ʳ dμdν towards the equilibrium η* scaled by A \
(equilibrium:A) or towards the uniform law on the sphere of radius A (sphere:A, for r + d ≥ 4). From \
a Dirac at 0, or a smaller scale of the same law, the flow and both schemes stay such a law: its scale \
c(t) with --time, c_1, …, c_n with --tau and --steps. For sphere:A all scales, --initial-scale \
included, are radii.

--json prints one object with the keys flow_scale, scheme_scales (null where not asked for) and \
discrepancy: D² to the target at the last scale asked for, that of the scheme if there is one.";

#[derive(Args)]
#[command(allow_negative_numbers = true, after_help = EXPLANATION)]
pub(super) struct TargetArguments {
    /// Target ν: equilibrium:A or sphere:A
    #[arg(long, value_name = "LAW", value_parser = parse_law)]
    law: ExactLaw,
    /// Dimension d of the space
    #[arg(long, value_name = "D", value_parser = whole::<usize>)]
    dim: usize,
    /// Exponent r of the kernel −|x−y|ʳ, 0 < r < 2
    #[arg(long, value_name = "R", value_parser = number)]
    exponent: f64,
    /// Scale of the start, at most that of the target; 0 is a Dirac
    #[arg(long, value_name = "C", default_value_t = 0.0, value_parser = number)]
    initial_scale: f64,
    /// Print the scale of the flow at this flow time
    #[arg(long, value_name = "T", value_parser = number)]
    time: Option<f64>,
    /// Print the scales of a scheme with this step size, in flow time
    #[arg(long, value_name = "TAU", requires = "steps", value_parser = number)]
    tau: Option<f64>,
    /// Number n of time steps
    #[arg(long, value_name = "N", requires = "tau", value_parser = whole::<usize>)]
    steps: Option<usize>,
    /// The scheme with these steps: backward (JKO) or forward (steepest descent)
    #[arg(
        long,
        value_enum,
        default_value = "backward",
        hide_possible_values = true
    )]
    scheme: ScaleScheme,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

/// The laws that flows are known to.
const EXPECTED: &str = "equilibrium:A or sphere:A with a number A between 1e-30 and 1e30";

fn parse_law(text: &str) -> Result<ExactLaw, String> {
    match text.parse() {
        Ok(Target::Law(law)) => Ok(law),
        _ => Err(format!("expected {EXPECTED}, not '{text:.100}'")),
    }
}

/// The values that are printed.
#[derive(Serialize)]
struct Answer {
    flow_scale: Option<f64>,
    scheme_scales: Option<Vec<f64>>,
    discrepancy: f64,
}

pub(super) fn run(arguments: &TargetArguments) -> Result<(), Failure> {
    check_steps(arguments.steps)?;
    let law = arguments.law;
    let Some(target) = law.exact_flow(arguments.dim, arguments.exponent) else {
        let message = format!("--law must be {EXPECTED}, not {law}");
        return Err(Failure { status: 2, message });
    };
    let answer = target.and_then(|target| answer(arguments, &target));
    let answer = answer.map_err(|error| refuse(&error))?;
    print(|out| {
        if arguments.json {
            serde_json::to_writer(&mut *out, &answer)?;
            return writeln!(out);
        }
        print_answer(out, arguments, &answer)
    })
}

fn answer(arguments: &TargetArguments, target: &EquilibriumTarget) -> Result<Answer, Error> {
    // What a scale of the equilibrium is printed as.
    let unit = match arguments.law {
        ExactLaw::Sphere(_) => target.equilibrium().radius(),
        _ => 1.0,
    };
    let start = arguments.initial_scale / unit;
    // Without a time this checks the start.
    let flow = target.flow_scale(start, arguments.time.unwrap_or(0.0))?;
    let steps = arguments.tau.zip(arguments.steps);
    let scheme = steps.map(|(tau, steps)| match arguments.scheme {
        ScaleScheme::Backward => target.backward_scales(start, &vec![tau; steps]),
        ScaleScheme::Forward => target.forward_scales(start, &vec![tau; steps]),
    });
    let scheme = scheme.transpose()?;
    let reached = scheme.as_ref().and_then(|scales| scales.last().copied());
    let discrepancy = target.discrepancy(reached.unwrap_or(flow))?;
    Ok(Answer {
        flow_scale: arguments.time.map(|_| flow * unit),
        scheme_scales: scheme.map(|scales| scales.iter().map(|scale| scale * unit).collect()),
        discrepancy,
    })
}

fn print_answer(
    out: &mut impl Write,
    arguments: &TargetArguments,
    answer: &Answer,
) -> io::Result<()> {
    let (name, symbol) = match arguments.law {
        ExactLaw::Sphere(_) => ("radius", "R_n"),
        _ => ("scale", "c_n"),
    };
    writeln!(out, "target       {}", arguments.law)?;
    if let (Some(scale), Some(time)) = (answer.flow_scale, arguments.time) {
        let (scale, time) = (plain(scale), plain(time));
        writeln!(out, "flow {name:<6}  {scale}  (t = {time})")?;
    }
    writeln!(out, "D²           {}", plain(answer.discrepancy))?;
    match &answer.scheme_scales {
        Some(scales) => print_scales(out, symbol, scales),
        None => Ok(()),
    }
}
