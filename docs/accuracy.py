"""Accuracy and time of flows from a Dirac by default settings against closed forms, over seeds 0 to 4.

Run from the project's root after `cargo build --release`; `interaction` or `mmd` as an argument
chooses the flows of that command.
"""

import csv
import json
import subprocess
import sys
import tempfile
from pathlib import Path

PROGRAM = Path("target/release/rieszflow").resolve()

INTERACTION = ["interaction"]
EQUILIBRIUM = ["mmd", "--target", "equilibrium:1", "--time", "3"]
SPHERE = ["mmd", "--target", "sphere:1", "--time", "2"]

# flow, scheme, exponent, dimension, more options
ROWS = [
    (INTERACTION, "backward", "1", "1"),
    (INTERACTION, "backward", "1", "2"),
    (INTERACTION, "backward", "1", "3"),
    (INTERACTION, "backward", "1", "10"),
    (INTERACTION, "backward", "1", "100"),
    (INTERACTION, "backward", "0.5", "2", "--time", "0.85"),
    (INTERACTION, "backward", "1.5", "2"),
    (INTERACTION, "forward", "1", "1"),
    (INTERACTION, "forward", "1", "2"),
    (INTERACTION, "forward", "1", "3"),
    (INTERACTION, "forward", "1", "10"),
    (INTERACTION, "particle", "1", "2"),
    (INTERACTION, "particle", "1", "10"),
    (EQUILIBRIUM, "backward", "1", "1"),
    (EQUILIBRIUM, "backward", "1", "2"),
    (EQUILIBRIUM, "backward", "1", "3"),
    (EQUILIBRIUM, "backward", "1.5", "2"),
    (EQUILIBRIUM, "forward", "1", "2"),
    (EQUILIBRIUM, "particle", "1", "2"),
    (SPHERE, "backward", "1", "10"),
    (SPHERE, "forward", "1", "10"),
    (SPHERE, "particle", "1", "10"),
]


def run(flow, scheme, exponent, dim, *options, seed):
    """The summary of a run, and the largest error of its scale after the third step."""
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "run"
        command = [PROGRAM, *flow, "--scheme", scheme, "--exponent", exponent, "--dim", dim]
        command += [*options, "--seed", str(seed), "--no-plots", "--quiet", "--out", out]
        subprocess.run([str(part) for part in command], check=True)
        summary = json.loads((out / "summary.json").read_text())
        with open(out / "metrics.csv", newline="") as file:
            rows = list(csv.DictReader(file))[3:]
    scale = max(abs(float(row["scale_measured"]) / float(row["scale_exact"]) - 1) for row in rows)
    return summary, scale


def main():
    print("| flow | scheme | r | d | D² | U | sampling floor | largest error of the scale | seconds | D² by seed |")
    print("|---|---|---|---|---|---|---|---|---|---|")
    chosen = [row for row in ROWS if len(sys.argv) < 2 or row[0][0] == sys.argv[1]]
    for flow, scheme, exponent, dim, *options in chosen:
        runs = [run(flow, scheme, exponent, dim, *options, seed=seed) for seed in range(5)]
        summaries = [summary for summary, _ in runs]
        mean = lambda key: sum(summary[key] for summary in summaries) / len(summaries)
        cells = [" ".join(flow), scheme, exponent, dim]
        cells += [f"{mean('discrepancy'):.2e}", f"{mean('discrepancy_u'):.1e}"]
        cells += [f"{mean('sampling_floor'):.2e}", f"{100 * max(scale for _, scale in runs):.2f} %"]
        cells += [f"{mean('wall_seconds'):.2f}"]
        cells += [" ".join(f"{summary['discrepancy']:.2e}" for summary in summaries)]
        print("| " + " | ".join(cells) + " |", flush=True)


if __name__ == "__main__":
    main()
