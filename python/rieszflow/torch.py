"""D² as a loss of torch."""

from __future__ import annotations

from typing import Any, Literal

import torch

from rieszflow._arrays import RandomState, exponent as as_exponent, slicing
from rieszflow._discrepancy import mmd2, mmd2_and_grad

__all__ = ["MMD2Loss"]


class MMD2Loss(torch.nn.Module):
    r"""Squared discrepancy D² of two samples with the Riesz kernel -\|x - y\|^r, differentiable in both.

    Parameters
    ----------
    exponent : float, default 1.0
        r, strictly between 0 and 2; 1 is half the squared energy distance.
    unbiased : bool, default False
        Leave out pairs of a point with itself, as in `rieszflow.mmd2`.
    sums, n_directions, random_state
        How sums over pairs are computed, as in `rieszflow.mmd2`. Sliced sums take fresh directions in each call
        if `random_state` is None.

    Notes
    -----
    ``loss(X, Y)`` takes tensors of shape (n, d) and (m, d) on the CPU, and, as ``loss(X, Y, a, b)``, weights of
    their rows, which get no gradient. Gradients are finite at coincident points, and have the dtype of their
    tensors; the loss has that of `X`, or float64 if `X` is whole. A sample that needs no gradient costs none. Nothing is stored but
    O((n + m) d) numbers. Second derivatives are not defined.

    Examples
    --------
    >>> import torch
    >>> from rieszflow.torch import MMD2Loss
    >>> x = torch.zeros(2, 1, requires_grad=True)
    >>> loss = MMD2Loss()(x, torch.tensor([[3.0]]))
    >>> loss.backward()
    >>> loss.item(), x.grad.flatten().tolist()
    (3.0, [-0.5, -0.5])
    """

    def __init__(
        self,
        exponent: float = 1.0,
        unbiased: bool = False,
        *,
        sums: Literal["exact", "sliced"] = "exact",
        n_directions: int | None = None,
        random_state: RandomState = None,
    ) -> None:
        super().__init__()
        self.exponent = as_exponent(exponent)
        self.unbiased = bool(unbiased)
        slicing(sums, n_directions, 1)
        self.sums = sums
        self.n_directions = n_directions
        self.random_state = random_state

    def forward(
        self,
        X: torch.Tensor,
        Y: torch.Tensor,
        a: torch.Tensor | None = None,
        b: torch.Tensor | None = None,
    ) -> torch.Tensor:
        """D² of the rows of `X` (n, d) and `Y` (m, d), a tensor without dimensions."""
        for name, tensor in (("X", X), ("Y", Y), ("a", a), ("b", b)):
            _check(name, tensor)
        options = {
            "exponent": self.exponent,
            "unbiased": self.unbiased,
            "sums": self.sums,
            "n_directions": self.n_directions,
            "random_state": self.random_state,
        }
        loss: torch.Tensor = _MMD2.apply(X, Y, a, b, options)
        return loss

    def extra_repr(self) -> str:
        """The settings, as in the representation of the module."""
        return f"exponent={self.exponent}, unbiased={self.unbiased}, sums={self.sums!r}"


def _check(name: str, tensor: torch.Tensor | None) -> None:
    optional = name in "ab"
    if tensor is None and optional:
        return
    if not isinstance(tensor, torch.Tensor):
        raise TypeError(f"{name} must be a tensor, not {type(tensor).__name__}")
    if tensor.device.type != "cpu":
        raise ValueError(f"{name} must be on the CPU, not on {tensor.device}; pass {name}.cpu()")
    if optional and tensor.requires_grad:
        raise ValueError(f"{name} must not require gradients: D² is not differentiated in weights")


class _MMD2(torch.autograd.Function):
    """D² with the gradients that are needed, computed in the forward pass."""

    @staticmethod
    def forward(
        ctx: Any,
        X: torch.Tensor,
        Y: torch.Tensor,
        a: torch.Tensor | None,
        b: torch.Tensor | None,
        options: dict[str, Any],
    ) -> torch.Tensor:
        x, y, of_x, of_y = (_array(tensor) for tensor in (X, Y, a, b))
        gradients: list[torch.Tensor | None] = [None, None]
        value = None
        if ctx.needs_input_grad[0]:
            value, gradient = mmd2_and_grad(x, y, of_x, of_y, **options)
            gradients[0] = torch.from_numpy(gradient).to(X.dtype)
        if ctx.needs_input_grad[1]:
            value, gradient = mmd2_and_grad(y, x, of_y, of_x, **options)
            gradients[1] = torch.from_numpy(gradient).to(Y.dtype)
        if value is None:
            value = mmd2(x, y, of_x, of_y, **options)
        ctx.save_for_backward(X, Y, *gradients)
        return torch.tensor(value, dtype=X.dtype if X.is_floating_point() else torch.float64)

    @staticmethod
    def backward(ctx: Any, *outputs: torch.Tensor) -> Any:
        X, Y, *gradients = ctx.saved_tensors
        (output,) = outputs
        x, y = (
            None if gradient is None else (output * _Once.apply(gradient, X, Y)).to(gradient.dtype)
            for gradient in gradients
        )
        return x, y, None, None, None


class _Once(torch.autograd.Function):
    """A gradient at X and Y that is not differentiated again."""

    @staticmethod
    def forward(ctx: Any, gradient: torch.Tensor, X: torch.Tensor, Y: torch.Tensor) -> torch.Tensor:
        return gradient.clone()

    @staticmethod
    def backward(ctx: Any, *outputs: torch.Tensor) -> Any:
        raise RuntimeError("second derivatives of D² are not defined in rieszflow.torch.MMD2Loss")


def _array(tensor: torch.Tensor | None) -> Any:
    """The tensor's numbers; half precision is widened, since numpy has no bfloat16."""
    if tensor is None:
        return None
    tensor = tensor.detach()
    return (tensor.float() if tensor.dtype in (torch.float16, torch.bfloat16) else tensor).numpy()
