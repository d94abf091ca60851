"""Accuracy and time of the interaction flow by default settings, as tables over seeds 0 to 4.

Run from the project's root after `cargo build --release`.
"""

import csv
import json
import subprocess
import sys
import tempfile
from pathlib import Path

PROGRAM = Path("target/release/rieszflow").resolve()

# scheme, exponent, dimension, more options
ROWS = [
    ("backward", "1", "1"),
    ("backward", "1", "2"),
    ("backward", "1", "3"),
    ("backward", "1", "10"),
    ("backward", "1", "100"),
    ("backward", "0.5", "2", "--time", "0.85"),
    ("backward", "1.5", "2"),
    ("forward", "1", "1"),
    ("forward", "1", "2"),
    ("forward", "1", "3"),
    ("forward", "1", "10"),
    ("particle", "1", "2"),
    ("particle", "1", "10"),
]


def run(scheme, exponent, dim, *options, seed):
    """The summary of a run, and the largest error of its scale after the third step."""
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "run"
        command = [PROGRAM, "interaction", "--scheme", scheme, "--exponent", exponent, "--dim", dim]
        command += [*options, "--seed", str(seed), "--no-plots", "--quiet", "--out", out]
        subprocess.run([str(part) for part in command], check=True)
        summary = json.loads((out / "summary.json").read_text())
        with open(out / "metrics.csv", newline="") as file:
            rows = list(csv.DictReader(file))[3:]
    scale = max(abs(float(row["scale_measured"]) / float(row["scale_exact"]) - 1) for row in rows)
    return summary, scale


def main():
    print("| scheme | r | d | D² | U | sampling floor | largest error of the scale | seconds | D² by seed |")
    print("|---|---|---|---|---|---|---|---|---|")
    chosen = [row for row in ROWS if len(sys.argv) < 2 or row[2] in sys.argv[1:]]
    for scheme, exponent, dim, *options in chosen:
        runs = [run(scheme, exponent, dim, *options, seed=seed) for seed in range(5)]
        summaries = [summary for summary, _ in runs]
        mean = lambda key: sum(summary[key] for summary in summaries) / len(summaries)
        cells = [scheme, exponent, dim, f"{mean('discrepancy'):.2e}", f"{mean('discrepancy_u'):.1e}"]
        cells += [f"{mean('sampling_floor'):.2e}", f"{100 * max(scale for _, scale in runs):.2f} %"]
        cells += [f"{mean('wall_seconds'):.2f}"]
        cells += [" ".join(f"{summary['discrepancy']:.2e}" for summary in summaries)]
        print("| " + " | ".join(cells) + " |", flush=True)


if __name__ == "__main__":
    main()
