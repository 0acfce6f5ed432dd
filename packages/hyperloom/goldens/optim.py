"""Trajectories of optimisers and schedules over 20 steps, in float64, for optim.json.

The objective is f(params) = sum(a * x^2) + 0.1 * sum(x^4), summed over both leaves, so the gradient is
2 a x + 0.4 x^3. A trajectory holds, for each leaf, its values after step 1, 2, ..., 20 (flat, [20, size]).
Schedules hold the rate used by update 1, 2, ..., 20; the formula is the comment at each.
"""

import math

import torch

from golden import array, number, save

STEPS = 20
a = {
    "w": torch.tensor([0.5, 1.0, 2.0], dtype=torch.float64),
    "v": torch.tensor([[1.5, 0.25], [0.75, 3.0]], dtype=torch.float64),
}
start = {
    "w": torch.tensor([1.0, -2.0, 0.5], dtype=torch.float64),
    "v": torch.tensor([[-1.5, 2.5], [0.1, -0.75]], dtype=torch.float64),
}


def objective(params):
    return sum((a[k] * p**2).sum() + 0.1 * (p**4).sum() for k, p in params.items())


def trajectory(options, make, clip=None, schedule=None):
    params = {k: v.clone().requires_grad_(True) for k, v in start.items()}
    optimizer = make(list(params.values()))
    scheduler = schedule(optimizer) if schedule else None
    seen = {k: [] for k in params}
    losses = []
    for _ in range(STEPS):
        optimizer.zero_grad()
        loss = objective(params)
        loss.backward()
        if clip:
            clip(list(params.values()))
        optimizer.step()
        if scheduler:
            scheduler.step()
        losses.append(number(loss.item()))
        for k, p in params.items():
            seen[k].append(p.detach().clone())
    return {
        "options": options,
        "losses": losses,
        "params": {k: array(torch.stack(v)) for k, v in seen.items()},
    }


def rates(make, lr):
    leaf = torch.zeros(1, requires_grad=True)
    optimizer = torch.optim.SGD([leaf], lr=lr)
    scheduler = make(optimizer)
    seen = []
    for _ in range(STEPS):
        seen.append(number(optimizer.param_groups[0]["lr"]))
        optimizer.step()
        scheduler.step()
    return seen


def lambda_rates(f, lr):
    return rates(lambda o: torch.optim.lr_scheduler.LambdaLR(o, f), lr)


optim = torch.optim
schedulers = torch.optim.lr_scheduler
cases = {
    "objective": {
        "formula": "sum(a * x^2) + 0.1 * sum(x^4)",
        "a": {k: array(v) for k, v in a.items()},
        "start": {k: array(v) for k, v in start.items()},
        "steps": STEPS,
    }
}

for name, options, make in [
    ("sgd", {"lr": 0.05}, lambda p: optim.SGD(p, lr=0.05)),
    ("sgd.momentum", {"lr": 0.02, "momentum": 0.9}, lambda p: optim.SGD(p, lr=0.02, momentum=0.9)),
    (
        "sgd.nesterov",
        {"lr": 0.02, "momentum": 0.9, "nesterov": True},
        lambda p: optim.SGD(p, lr=0.02, momentum=0.9, nesterov=True),
    ),
    # Coupled (L2): the decay is added to the gradient, before the momentum.
    (
        "sgd.weightDecay",
        {"lr": 0.02, "momentum": 0.9, "weightDecay": 0.1},
        lambda p: optim.SGD(p, lr=0.02, momentum=0.9, weight_decay=0.1),
    ),
    ("adam", {"lr": 0.1, "beta1": 0.9, "beta2": 0.999, "eps": 1e-8}, lambda p: optim.Adam(p, lr=0.1)),
    (
        "adam.betas",
        {"lr": 0.1, "beta1": 0.8, "beta2": 0.99, "eps": 1e-8},
        lambda p: optim.Adam(p, lr=0.1, betas=(0.8, 0.99)),
    ),
    (
        "adamw",
        {"lr": 0.1, "beta1": 0.9, "beta2": 0.999, "eps": 1e-8, "weightDecay": 0.1},
        lambda p: optim.AdamW(p, lr=0.1, weight_decay=0.1),
    ),
    (
        "rmsprop",
        {"lr": 0.01, "decay": 0.99, "eps": 1e-8, "momentum": 0, "centered": False},
        lambda p: optim.RMSprop(p, lr=0.01, alpha=0.99),
    ),
    (
        "rmsprop.momentum.centered",
        {"lr": 0.01, "decay": 0.99, "eps": 1e-8, "momentum": 0.9, "centered": True},
        lambda p: optim.RMSprop(p, lr=0.01, alpha=0.99, momentum=0.9, centered=True),
    ),
]:
    cases[name] = trajectory(options, make)

# PyTorch scales by min(1, max / (norm + 1e-6)): the 1e-6 is in these numbers.
cases["clipByGlobalNorm.sgd"] = trajectory(
    {"lr": 0.1, "maxNorm": 1.0, "normEps": 1e-6},
    lambda p: optim.SGD(p, lr=0.1),
    clip=lambda p: torch.nn.utils.clip_grad_norm_(p, 1.0),
)
cases["clipByValue.sgd"] = trajectory(
    {"lr": 0.1, "maxValue": 0.8},
    lambda p: optim.SGD(p, lr=0.1),
    clip=lambda p: torch.nn.utils.clip_grad_value_(p, 0.8),
)
cases["adam.exponential"] = trajectory(
    {"lr": 0.1, "decay": 0.9, "beta1": 0.9, "beta2": 0.999, "eps": 1e-8},
    lambda p: optim.Adam(p, lr=0.1),
    schedule=lambda o: schedulers.ExponentialLR(o, 0.9),
)

cases["schedule.constant"] = {"options": {"value": 0.1}, "rates": lambda_rates(lambda t: 1.0, 0.1)}
# initial * decay^t
cases["schedule.exponential"] = {
    "options": {"initial": 0.1, "decay": 0.9},
    "rates": rates(lambda o: schedulers.ExponentialLR(o, 0.9), 0.1),
}
# max(end, initial * decay^t), as in the notebook of Ha et al. 2016
cases["schedule.exponential.floor"] = {
    "options": {"initial": 0.1, "decay": 0.8, "end": 0.01},
    "rates": lambda_rates(lambda t: max(0.1, 0.8**t), 0.1),
}
# end + (initial - end) * (1 + cos(pi * t / steps)) / 2, t = 0 at the first update
cases["schedule.cosine"] = {
    "options": {"initial": 0.1, "end": 0.01, "steps": 20},
    "rates": rates(lambda o: schedulers.CosineAnnealingLR(o, 20, eta_min=0.01), 0.1),
}
# The same over 10 steps, then held at its end.
cases["schedule.cosine.held"] = {
    "options": {"initial": 0.1, "end": 0.01, "steps": 10},
    "rates": lambda_rates(lambda t: 0.1 + 0.9 * (1 + math.cos(math.pi * min(t, 10) / 10)) / 2, 0.1),
}
# peak * t / warmup while t < warmup (0 at the first update), then cosine over the steps that are left
cases["schedule.warmupCosine"] = {
    "options": {"peak": 0.1, "warmup": 5, "steps": 20, "end": 0},
    "rates": lambda_rates(
        lambda t: t / 5 if t < 5 else (1 + math.cos(math.pi * (t - 5) / 15)) / 2,
        0.1,
    ),
}
# initial, times 0.5 from update index 6 on, times 0.1 more from index 14 on (t counts from 0)
cases["schedule.piecewise"] = {
    "options": {"initial": 0.1, "boundaries": [6, 14], "scales": [0.5, 0.1]},
    "rates": lambda_rates(lambda t: (0.5 if t >= 6 else 1) * (0.1 if t >= 14 else 1), 0.1),
}
# initial * gamma for each boundary passed
cases["schedule.multiStep"] = {
    "options": {"initial": 0.1, "boundaries": [6, 14], "gamma": 0.2},
    "rates": rates(lambda o: schedulers.MultiStepLR(o, [6, 14], gamma=0.2), 0.1),
}

save("optim", cases)
