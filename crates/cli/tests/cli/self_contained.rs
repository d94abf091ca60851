//! A run's folder is enough: what was read is kept there, and nothing is needed from elsewhere.

use std::fs;
use std::path::Path;

use crate::npz;
use crate::sandbox::{Csv, Results, Sandbox, names, read, summary};

const TARGET: &str = "x,y,weight\n0,1,1\n1,0,3\n2,2,0.5\n";
const START: &str = "x,y\n0,0\n0.5,0.5\n1,0.25\n-1,0.75\n";
const TRAINING: &str = "--batch 4 --iterations 5 --width 8 --hidden-layers 1";
const FLOW: &str = "--time 0.5 --tau 0.25 --quiet --no-plots";

fn with_files() -> Sandbox {
    let sandbox = Sandbox::new();
    fs::create_dir(sandbox.path("data")).expect("a folder");
    fs::write(sandbox.path("data/t.csv"), TARGET).expect("a file");
    fs::write(sandbox.path("data/s.csv"), START).expect("a file");
    sandbox
}

/// A matrix in a numpy file of version 1.0, read from its bytes.
fn read_npy(path: &Path) -> npz::Array {
    npz::npy(&fs::read(path).expect("a file"))
}

#[test]
fn a_run_is_drawn_sampled_and_repeated_without_the_files_it_has_read() {
    let sandbox = with_files();
    let target_and_start = "--target csv:data/t.csv --start csv:data/s.csv";
    let command = format!("mmd {target_and_start} {TRAINING} {FLOW} --out run");
    sandbox.run(&command).good();
    let folder = sandbox.path("run");
    assert_eq!(read(&folder.join("input/t.csv")), TARGET);
    assert_eq!(read(&folder.join("input/s.csv")), START);
    fs::remove_dir_all(sandbox.path("data")).expect("the files");

    let elsewhere = Sandbox::new();
    let run = folder.display();
    let root = Path::new("/");
    elsewhere.run_in(root, &format!("plot {run}")).good();
    assert!(folder.join("snapshots.png").exists());
    let samples = elsewhere.run_in(root, &format!("sample {run} --count 1000"));
    assert_eq!(samples.good().stdout.lines().count(), 1001);
    let again = elsewhere.path("again");
    let command = format!(
        "run {run}/config.toml --out {} --quiet --no-plots",
        again.display()
    );
    elsewhere.run_in(root, &command).good();
    assert!(Results::read(&folder) == Results::read(&again));
    let settings = |text: String| {
        let lines = text.lines().filter(|line| !line.starts_with('#'));
        lines.map(str::to_owned).collect::<Vec<_>>()
    };
    let config = |folder: &Path| settings(read(&folder.join("config.toml")));
    assert_eq!(config(&folder), config(&again));
}

#[test]
fn an_interrupted_run_is_resumed_without_the_files_it_has_read() {
    let sandbox = with_files();
    let command = format!("mmd --target csv:data/t.csv {TRAINING} {FLOW} --particles 20");
    sandbox.run(&format!("{command} --out whole")).good();
    sandbox.run(&format!("{command} --out run")).good();
    // As if it had been killed before the first checkpoint.
    for file in ["summary.json", "metrics.csv", "snapshots.csv", "final.csv"] {
        fs::remove_file(sandbox.path("run").join(file)).expect("a file");
    }
    fs::remove_dir_all(sandbox.path("data")).expect("the files");
    let run = sandbox.path("run");
    let command = format!("resume {} --quiet --no-plots", run.display());
    sandbox.run_in(Path::new("/"), &command).good();
    assert!(Results::read(&run) == Results::read(&sandbox.path("whole")));
}

/// The target in `target.npy` gives the D² that the run reports, by plain sums.
#[test]
fn the_targets_particles_are_in_the_folder() {
    let sandbox = with_files();
    let options = "--scheme particle --particles 7 --start gaussian";
    let command = format!("mmd --target csv:data/t.csv {options} {FLOW} --out run");
    sandbox.run(&command).good();
    let folder = sandbox.path("run");
    let target = read_npy(&folder.join("target.npy"));
    assert_eq!(
        (target.shape, &target.data),
        (vec![3, 2], &vec![0.0, 1.0, 1.0, 0.0, 2.0, 2.0])
    );
    let weights = read_npy(&folder.join("target_weights.npy")).data;
    for (weight, exact) in weights.iter().zip([1.0, 3.0, 0.5]) {
        assert!((weight - exact / 4.5).abs() < 1e-15);
    }
    let x = Csv::read(&folder.join("final.csv")).rows;
    let y: Vec<&[f64]> = target.data.chunks(2).collect();
    let distance = |a: &[f64], b: &[f64]| (a[0] - b[0]).hypot(a[1] - b[1]);
    let count = x.len() as f64;
    let mut discrepancy = 0.0;
    for a in &x {
        for (b, w) in y.iter().zip(&weights) {
            discrepancy += w * distance(a, b) / count;
        }
        for b in &x {
            discrepancy -= 0.5 * distance(a, b) / (count * count);
        }
    }
    for (a, v) in y.iter().zip(&weights) {
        for (b, w) in y.iter().zip(&weights) {
            discrepancy -= 0.5 * v * w * distance(a, b);
        }
    }
    let reported = summary(&folder)["discrepancy"].as_f64().expect("a number");
    assert!(
        (reported - discrepancy).abs() < 1e-12,
        "{reported} and {discrepancy}"
    );
    let metrics = Csv::read(&folder.join("metrics.csv"));
    let last = |name: &str| *metrics.column(name).last().expect("a row");
    // E(μ), and what it corrects: the pairs of each particle with itself.
    let interaction = last("interaction");
    let correction = last("discrepancy_u") - last("discrepancy");
    assert!((correction - interaction / (count - 1.0)).abs() < 1e-12);
}

/// Rows with weights share the particles, and are drawn by their weights.
#[test]
fn a_weighted_start_becomes_particles_of_equal_weight() {
    let sandbox = with_files();
    fs::write(
        sandbox.path("w.csv"),
        "x,y,weight\n0,0,1\n3,0,0\n0.5,0.5,4\n-1,0.75,3\n",
    )
    .expect("a file");
    let files = "--target csv:data/t.csv --start csv:w.csv";
    let flow = "--time 0.5 --tau 0.25 --no-plots --out run";
    let command = format!("mmd {files} {TRAINING} {flow} --particles 16");
    let said = sandbox.run(&command).good().stdout;
    for line in [
        "start: w.csv: 4 particles in dimension 2, columns 'x', 'y', weights from 'weight'\n",
        "start: 16 particles of equal weight share the weights of 4 rows\n",
    ] {
        assert!(said.contains(line), "no {line:?} in {said}");
    }
    let rows = Csv::read(&sandbox.path("run/snapshots.csv")).rows;
    let expected = [[0.0, 0.0]; 2]
        .into_iter()
        .chain([[0.5, 0.5]; 8])
        .chain([[-1.0, 0.75]; 6]);
    assert!(
        rows[..16]
            .iter()
            .zip(expected)
            .all(|(row, x)| row[3..] == x)
    );
    // Fresh particles at time 0: binomial with p = 1/2, standard deviation 32.
    sandbox
        .run("sample run --count 4000 --time 0 --out s.csv")
        .good();
    let rows = Csv::read(&sandbox.path("s.csv")).rows;
    let share = |x: [f64; 2]| rows.iter().filter(|row| row[..] == x).count();
    assert!(share([0.5, 0.5]).abs_diff(2000) < 160);
    assert!(share([0.0, 0.0]).abs_diff(500) < 110);
    assert_eq!(share([3.0, 0.0]), 0);
    // The folder is enough to repeat it.
    fs::remove_file(sandbox.path("w.csv")).expect("a file");
    let again = "run run/config.toml --out again --quiet --no-plots";
    sandbox.run(again).good();
    assert!(Results::read(&sandbox.path("again")) == Results::read(&sandbox.path("run")));
}

/// Standard input is empty the second time, and its copy is in the folder.
#[test]
fn standard_input_is_read_once_and_kept() {
    let sandbox = with_files();
    let flow = format!("{TRAINING} {FLOW} --particles 20");
    let from_pipe = format!("mmd --target csv:- {flow} --out piped");
    sandbox.run_with_input(TARGET.as_bytes(), &from_pipe).good();
    sandbox
        .run(&format!("mmd --target csv:data/t.csv {flow} --out run"))
        .good();
    assert!(Results::read(&sandbox.path("piped")) == Results::read(&sandbox.path("run")));
    assert_eq!(names(&sandbox.path("piped/input")), ["target"]);
    sandbox.run("plot piped").good();
    sandbox.run("sample piped --count 5").good();
    let again = "run piped/config.toml --out again --quiet --no-plots";
    sandbox.run(again).good();
    assert!(Results::read(&sandbox.path("again")) == Results::read(&sandbox.path("run")));
}

/// A named pipe and the device of standard input, for both formats.
#[cfg(unix)]
#[test]
fn pipes_are_read_once_and_kept() {
    let sandbox = with_files();
    let flow = format!("--scheme particle --particles 9 --start gaussian {FLOW}");
    let run = |target: &str, out: &str| format!("mmd --target {target} {flow} --out {out}");
    sandbox.run(&run("csv:data/t.csv", "run")).good();
    let expected = Results::read(&sandbox.path("run"));
    // The particles of the target, as numpy writes them, without their weights.
    let array = fs::read(sandbox.path("run/target.npy")).expect("a file");
    sandbox.run(&run("npy:run/target.npy", "matrix")).good();
    let unweighted = Results::read(&sandbox.path("matrix"));
    for (target, input, expected) in [
        ("csv:/dev/stdin", TARGET.as_bytes(), &expected),
        ("npy:-", &array, &unweighted),
        ("npy:/dev/stdin", &array, &unweighted),
    ] {
        let command = format!("{} --force", run(target, "piped"));
        sandbox.run_with_input(input, &command).good();
        assert!(
            Results::read(&sandbox.path("piped")) == *expected,
            "{target}"
        );
        sandbox.run("plot piped").good();
    }
    let pipe = sandbox.path("pipe");
    let made = std::process::Command::new("mkfifo").arg(&pipe).status();
    assert!(made.expect("mkfifo").success());
    let writer = std::thread::spawn(move || fs::write(pipe, TARGET));
    sandbox.run(&run("csv:pipe", "fifo")).good();
    writer.join().expect("no panic").expect("written");
    assert!(Results::read(&sandbox.path("fifo")) == expected);
    sandbox.run("plot fifo").good();
}

#[test]
fn relative_paths_of_a_configuration_begin_at_its_folder() {
    let sandbox = with_files();
    sandbox
        .run(&format!(
            "mmd --target csv:data/t.csv --scheme particle {FLOW} --out run"
        ))
        .good();
    let config = read(&sandbox.path("run/config.toml")).replace("csv:input/t.csv", "csv:t.csv");
    fs::write(sandbox.path("data/config.toml"), config).expect("a file");
    sandbox
        .run("run data/config.toml --out again --quiet --no-plots")
        .good();
    assert!(Results::read(&sandbox.path("again")) == Results::read(&sandbox.path("run")));
    fs::remove_file(sandbox.path("data/t.csv")).expect("a file");
    let said = sandbox.run("run data/config.toml --out other --quiet");
    said.refused(&["cannot read data/t.csv"]);
}

#[test]
fn files_of_one_name_are_kept_apart() {
    let sandbox = with_files();
    fs::create_dir(sandbox.path("other")).expect("a folder");
    fs::write(sandbox.path("other/t.csv"), START).expect("a file");
    let files = "--target csv:data/t.csv --start csv:other/t.csv --scheme particle";
    sandbox.run(&format!("mmd {files} {FLOW} --out run")).good();
    assert_eq!(names(&sandbox.path("run/input")), ["start-t.csv", "t.csv"]);
    let start = Csv::read(&sandbox.path("run/snapshots.csv"));
    assert!((start.rows[1][3] - 0.5).abs() < 1e-6);
    // A new run leaves no copy of the old one.
    sandbox
        .run(&format!(
            "mmd --target circle --scheme particle {FLOW} --out run --force"
        ))
        .good();
    assert!(!sandbox.path("run/input").exists());
}

/// Fresh particles at time 0 are rows of the start, drawn anew, each about as often.
#[test]
fn samples_start_from_rows_drawn_anew() {
    let sandbox = with_files();
    let files = "--target csv:data/t.csv --start csv:data/s.csv";
    sandbox
        .run(&format!("mmd {files} {TRAINING} {FLOW} --out run"))
        .good();
    for count in [1, 3, 4000] {
        sandbox
            .run(&format!("sample run --count {count} --time 0 --out s.csv"))
            .good();
        let rows = Csv::read(&sandbox.path("s.csv")).rows;
        assert_eq!(rows.len(), count);
        let first = rows.iter().filter(|row| row[..] == [0.0, 0.0]).count();
        if count == 4000 {
            // Binomial with p = 1/4: standard deviation 27.
            assert!(first.abs_diff(1000) < 140, "{first}");
        }
    }
    let said = sandbox.run("sample run --count 0");
    said.refused(&["--count must be between 1"]);
    assert!(!said.stderr.contains("--particles"));
}

#[test]
fn samples_are_written_for_numpy() {
    let sandbox = with_files();
    sandbox
        .run(&format!(
            "mmd --target csv:data/t.csv {TRAINING} {FLOW} --particles 9 --out run"
        ))
        .good();
    sandbox.run("sample run --count 6 --out s.npy").good();
    sandbox.run("sample run --count 6 --out s.csv").good();
    let array = read_npy(&sandbox.path("s.npy"));
    assert_eq!(array.shape, [6, 2]);
    let rows = Csv::read(&sandbox.path("s.csv")).rows;
    assert_eq!(array.data, rows.concat());
}
