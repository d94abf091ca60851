"""The loss of torch against the gradients of numpy, and torch's own check of gradients."""

import os
import pickle

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from rieszflow import mmd2, mmd2_and_grad  # noqa: E402
from rieszflow.torch import MMD2Loss  # noqa: E402


def tensors(dtype=torch.float64):
    generator = torch.Generator().manual_seed(0)
    x, y = torch.randn(7, 3, generator=generator), torch.randn(5, 3, generator=generator) + 1
    return x.to(dtype).requires_grad_(), y.to(dtype).requires_grad_()


@pytest.mark.parametrize("r", [0.5, 1.0, 1.5])
@pytest.mark.parametrize("unbiased", [False, True])
def test_gradcheck(r, unbiased):
    x, y = tensors()
    a, b = torch.rand(7, dtype=torch.float64), torch.rand(5, dtype=torch.float64)
    loss = MMD2Loss(r, unbiased)
    assert torch.autograd.gradcheck(loss, (x, y))
    assert torch.autograd.gradcheck(lambda x, y: loss(x, y, a, b), (x, y))


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_gradients_are_those_of_numpy(dtype):
    x, y = tensors(dtype)
    loss = MMD2Loss(exponent=1.3)(x, y)
    (3 * loss).backward()
    arrays = x.detach().numpy(), y.detach().numpy()
    value, gradient = mmd2_and_grad(*arrays, exponent=1.3)
    _, other = mmd2_and_grad(*arrays[::-1], exponent=1.3)
    assert loss.dtype == x.grad.dtype == dtype
    assert loss.item() == pytest.approx(value, rel=1e-6)
    assert (x.grad.numpy() == 3 * gradient).all()
    assert (y.grad.numpy() == 3 * other).all()


def test_coincident_points_have_finite_gradients():
    x = torch.zeros(4, 2, requires_grad=True)
    for r in (0.5, 1.0, 1.5):
        loss = MMD2Loss(r)(x, torch.tensor([[0.0, 0.0], [1.0, 0.0]]))
        (gradient,) = torch.autograd.grad(loss, x)
        assert torch.isfinite(gradient).all()


def test_what_needs_no_gradient_gets_none():
    x, y = tensors()
    loss = MMD2Loss()(x.detach(), y.detach())
    assert not loss.requires_grad
    assert loss.item() == mmd2(x.detach(), y.detach())
    MMD2Loss()(x, y.detach()).backward()
    assert x.grad is not None
    assert y.grad is None


def test_other_precisions():
    x, y = tensors()
    for dtype in (torch.bfloat16, torch.float16):
        half = x.detach().to(dtype).requires_grad_()
        loss = MMD2Loss()(half, y.detach().to(dtype))
        loss.backward()
        assert loss.dtype == half.grad.dtype == dtype
    whole = MMD2Loss()(torch.tensor([[0, 1]]), torch.tensor([[1, 2]]))
    assert whole.item() == pytest.approx(2**0.5)


def test_tensors_are_taken_by_functions_of_numpy():
    x, y = (t.detach() for t in tensors())
    assert mmd2(x, y) == mmd2(x.numpy(), y.numpy())
    assert mmd2(x[::2], y[:, :]) == mmd2(x.numpy()[::2], y.numpy())
    with pytest.raises(TypeError, match="X is a tensor that requires gradients"):
        mmd2(tensors()[0], y)


def test_second_derivatives_are_refused():
    x, y = tensors()
    (gradient,) = torch.autograd.grad(MMD2Loss()(x, y), x, create_graph=True)
    with pytest.raises(RuntimeError, match="second derivatives of D² are not defined"):
        (gradient.sum() + x.sum()).backward()


def test_errors_name_the_argument():
    x, y = tensors()
    with pytest.raises(TypeError, match="Y must be a tensor, not list"):
        MMD2Loss()(x, [[0.0, 0.0, 0.0]])
    with pytest.raises(ValueError, match="X and Y must have the same number of features"):
        MMD2Loss()(x, y[:, :2])
    with pytest.raises(ValueError, match="b must not require gradients"):
        MMD2Loss()(x, y, None, torch.ones(5, requires_grad=True))
    with pytest.raises(ValueError, match="Y must be on the CPU, not on meta"):
        MMD2Loss()(x, torch.empty(3, 3, device="meta"))
    with pytest.raises(ValueError, match="exponent must lie"):
        MMD2Loss(2.0)


def test_it_is_a_module():
    loss = pickle.loads(pickle.dumps(MMD2Loss(1.5, unbiased=True)))
    assert repr(loss) == "MMD2Loss(exponent=1.5, unbiased=True, sums='exact')"


def test_sliced_sums():
    x, y = tensors()
    loss = MMD2Loss(sums="sliced", n_directions=3000, random_state=0)(x, y)
    loss.backward()
    value, gradient = mmd2_and_grad(x.detach(), y.detach())
    assert loss.item() == pytest.approx(value, rel=0.02)
    assert np.linalg.norm(x.grad.numpy() - gradient) < 0.03 * np.linalg.norm(gradient)


def test_a_model_learns():
    torch.manual_seed(0)
    model = torch.nn.Linear(2, 2)
    optimiser = torch.optim.Adam(model.parameters(), 0.05)
    target = torch.randn(500, 2) @ torch.tensor([[2.0, 0.0], [1.0, 0.5]]) + 3
    loss = MMD2Loss()
    for _ in range(150):
        optimiser.zero_grad()
        value = loss(model(torch.randn(200, 2)), target)
        value.backward()
        optimiser.step()
    assert value.item() < 0.05


class Distances(torch.utils.data.Dataset):
    """Each item is a D², computed in a worker."""

    def __len__(self):
        return 8

    def __getitem__(self, index):
        points = np.random.default_rng(index).normal(size=(2000, 2))
        return mmd2(points, points + 1)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork")
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_workers_of_a_data_loader_do_not_hang():
    data = Distances()
    expected = [data[index] for index in range(8)]
    loader = torch.utils.data.DataLoader(
        data, batch_size=None, num_workers=2, multiprocessing_context="fork", timeout=30
    )
    assert list(loader) == expected
