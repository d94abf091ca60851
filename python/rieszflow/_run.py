"""The folder of a run of the program, read into arrays."""

from __future__ import annotations

import csv
import json
from dataclasses import dataclass, field
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from rieszflow import _core


@dataclass(frozen=True, eq=False)
class RunResult:
    """A run of the program.

    Attributes
    ----------
    t : ndarray of shape (S,)
        The saved flow times, the start first.
    particles : ndarray of shape (S, n, d)
        The particles at these times.
    metrics : dict of str to ndarray of shape (steps,)
        The columns of ``metrics.csv``, a row for each time step; nan where there is no value.
    target : ndarray of shape (m, d) or None
        The particles of the target, or draws from it, if the run has one.
    config : dict
        Every setting of the run, as in ``config.toml``.
    summary : dict
        What ``summary.json`` says; empty while the run has not ended.
    success : bool
        Whether the run is completed.
    message : str
        How it ended, in words.
    """

    t: npt.NDArray[np.float64]
    particles: npt.NDArray[Any] = field(repr=False)
    metrics: dict[str, npt.NDArray[np.float64]] = field(repr=False)
    target: npt.NDArray[np.float64] | None = field(repr=False)
    config: dict[str, Any] = field(repr=False)
    summary: dict[str, Any] = field(repr=False)
    success: bool
    message: str


def load_run(path: str | PathLike[str]) -> RunResult:
    """Reads the folder of a run of the program ``rieszflow``.

    Parameters
    ----------
    path : str or path-like
        The folder, such as ``"runs/interaction-backward"``.

    Returns
    -------
    RunResult
        With attributes `t`, `particles`, `metrics`, `target`, `config`, `summary`, `success` and `message`.

    Raises
    ------
    FileNotFoundError
        If there is no run in the folder.
    ValueError
        If a file of the run is damaged; the message names it.
    """
    folder = Path(path)
    if not (folder / "config.toml").is_file():
        raise FileNotFoundError(f"path must be the folder of a run, but there is no {folder / 'config.toml'}")
    config = _read(folder / "config.toml", lambda file: _core.read_toml(file.read_text("utf-8")))
    summary_file = folder / "summary.json"
    summary: dict[str, Any] = {}
    if summary_file.is_file():
        summary = _read(summary_file, lambda file: json.loads(file.read_text("utf-8")))
    archive = folder / "snapshots.npz"
    table = folder / "snapshots.csv"
    if archive.is_file():
        t, particles = _read(archive, _archive)
    elif table.is_file():
        t, particles = _read(table, _table)
    else:
        raise FileNotFoundError(f"{archive} is written when the run has ended, and there is no {table}")
    target_file = folder / "target.npy"
    success, message = _outcome(summary, folder)
    return RunResult(
        t=t,
        particles=particles,
        metrics=_read(folder / "metrics.csv", _metrics),
        target=_read(target_file, np.load) if target_file.is_file() else None,
        config=config,
        summary=summary,
        success=success,
        message=message,
    )


def _read(file: Path, read: Any) -> Any:
    """What `read` makes of the file, or an error that names it."""
    try:
        return read(file)
    except (ValueError, KeyError, IndexError, EOFError) as error:
        raise ValueError(f"{file} is damaged: {error}") from error


def _archive(file: Path) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    with np.load(file) as arrays:
        return arrays["times"], arrays["particles"]


def _table(file: Path) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """The snapshots of a run that has not ended: rows step, time, particle, x0, x1, …"""
    rows = np.loadtxt(file, delimiter=",", skiprows=1, ndmin=2)
    steps, first = np.unique(rows[:, 0], return_index=True)
    return rows[first, 1], rows[:, 3:].reshape(len(steps), -1, rows.shape[1] - 3)


def _metrics(file: Path) -> dict[str, npt.NDArray[np.float64]]:
    with file.open(newline="", encoding="utf-8") as lines:
        reader = csv.DictReader(lines)
        rows = list(reader)
        names = list(reader.fieldnames or [])
    return {name: np.array([float(row[name] or "nan") for row in rows]) for name in names}


def _outcome(summary: dict[str, Any], folder: Path) -> tuple[bool, str]:
    status = summary.get("status")
    if status == "completed":
        return True, f"The run is completed at t = {summary['time']:g}."
    if status == "diverged":
        return False, f"The run diverged: {summary.get('reason')}"
    return False, f"The run has not ended; continue it with: rieszflow resume {folder}"
