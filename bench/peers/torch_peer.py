"""The benchmark's workloads in PyTorch eager, as its users would write them for speed. Protocol: README.md."""

import importlib.util
import math
import os
from pathlib import Path

from protocol import arguments, prepare_environment, require, serve

options = arguments()
prepare_environment(options)
require("numpy", "torch")
bundled_openmp = list(Path(importlib.util.find_spec("torch").origin).parent.glob("lib/libgomp*"))
if not bundled_openmp and not options.stock:
    # A distribution's build has OpenMP's threads and OpenBLAS's: each pool that spins takes the other's cores.
    os.environ.setdefault("GOMP_SPINCOUNT", "1000")

import torch  # noqa: E402
import torch.nn.functional as F  # noqa: E402

torch.set_num_threads(options.threads)


def adam(params):
    """The fastest Adam that this version has on the CPU."""
    settings = {"lr": 1e-3, "betas": (0.9, 0.999), "eps": 1e-8}
    try:
        return torch.optim.Adam(params, **settings, fused=True)
    except (RuntimeError, TypeError):
        return torch.optim.Adam(params, **settings)


def training(params, batches, loss_of):
    """step(t): forward, backward and update on batch t mod length; returns the loss before the update."""
    params = {name: torch.from_numpy(p).requires_grad_(True) for name, p in params.items()}
    batches = [{name: torch.from_numpy(v) for name, v in batch.items()} for batch in batches]
    for batch in batches:
        if not batch["y"].is_floating_point():
            batch["y"] = batch["y"].long()
    optimizer = adam(list(params.values()))

    def step(t):
        optimizer.zero_grad(set_to_none=True)
        loss = loss_of(params, batches[t % len(batches)])
        loss.backward()
        optimizer.step()
        return loss.item()

    return step


def mnist(params, batches):
    def loss_of(p, batch):
        h = F.conv2d(batch["x"], p["conv1.weight"], p["conv1.bias"], padding=3)
        h = F.max_pool2d(F.relu(h), 2)
        a = torch.matmul(p["head.win"], p["z"]) + p["head.bin"]  # [in, d]
        kernel = torch.addmm(p["head.bout"].unsqueeze(1), p["head.wout"], a.t())  # [out * 7 * 7, in]
        kernel = kernel.view(16, 7, 7, 16).permute(0, 3, 1, 2).contiguous()
        h = F.conv2d(h, kernel, p["conv2.bias"], padding=3)
        h = F.max_pool2d(F.relu(h), 2).flatten(1)
        return F.cross_entropy(F.linear(h, p["fc.weight"], p["fc.bias"]), batch["y"])

    return training(params, batches, loss_of)


def generated(theta, sizes):
    """Splits [..., weights] into (weight [..., out, in], bias [..., out]) for each layer of an MLP."""
    shapes = [s for i, o in zip(sizes, sizes[1:]) for s in ((o, i), (o,))]
    parts = torch.split(theta, [math.prod(s) for s in shapes], dim=-1)
    views = [part.view(*theta.shape[:-1], *shape) for part, shape in zip(parts, shapes)]
    return list(zip(views[0::2], views[1::2]))


def dense_head(p, code):
    hidden = F.relu(F.linear(code, p["head.layer0.weight"], p["head.layer0.bias"]))
    return F.linear(hidden, p["head.layer1.weight"], p["head.layer1.bias"])


def per_example(params, batches):
    def loss_of(p, batch):
        h = batch["x"]
        layers = generated(dense_head(p, batch["codes"]), [1, 40, 40, 1])
        for index, (weight, bias) in enumerate(layers):
            h = torch.baddbmm(bias.unsqueeze(1), h, weight.transpose(1, 2))
            if index < len(layers) - 1:
                h = F.relu(h)
        return F.mse_loss(h, batch["y"])

    return training(params, batches, loss_of)


def dense(params, batches):
    def loss_of(p, batch):
        h = batch["x"]
        layers = generated(dense_head(p, p["code"]), [784, 100, 100, 10])
        for index, (weight, bias) in enumerate(layers):
            h = F.linear(h, weight, bias)
            if index < len(layers) - 1:
                h = F.relu(h)
        return F.cross_entropy(h, batch["y"])

    return training(params, batches, loss_of)


serve(
    {"peer": "torch", "version": torch.__version__, "threads": torch.get_num_threads(), "build": torch.__config__.show()},
    {"mnist": mnist, "perExample": per_example, "denseHead": dense},
)
