"""Closed forms: laws, the flow of the interaction energy from a Dirac, and everything on the line.

=====================================================  =============================================
`Equilibrium`, `Gaussian`, `Ball`, `Sphere`, `Mixture`  laws with exact potential, energy and sampler
`discrepancy`                                          D² of points to a law, without sampling it
`flow_scale`, `backward_scales`, `forward_scales`      how far the flow of the energy has come
`exact.line`                                           flow and JKO step on the line, r = 1
=====================================================  =============================================
"""

from rieszflow.exact import line
from rieszflow.exact._laws import Ball, Equilibrium, Gaussian, Law, Mixture, Sphere, discrepancy
from rieszflow.exact._scales import backward_scales, flow_scale, forward_scales

__all__ = [
    "Ball",
    "Equilibrium",
    "Gaussian",
    "Law",
    "Mixture",
    "Sphere",
    "backward_scales",
    "discrepancy",
    "flow_scale",
    "forward_scales",
    "line",
]
