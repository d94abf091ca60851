//! The golden values: outputs, losses, gradients and particle steps as an independent implementation computed them.
//!
//! Every case goes through the functions that training itself uses.

mod comparison;

use nalgebra::DMatrix;
use rieszflow_autodiff::{Graph, Tape, Var};
use rieszflow_flows::scheme::{backward, forward, particle};
use rieszflow_flows::{
    Functional, GenerativeNetwork, Interaction, Minibatches, Mmd, Points, Potential, RieszKernel,
    Transport,
};
use rieszflow_nets::Mlp;
use serde::Deserialize;

use comparison::Comparison;

#[derive(Deserialize)]
struct Golden {
    cases: Vec<Case>,
}

#[derive(Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
enum Case {
    Backward(Neural<BackwardTerms>),
    Forward(Neural<ForwardTerms>),
    Particle(ParticleStep),
}

/// A matrix as the list of its rows.
type Rows = Vec<Vec<f64>>;

/// One evaluation of a training loss.
#[derive(Deserialize)]
struct Neural<Terms> {
    exponent: f64,
    tau: f64,
    denominator_offset: Option<f64>,
    layers: Vec<LayerValues>,
    x1: Rows,
    x2: Rows,
    z1: Rows,
    z2: Rows,
    target: Option<Rows>,
    network_output1: Rows,
    network_output2: Rows,
    expected: Terms,
    expected_gradients: Vec<LayerValues>,
}

#[derive(Deserialize)]
struct LayerValues {
    weight: Rows,
    bias: Vec<f64>,
}

#[derive(Deserialize)]
struct EnergyTerms {
    interaction_energy: f64,
    potential_energy: f64,
}

#[derive(Deserialize)]
struct BackwardTerms {
    #[serde(flatten)]
    energies: EnergyTerms,
    mean_squared_displacement: f64,
    loss: f64,
}

#[derive(Deserialize)]
struct ForwardTerms {
    #[serde(flatten)]
    energies: EnergyTerms,
    directional_derivative_interaction: f64,
    directional_derivative_potential: f64,
    velocity_norm: f64,
    loss: f64,
    step_factor: f64,
}

#[derive(Deserialize)]
struct ParticleStep {
    exponent: f64,
    tau: f64,
    x: Rows,
    target: Option<Rows>,
    expected: ParticleTerms,
}

#[derive(Deserialize)]
struct ParticleTerms {
    x_next: Rows,
}

/// What the comparison with golden values found.
#[derive(Clone, Debug, PartialEq)]
pub struct GoldenReport {
    /// Number of cases of the backward scheme, the forward scheme and the particle flow.
    pub cases: [usize; 3],
    /// Number of values compared.
    pub compared: usize,
    /// The largest error in units of what is allowed.
    pub worst: f64,
    /// What differs by more than is allowed.
    pub failures: Vec<String>,
}

/// Compares every case of golden values, given as JSON text, with what the functions that training
/// uses compute: outputs, loss terms, every derivative, step factors and particle steps, to 1e-9.
///
/// # Errors
/// If the text is not JSON of golden values.
///
/// # Panics
/// If a case contradicts itself, such as rows of different lengths.
pub fn check_golden(text: &str) -> Result<GoldenReport, serde_json::Error> {
    let golden: Golden = serde_json::from_str(text)?;
    let mut comparison = Comparison::default();
    let mut cases = [0; 3];
    for (index, case) in golden.cases.iter().enumerate() {
        match case {
            Case::Backward(case) => {
                cases[0] += 1;
                comparison.start(format!("case {index} (backward, r = {})", case.exponent));
                check_backward(case, &mut comparison);
            }
            Case::Forward(case) => {
                cases[1] += 1;
                comparison.start(format!("case {index} (forward, r = {})", case.exponent));
                check_forward(case, &mut comparison);
            }
            Case::Particle(case) => {
                cases[2] += 1;
                comparison.start(format!("case {index} (particle, r = {})", case.exponent));
                check_particle(case, &mut comparison);
            }
        }
    }
    Ok(GoldenReport {
        cases,
        compared: comparison.compared,
        worst: comparison.worst,
        failures: comparison.failures,
    })
}

fn check_backward(case: &Neural<BackwardTerms>, comparison: &mut Comparison) {
    let expected = &case.expected;
    let energies = Energies::new(case.exponent, case.target.as_ref());
    let x = case.positions();

    let parameters = case.parameters();
    let mut gradient = vec![0.0; parameters.len()];
    let mut tape = Tape::new();
    let mut graph = tape.record(&parameters);
    let output = case.record(&mut graph, &x);
    let moved = graph.value(output).into_owned();
    let loss = backward::loss(&mut graph, energies.functional(), case.tau, &x, output, 0)
        .expect("the energies are finite");
    let value = graph.scalar(loss);
    graph.gradient(loss, &mut gradient);

    case.compare_output(&moved, comparison);
    let (interaction, potential) = energies.at(&moved);
    expected
        .energies
        .compare(interaction, potential, comparison);
    // Without time to flow the loss is the transport term, ½ of this.
    let transport = backward::loss(&mut graph, energies.functional(), 0.0, &x, output, 0)
        .expect("the energies are finite");
    let displacement = 2.0 * graph.scalar(transport);
    comparison.value(
        "mean squared displacement",
        displacement,
        expected.mean_squared_displacement,
        0.0,
    );
    let terms = 0.5 * displacement + case.tau * (interaction.abs() + potential);
    comparison.value("loss", value, expected.loss, terms);
    case.compare_gradients(&gradient, comparison);
}

fn check_forward(case: &Neural<ForwardTerms>, comparison: &mut Comparison) {
    let expected = &case.expected;
    let offset = case.denominator_offset.expect("a denominator offset");
    assert_eq!(
        offset,
        forward::DENOMINATOR_OFFSET,
        "ε in the loss is not a setting"
    );
    let energies = Energies::new(case.exponent, case.target.as_ref());
    let x = case.positions();

    let parameters = case.parameters();
    let mut gradient = vec![0.0; parameters.len()];
    let mut tape = Tape::new();
    let mut graph = tape.record(&parameters);
    let output = case.record(&mut graph, &x);
    let velocities = graph.value(output).into_owned();
    let loss = forward::loss(&mut graph, energies.functional(), &x, output, 0)
        .expect("the derivative is finite");
    let value = graph.scalar(loss);
    graph.gradient(loss, &mut gradient);

    case.compare_output(&velocities, comparison);
    let (interaction, potential) = energies.at(&x);
    expected
        .energies
        .compare(interaction, potential, comparison);
    let norm = expected.velocity_norm;
    let (of_interaction, of_potential) = energies.along(&x, &velocities);
    comparison.value(
        "derivative of the interaction energy",
        of_interaction,
        expected.directional_derivative_interaction,
        norm,
    );
    comparison.value(
        "derivative of the potential energy",
        of_potential,
        expected.directional_derivative_potential,
        norm,
    );
    let root_mean_square = (velocities.norm_squared() / x.nrows() as f64).sqrt();
    comparison.value("velocity norm", root_mean_square, norm, 0.0);
    comparison.value("loss", value, expected.loss, 1.0);
    let factor = forward::step_factor(energies.functional(), &x, &velocities)
        .expect("the derivative is finite");
    comparison.value("step factor", factor, expected.step_factor, norm.recip());
    case.compare_gradients(&gradient, comparison);
}

fn check_particle(case: &ParticleStep, comparison: &mut Comparison) {
    let energies = Energies::new(case.exponent, case.target.as_ref());
    let x = matrix(&case.x);
    let moved = particle::step(energies.functional(), &x, case.tau).expect("a step");
    let expected = matrix(&case.expected.x_next);
    comparison.matrix("particles", &moved, &expected, x.amax());

    // Coincident particles exert no force on each other: a Dirac stays one, and does not move without a target.
    if x.row_iter().all(|row| row == x.row(0)) {
        assert!(moved.row_iter().all(|row| row == moved.row(0)));
        assert!(case.target.is_some() || moved == x);
    }
}

/// The functional of a case and its two parts, each of which the file has values for.
struct Energies {
    interaction: Interaction<f64>,
    attraction: Option<(Potential<f64>, Mmd<f64>)>,
}

impl Energies {
    fn new(exponent: f64, target: Option<&Rows>) -> Self {
        let kernel = RieszKernel::new(exponent).expect("0 < r < 2");
        let attraction = target.map(|target| {
            let target = matrix(target);
            (
                Potential::new(kernel, target.clone(), None).expect("a target"),
                Mmd::new(kernel, target, None).expect("a target"),
            )
        });
        Self {
            interaction: Interaction::new(kernel),
            attraction,
        }
    }

    fn functional(&self) -> &dyn Functional<f64> {
        match &self.attraction {
            Some((_, mmd)) => mmd,
            None => &self.interaction,
        }
    }

    /// Ê and V̂ on two minibatches.
    fn at(&self, x: &DMatrix<f64>) -> (f64, f64) {
        self.each(|functional| {
            let batches = Minibatches::new(Points::from(x));
            functional.minibatch_energy(batches, &mut vec![0.0; x.len()])
        })
    }

    /// D̂_vE and D̂_vV on two minibatches.
    fn along(&self, x: &DMatrix<f64>, velocities: &DMatrix<f64>) -> (f64, f64) {
        self.each(|functional| {
            functional
                .minibatch_derivative(
                    Minibatches::new(Points::from(x)),
                    Minibatches::new(Points::from(velocities)),
                    &mut vec![0.0; x.len()],
                )
                .expect("the derivative is finite")
        })
    }

    /// A value of the interaction energy, and of the potential energy (0 without a target).
    fn each(&self, value: impl Fn(&dyn Functional<f64>) -> f64) -> (f64, f64) {
        let potential = self.attraction.as_ref().map(|(potential, _)| potential);
        (
            value(&self.interaction),
            potential.map_or(0.0, |potential| value(potential)),
        )
    }
}

impl EnergyTerms {
    fn compare(&self, interaction: f64, potential: f64, comparison: &mut Comparison) {
        for (name, found, expected) in [
            ("interaction energy", interaction, self.interaction_energy),
            ("potential energy", potential, self.potential_energy),
        ] {
            comparison.value(name, found, expected, 0.0);
        }
    }
}

impl<Terms> Neural<Terms> {
    /// Both minibatches, one below the other (2B×d).
    fn positions(&self) -> DMatrix<f64> {
        assert_eq!(self.x1.len(), self.x2.len(), "batches of one size");
        below(&self.x1, &self.x2)
    }

    /// The sizes of inputs, hidden layers and outputs.
    fn sizes(&self) -> Vec<usize> {
        let inputs = self.layers[0].weight[0].len();
        let outputs = self.layers.iter().map(|layer| layer.bias.len());
        std::iter::once(inputs).chain(outputs).collect()
    }

    /// The parameter vector that holds the file's weights and biases.
    fn parameters(&self) -> Vec<f64> {
        let network = Mlp::new(&self.sizes());
        let mut parameters = vec![f64::NAN; network.parameter_count()];
        for (layer, given) in network.layers().iter().zip(&self.layers) {
            layer
                .weight_mut(&mut parameters)
                .copy_from(&matrix(&given.weight));
            layer.bias_mut(&mut parameters).copy_from_slice(&given.bias);
        }
        parameters
    }

    /// Records the network on both minibatches, as the training does.
    fn record(&self, graph: &mut Graph<'_, f64>, x: &DMatrix<f64>) -> Var {
        let (sizes, dim) = (self.sizes(), x.ncols());
        let z = below(&self.z1, &self.z2);
        let hidden_layers = self.layers.len() - 1;
        let network = GenerativeNetwork::new(dim, z.ncols(), sizes[1], hidden_layers);
        if *network.network() == Mlp::new(&sizes) {
            return Transport::unstandardized(network).record_displacement(graph, x, &z);
        }
        // Hidden layers of different widths, which no transport has.
        let input = graph.constant_with(x.nrows(), x.ncols() + z.ncols(), |entries| {
            let (left, right) = entries.split_at_mut(x.len());
            left.copy_from_slice(x.as_slice());
            right.copy_from_slice(z.as_slice());
        });
        Mlp::new(&sizes).record(graph, input)
    }

    fn compare_output(&self, output: &DMatrix<f64>, comparison: &mut Comparison) {
        let expected = below(&self.network_output1, &self.network_output2);
        comparison.matrix("network output", output, &expected, expected.amax());
    }

    fn compare_gradients(&self, gradient: &[f64], comparison: &mut Comparison) {
        let network = Mlp::new(&self.sizes());
        let expected = &self.expected_gradients;
        assert_eq!(
            network.layers().len(),
            expected.len(),
            "gradients of every layer"
        );
        let largest = gradient.iter().fold(0.0, |max: f64, g| max.max(g.abs()));
        for (index, (layer, expected)) in network.layers().iter().zip(expected).enumerate() {
            let (weight, bias) = (layer.weight(gradient), layer.bias(gradient));
            comparison.matrix(
                &format!("gradient in weight {index}"),
                &weight.into_owned(),
                &matrix(&expected.weight),
                largest,
            );
            comparison.matrix(
                &format!("gradient in bias {index}"),
                &DMatrix::from_column_slice(bias.len(), 1, bias.as_slice()),
                &DMatrix::from_column_slice(expected.bias.len(), 1, &expected.bias),
                largest,
            );
        }
    }
}

fn matrix(rows: &Rows) -> DMatrix<f64> {
    let columns = rows.first().map_or(0, Vec::len);
    assert!(
        rows.iter().all(|row| row.len() == columns),
        "rows of one length"
    );
    DMatrix::from_fn(rows.len(), columns, |i, k| rows[i][k])
}

/// Two matrices, one below the other.
fn below(first: &Rows, second: &Rows) -> DMatrix<f64> {
    matrix(&first.iter().chain(second).cloned().collect())
}
