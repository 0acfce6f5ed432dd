"""The setting of the recipe continual-toy in PyTorch, by another road: squared errors of the three tasks for each seed.

    python3 bench/peers/continual.py 0 1 2 3 4 5 6 7 8 9

von Oswald et al. 2020 (arXiv 1906.00695): Xavier weights, normal embeddings, Adam 1e-2 anew for each task, and the
regulariser at the step that Adam would take on the new task alone.
"""

import sys

import numpy as np
import torch
from torch.nn.functional import linear, mse_loss

STEPS, BATCH, RATE, BETA = 4001, 32, 1e-2, 0.005
TASKS = [(lambda x: x + 3, -4, -2), (lambda x: 2 * x**2 - 1, -1, 1), (lambda x: (x - 3) ** 3, 2, 4)]
SHAPES = [[10, 1], [10], [10, 10], [10], [1, 10], [1]]


def layer(outputs, inputs):
    weight = torch.nn.init.xavier_uniform_(torch.empty(outputs, inputs))
    return [weight.requires_grad_(), torch.zeros(outputs, requires_grad=True)]


def generate(theta, code):
    hidden = torch.sigmoid(linear(code[None], theta[0], theta[1]))
    hidden = torch.sigmoid(linear(hidden, theta[2], theta[3]))
    heads = zip(SHAPES, theta[4::2], theta[5::2])
    return [linear(hidden, weight, bias).view(shape) for shape, weight, bias in heads]


def target(x, w):
    hidden = torch.sigmoid(linear(x, w[0], w[1]))
    return linear(torch.sigmoid(linear(hidden, w[2], w[3])), w[4], w[5])


def flat(weights):
    return torch.cat([w.reshape(-1) for w in weights])


def adam_step(optimizer, parameter):
    """The change that Adam would make now."""
    state = optimizer.state[parameter]
    zeros = torch.zeros_like(parameter)
    mean = 0.9 * state.get("exp_avg", zeros) + 0.1 * parameter.grad
    square = 0.999 * state.get("exp_avg_sq", zeros) + 0.001 * parameter.grad**2
    count = float(state.get("step", 0)) + 1
    rate = RATE * np.sqrt(1 - 0.999**count) / (1 - 0.9**count)
    return (-rate * mean / (square.sqrt() + 1e-8)).detach()


def run(seed):
    torch.manual_seed(seed)
    order = np.random.RandomState(seed)
    theta = layer(10, 2) + layer(10, 10)
    for shape in SHAPES:
        theta += layer(int(np.prod(shape)), 10)
    codes = [torch.randn(2).requires_grad_() for _ in TASKS]
    for task, (f, low, high) in enumerate(TASKS):
        draw = np.random.RandomState(seed)
        x = draw.uniform(low, high, (100, 1))
        y = torch.tensor(f(x) + draw.normal(0, 0.05, (100, 1)), dtype=torch.float32)
        x = torch.tensor(x, dtype=torch.float32)
        before = [flat(generate(theta, codes[old])).detach() for old in range(task)]
        optimizer, of_code = torch.optim.Adam(theta, lr=RATE), torch.optim.Adam([codes[task]], lr=RATE)
        for _ in range(STEPS):
            rows = torch.tensor(order.choice(100, BATCH, replace=False))
            optimizer.zero_grad()
            of_code.zero_grad()
            mse_loss(target(x[rows], generate(theta, codes[task])), y[rows]).backward()
            of_code.step()
            if task > 0:
                ahead = [parameter + adam_step(optimizer, parameter) for parameter in theta]
                moved = [flat(generate(ahead, codes[old].detach())) - before[old] for old in range(task)]
                (BETA * sum((change**2).sum() for change in moved) / task).backward()
            optimizer.step()
    errors = []
    with torch.no_grad():
        for task, (f, low, high) in enumerate(TASKS):
            x = torch.linspace(low, high, 50)[:, None]
            errors.append(mse_loss(target(x, generate(theta, codes[task])), f(x)).item())
    return errors


torch.set_num_threads(1)
for seed in map(int, sys.argv[1:]):
    print(seed, *(f"{error:.5f}" for error in run(seed)), flush=True)
