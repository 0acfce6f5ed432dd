"""What all of PyTorch's workloads share: its settings, its fastest Adam, and a training step. Protocol: README.md."""


import importlib.util
import os
from pathlib import Path

from protocol import arguments, prepare_environment, require

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
    if options.compile:
        loss_of = torch.compile(loss_of)
    return stepping(list(params.values()), tensors(batches), lambda batch: loss_of(params, batch))


def tensors(batches):
    """Labels and symbols as int64, which its losses and embeddings take."""
    batches = [{name: torch.from_numpy(v) for name, v in batch.items()} for batch in batches]
    return [{name: v if v.is_floating_point() else v.long() for name, v in batch.items()} for batch in batches]


def stepping(trained, batches, loss_of):
    """The same for a list of tensors and loss_of(batch)."""
    optimizer = adam(trained)

    def step(t):
        optimizer.zero_grad(set_to_none=True)
        loss = loss_of(batches[t % len(batches)])
        loss.backward()
        optimizer.step()
        return loss.item()

    return step
