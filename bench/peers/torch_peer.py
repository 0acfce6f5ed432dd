"""The benchmark's workloads in PyTorch eager, or torch.compile, as its users would write them for speed. Protocol: README.md."""

import math

from protocol import serve
from torch_heads import adapters, chunked, experts_conv, inference, set_encoder
from torch_recurrent import hyper_lstm, lstm, sampling
from torch_training import F, options, tensors, torch, training


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
        "chunked": chunked,
        "chunkedLarge": chunked,
        "expertsConv": experts_conv,
        "adapters": adapters,
        "setEncoder": set_encoder,
        "inference": inference,
        "hyperLstm": hyper_lstm,
        "hyperLstmLong": hyper_lstm,
        "lstm": lstm,
        "sampling": sampling,
        "cartPole": cart_pole,
    },
)
