"""The benchmark's workloads in PyTorch eager, as its users would write them for speed. Protocol: README.md."""

import importlib.util
import math
import os
from pathlib import Path

from protocol import SAMPLING_TEMPERATURE, arguments, prepare_environment, require, serve

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


def per_example_conv(params, batches):
    def loss_of(p, batch):
        size = len(batch["y"])
        h = F.max_pool2d(F.relu(F.conv2d(batch["x"], p["conv1.weight"], p["conv1.bias"], padding=1)), 2)
        kernels = F.linear(batch["codes"], p["head.weight"], p["head.bias"]).view(size * 16, 16, 3, 3)
        h = F.conv2d(h.view(1, size * 16, 14, 14), kernels, padding=1, groups=size).view(size, 16, 14, 14)
        h = F.max_pool2d(F.relu(h + p["conv2.bias"].view(16, 1, 1)), 2).flatten(1)
        return F.cross_entropy(F.linear(h, p["fc.weight"], p["fc.bias"]), batch["y"])

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


def hyper_lstm_weights(stored):
    """The matrices that take the same input beside each other; codes and their matrices by themselves, 12 of them."""
    p = {name: torch.from_numpy(value) for name, value in stored.items()}
    from_h, from_x = p["hyper.input"].split([128, 64])
    joined = {
        "x": torch.cat([p["input"], from_x], 1),  # [symbol, 512 + 128]
        "small": torch.cat([p["hyper.hidden"], from_h]),
        "codes": torch.cat([p["rescale.scale.codes"], p["rescale.shift.codes"]], 1),  # [32, 12 * 4]
        "rows": torch.cat([p["rescale.scale.rows"], p["rescale.shift.rows"]]).view(12, 4, 128),
        "codes.bias": p["rescale.scale.bias"].view(8, 1, 4),
    }
    kept = {name: v for name, v in p.items() if "input" not in name and "rescale" not in name and name != "hyper.hidden"}
    return {name: value.numpy() for name, value in {**joined, **kept}.items()}


def gated(gates, c, scale, shift):
    """(h, c) from normalised gates [batch, 4 * units]."""
    units = c.shape[1]
    i, f, o = torch.sigmoid(gates[:, : 3 * units]).chunk(3, 1)
    c = torch.addcmul(f * c, i, torch.tanh(gates[:, 3 * units :]))
    return torch.tanh(F.layer_norm(c, (units,), scale, shift, 1e-3)) * o, c


def hyper_lstm_step(p):
    """
    cell(x, state) -> state, with x [batch, 640] of p["x"]. Codes are affine in the small cell's output, so that one
    matrix, made here, gives scales and biases of all gates; group_norm normalises the four gates in one call.
    """
    own = p["codes"].view(32, 12, 4).transpose(0, 1)
    to_scales = torch.bmm(own, p["rows"]).transpose(0, 1).reshape(32, 1536)
    constant = torch.cat([torch.bmm(p["codes.bias"], p["rows"][:8]).flatten(), p["bias"]])

    def cell(x, h, c, small_h, small_c):
        cell_x, small_x = x.split([512, 128], 1)
        gates = torch.addmm(small_x, torch.cat([small_h, h], 1), p["small"])
        gates = F.group_norm(gates, 4, p["hyper.norm.gates.scale"], p["hyper.norm.gates.shift"], 1e-3)
        small_h, small_c = gated(gates, small_c, p["hyper.norm.cell.scale"], p["hyper.norm.cell.shift"])
        scale_h, scale_x, bias = torch.addmm(constant, small_h, to_scales).chunk(3, 1)
        gates = torch.addcmul(torch.addcmul(bias, scale_h, torch.mm(h, p["hidden"])), scale_x, cell_x)
        gates = F.group_norm(gates, 4, p["norm.gates.scale"], p["norm.gates.shift"], 1e-3)
        h, c = gated(gates, c, p["norm.cell.scale"], p["norm.cell.shift"])
        return h, c, small_h, small_c

    return cell


def hyper_lstm_start(batch):
    return tuple(torch.zeros(batch, units) for units in [128, 128, 32, 32])


def hyper_lstm(params, batches):
    def loss_of(p, batch):
        cell = hyper_lstm_step(p)
        state = hyper_lstm_start(len(batch["x"]))
        outputs = []
        for x in F.embedding(batch["x"].t(), p["x"]).unbind(0):
            state = cell(x, *state)
            outputs.append(state[0])
        logits = torch.addmm(p["out.bias"], torch.cat(outputs), p["out.weight"])
        return F.cross_entropy(logits, batch["y"].t().flatten())

    return training(hyper_lstm_weights(params), batches, loss_of)


def lstm(params, batches):
    """nn.LSTM, with gates i, f, g, o. Its second bias is not trained: one bias is, on every side."""

    def rows(name):
        i, f, o, g = torch.from_numpy(params[name]).chunk(4, -1)
        return torch.cat([i, f, g, o], -1).t()

    module, out = torch.nn.LSTM(64, 256), torch.nn.Linear(256, 64)
    with torch.no_grad():
        module.weight_ih_l0.copy_(rows("input"))
        module.weight_hh_l0.copy_(rows("hidden"))
        module.bias_ih_l0.copy_(rows("bias"))
        module.bias_hh_l0.zero_().requires_grad_(False)
        out.weight.copy_(torch.from_numpy(params["out.weight"]).t())
        out.bias.copy_(torch.from_numpy(params["out.bias"]))

    batches = tensors(batches)
    for batch in batches:
        batch["x"] = F.one_hot(batch["x"].t(), 64).float()

    def loss_of(batch):
        outputs, _ = module(batch["x"])
        return F.cross_entropy(out(outputs.flatten(0, 1)), batch["y"].t().flatten())

    trained = [p for p in [*module.parameters(), *out.parameters()] if p.requires_grad]
    return stepping(trained, batches, loss_of)


def sampling(params, batches):
    """step(t): the next symbols of one sequence, as many as the batch has rows; returns their mean."""
    p = {name: torch.from_numpy(value) for name, value in hyper_lstm_weights(params).items()}
    length = len(batches[0]["x"])
    with torch.inference_mode():
        cell = hyper_lstm_step(p)
        state = hyper_lstm_start(1)
    symbol = int(batches[0]["x"][0])

    @torch.inference_mode()
    def step(t):
        nonlocal state, symbol
        total = 0
        for _ in range(length):
            state = cell(p["x"][symbol : symbol + 1], *state)
            logits = torch.addmm(p["out.bias"], state[0], p["out.weight"])
            symbol = int(torch.multinomial(F.softmax(logits / SAMPLING_TEMPERATURE, 1), 1))
            total += symbol
        return total / length

    return step


def cart_pole(params, batches):
    """step(t): every cart-pole of the batch over its pushes, in place; returns the share of steps that ended an episode."""
    batches, spread = tensors(batches), torch.from_numpy(params["spread"])
    copies, steps = batches[0]["push"].shape
    state = torch.zeros(4, copies)
    age = torch.zeros(copies, dtype=torch.int32)
    gravity, cart, pole, length, force, tau = 9.8, 1.0, 0.1, 0.5, 10.0, 0.02
    total, moment = cart + pole, pole * length

    @torch.inference_mode()
    def step(t):
        nonlocal state, age
        batch = batches[t % len(batches)]
        start = batch["start"].T
        right = torch.rand(steps, copies) < batch["push"].T
        forces = right.float().mul_(2 * force).sub_(force)
        over = torch.empty(steps, copies, dtype=torch.bool)
        for i in range(steps):
            position, velocity, angle, spin = state
            s, c = torch.sin(angle), torch.cos(angle)
            share = torch.addcmul(forces[i], spin * spin, s, value=moment).div_(total)
            turn = (gravity * s - c * share) / (length * 4 / 3 - length * pole / total * (c * c))
            pull = share - moment / total * (turn * c)
            state = torch.add(state, torch.stack([velocity, pull, spin, turn]), alpha=tau)
            age = age + 1
            torch.gt(state[0].abs(), 2.4, out=over[i])
            over[i] |= (state[2].abs() > 12 * 2 * math.pi / 360) | (age >= 500)
            fresh = torch.rand(4, copies).mul_(0.1).sub_(0.05).mul_(spread).add_(start)
            state = torch.where(over[i], fresh, state)
            age.masked_fill_(over[i], 0)
        return over.float().mean().item()

    return step


serve(
    {"peer": "torch", "version": torch.__version__, "threads": torch.get_num_threads(), "build": torch.__config__.show()},
    {
        "mnist": mnist,
        "perExample": per_example,
        "perExampleConv": per_example_conv,
        "denseHead": dense,
        "hyperLstm": hyper_lstm,
        "lstm": lstm,
        "sampling": sampling,
        "cartPole": cart_pole,
    },
)
