"""Energy distances, MMD with Riesz kernels and their Wasserstein gradient flows.

Points are the rows of arrays of shape (n_samples, n_features). The kernel is K(x, y) = -\\|x - y\\|^r with
0 < r < 2, the squared discrepancy of two probability measures

    D²(mu, nu) = ∬\\|x-y\\|^r dmu dnu - ½∬\\|x-x'\\|^r dmu dmu - ½∬\\|y-y'\\|^r dnu dnu,

and the functional that flows is F(mu) = D²(mu, nu) up to a constant.

====================================  ==============================================================
`mmd2`, `mmd2_and_grad`               D² of two samples, and its gradient in the points
`energy_distance`                     √(2D²) for r = 1, as ``scipy.stats.energy_distance``, any dimension
`flow`                                the gradient flow of D²: neural backward and forward, particles
`generate`                            a chain of networks that learns to sample the law of data
`posterior`                           the same of an unknown given its observation, from pairs
`exact`                               laws and flows with closed forms, and D² to them
`load_run`                            the folder of a run of the program
`rieszflow.torch.MMD2Loss`            D² as a loss (needs torch)
====================================  ==============================================================

References
----------
Altekrüger, Hertrich, Steidl, "Neural Wasserstein Gradient Flows for Discrepancies with Riesz Kernels",
ICML 2023.
"""

from rieszflow import exact
from rieszflow._core import VERSION as __version__
from rieszflow._discrepancy import energy_distance, mmd2, mmd2_and_grad
from rieszflow._flow import FlowResult, flow
from rieszflow._generate import Generator, generate
from rieszflow._posterior import PosteriorSampler, posterior
from rieszflow._run import RunResult, load_run

__all__ = [
    "FlowResult",
    "Generator",
    "PosteriorSampler",
    "RunResult",
    "__version__",
    "energy_distance",
    "exact",
    "flow",
    "generate",
    "load_run",
    "mmd2",
    "mmd2_and_grad",
    "posterior",
]
