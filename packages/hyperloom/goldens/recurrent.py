"""Recurrent cells unrolled over a sequence, in float64, for recurrent.json: outputs, last state and every gradient.

The cells are written out here gate by gate, as the papers have them; nothing is batched. A case is
{options, mask?, inputs, params, cotangents, output, last, grads}; grads are of sum(cotangents.y * output) +
sum over the last state of its cotangent times it, for the inputs x [T, in] and the first state, and each parameter.

Matrices are [inputs, units]. Parameters of gates are side by side: LSTM i, f, o, g; GRU r, z, n. A mask [T, units]
multiplies the candidate tanh(g) of a step: recurrent dropout with given draws.

HyperRNN and HyperLSTM: Ha, Dai, Le 2016. `current` makes the codes z of the small cell's output of this step (the
authors' code), otherwise of the step before (the paper's equation 11).
"""

import torch

from golden import array, rounded, save

generator = torch.Generator().manual_seed(20160927)
EPSILON = 1e-3


def values(*shape, scale=1.0):
    return rounded(shape, generator, scale)


def gates(tensor, count):
    return tensor.chunk(count, dim=-1)


def layer_norm(x, scale, shift):
    mean = x.mean()
    variance = ((x - mean) ** 2).mean()
    return (x - mean) / torch.sqrt(variance + EPSILON) * scale + shift


def rnn(p, x, state, options, mask, prefix=""):
    total = x @ p[prefix + "input"] + state[prefix + "h"] @ p[prefix + "hidden"]
    if options["layerNorm"]:
        total = layer_norm(total, p[prefix + "norm.scale"], p[prefix + "norm.shift"])
    else:
        total = total + p[prefix + "bias"]
    h = torch.tanh(total)
    return h, {prefix + "h": h}


def gru(p, x, state, options, mask):
    h = state["h"]
    own_x, own_h = [], []
    for k in range(3):
        of_x = x @ gates(p["input"], 3)[k]
        of_h = h @ gates(p["hidden"], 3)[k]
        if options["layerNorm"]:
            of_x = layer_norm(of_x, gates(p["norm.input"], 3)[k], 0)
            of_h = layer_norm(of_h, gates(p["norm.hidden"], 3)[k], 0)
        own_x.append(of_x + gates(p["bias"], 3)[k])
        own_h.append(of_h)
    r = torch.sigmoid(own_x[0] + own_h[0])
    z = torch.sigmoid(own_x[1] + own_h[1])
    n = torch.tanh(own_x[2] + r * (own_h[2] + p["candidateBias"]))
    if mask is not None:
        n = n * mask
    h = (1 - z) * n + z * h
    return h, {"h": h}


def lstm_rest(p, sums, c, layer_normed, mask, prefix):
    if layer_normed:
        scales, shifts = gates(p[prefix + "norm.gates.scale"], 4), gates(p[prefix + "norm.gates.shift"], 4)
        sums = [layer_norm(y, scale, shift) for y, scale, shift in zip(sums, scales, shifts)]
    i, f, o, g = sums
    candidate = torch.tanh(g)
    if mask is not None:
        candidate = candidate * mask
    c = torch.sigmoid(f) * c + torch.sigmoid(i) * candidate
    inner = layer_norm(c, p[prefix + "norm.cell.scale"], p[prefix + "norm.cell.shift"]) if layer_normed else c
    h = torch.sigmoid(o) * torch.tanh(inner)
    return h, {prefix + "h": h, prefix + "c": c}


def lstm(p, x, state, options, mask, prefix=""):
    h, c = state[prefix + "h"], state[prefix + "c"]
    sums = []
    for k in range(4):
        y = x @ gates(p[prefix + "input"], 4)[k] + h @ gates(p[prefix + "hidden"], 4)[k]
        sums.append(y if options["layerNorm"] else y + gates(p[prefix + "bias"], 4)[k])
    return lstm_rest(p, sums, c, options["layerNorm"], mask, prefix)


def rescaled(p, x, h, small, count, code):
    """For each gate k: d_h * W_h h + d_x * W_x x + b, from the small cell's output."""
    sums = []
    size = count * code
    for k in range(count):
        own = slice(k * code, (k + 1) * code)
        z_h = small @ p["rescale.scale.codes"][:, :size][:, own] + p["rescale.scale.bias"][:size][own]
        z_x = small @ p["rescale.scale.codes"][:, size:][:, own] + p["rescale.scale.bias"][size:][own]
        z_b = small @ p["rescale.shift.codes"][:, own]
        d_h = z_h @ p["rescale.scale.rows"][:size][own]
        d_x = z_x @ p["rescale.scale.rows"][size:][own]
        b = z_b @ p["rescale.shift.rows"][own] + gates(p["bias"], count)[k]
        sums.append(d_h * (h @ gates(p["hidden"], count)[k]) + d_x * (x @ gates(p["input"], count)[k]) + b)
    return sums


def hyper_rnn(p, x, state, options, mask):
    small, inner = rnn(p, torch.cat([state["h"], x]), state, options, None, "hyper.")
    source = small if options["current"] else state["hyper.h"]
    [total] = rescaled(p, x, state["h"], source, 1, options["code"])
    if options["layerNorm"]:
        total = layer_norm(total, p["norm.scale"], p["norm.shift"])
    h = torch.tanh(total)
    return h, {"h": h, **inner}


def hyper_lstm(p, x, state, options, mask):
    small, inner = lstm(p, torch.cat([state["h"], x]), state, options, None, "hyper.")
    source = small if options["current"] else state["hyper.h"]
    sums = rescaled(p, x, state["h"], source, 4, options["code"])
    h, own = lstm_rest(p, sums, state["c"], options["layerNorm"], mask, "")
    return h, {**own, **inner}


def near(start, *shape, scale=0.3):
    return start + values(*shape, scale=scale)


def norm(prefix, units):
    return {prefix + "scale": near(1, units), prefix + "shift": near(0, units)}


def rnn_params(inputs, units, options, prefix=""):
    p = {prefix + "input": values(inputs, units, scale=0.5), prefix + "hidden": values(units, units, scale=0.5)}
    return p | (norm(prefix + "norm.", units) if options["layerNorm"] else {prefix + "bias": near(0, units)})


def gru_params(inputs, units, options):
    p = {
        "input": values(inputs, 3 * units, scale=0.5),
        "hidden": values(units, 3 * units, scale=0.5),
        "bias": near(0, 3 * units),
        "candidateBias": near(0, units),
    }
    return p | ({"norm.input": near(1, 3 * units), "norm.hidden": near(1, 3 * units)} if options["layerNorm"] else {})


def lstm_params(inputs, units, options, prefix=""):
    p = {prefix + "input": values(inputs, 4 * units, scale=0.5), prefix + "hidden": values(units, 4 * units, scale=0.5)}
    if options["layerNorm"]:
        return p | norm(prefix + "norm.gates.", 4 * units) | norm(prefix + "norm.cell.", units)
    return p | {prefix + "bias": near(0, 4 * units)}


def rescale_params(count, options):
    size, hyper, units = count * options["code"], options["hyper"], options["hidden"]
    return {
        "rescale.scale.codes": values(hyper, 2 * size, scale=0.5),
        "rescale.scale.bias": near(1, 2 * size),
        "rescale.scale.rows": near(0.3, 2 * size, units),
        "rescale.shift.codes": values(hyper, size, scale=0.5),
        "rescale.shift.rows": values(size, units, scale=0.5),
    }


def hyper_rnn_params(inputs, units, options):
    p = rnn_params(inputs, units, {"layerNorm": False})
    p |= norm("norm.", units) if options["layerNorm"] else {}
    return p | rnn_params(units + inputs, options["hyper"], options, "hyper.") | rescale_params(1, options)


def hyper_lstm_params(inputs, units, options):
    p = lstm_params(inputs, units, {"layerNorm": False})
    p |= norm("norm.gates.", 4 * units) | norm("norm.cell.", units) if options["layerNorm"] else {}
    return p | lstm_params(units + inputs, options["hyper"], options, "hyper.") | rescale_params(4, options)


CELLS = {
    "rnn": (rnn, rnn_params, ["h"], []),
    "gru": (gru, gru_params, ["h"], []),
    "lstm": (lstm, lstm_params, ["h", "c"], []),
    "hyperRnn": (hyper_rnn, hyper_rnn_params, ["h"], ["hyper.h"]),
    "hyperLstm": (hyper_lstm, hyper_lstm_params, ["h", "c"], ["hyper.h", "hyper.c"]),
}
STEPS, INPUTS, UNITS, HYPER, CODE = 5, 3, 4, 3, 2
# What Hyperloom draws for key 5 and half of the elements, the same on every engine: the test compares.
KEPT = [[1, 0, 0, 0], [0, 1, 0, 1], [0, 0, 0, 0], [0, 0, 0, 0], [0, 1, 1, 1]]


def case(kind, masked=False, **options):
    step, params_of, large, small = CELLS[kind]
    options = {"in": INPUTS, "hidden": UNITS, "layerNorm": False, **({"dropout": 0.5} if masked else {}), **options}
    if small:
        options = {"hyper": HYPER, "code": CODE, "current": True, **options}
    params = params_of(INPUTS, UNITS, options)
    start = {key: values(UNITS, scale=0.5) for key in large} | {key: values(HYPER, scale=0.5) for key in small}
    x = values(STEPS, INPUTS)
    mask = torch.tensor(KEPT, dtype=torch.float64) / 0.5 if masked else None
    leaves = {"x": x, **{f"state.{k}": v for k, v in start.items()}, **{f"params.{k}": v for k, v in params.items()}}
    for leaf in leaves.values():
        leaf.requires_grad_(True)
    state, outputs = start, []
    for t in range(STEPS):
        y, state = step(params, x[t], state, options, None if mask is None else mask[t])
        outputs.append(y)
    output = torch.stack(outputs)
    cotangents = {"y": values(STEPS, UNITS), **{f"state.{k}": values(*v.shape) for k, v in state.items()}}
    score = (cotangents["y"] * output).sum() + sum((cotangents[f"state.{k}"] * v).sum() for k, v in state.items())
    grads = torch.autograd.grad(score, list(leaves.values()))
    return {
        "kind": kind,
        "options": options,
        **({} if mask is None else {"mask": array(mask)}),
        "inputs": {"x": array(x), **{f"state.{k}": array(v) for k, v in start.items()}},
        "params": {k: array(v) for k, v in params.items()},
        "cotangents": {k: array(v) for k, v in cotangents.items()},
        "output": array(output),
        "last": {k: array(v) for k, v in state.items()},
        "grads": {k: array(g) for k, g in zip(leaves, grads)},
    }


save("recurrent", {
    "rnn": case("rnn"),
    "rnn, layer norm": case("rnn", layerNorm=True),
    "gru": case("gru"),
    "gru, layer norm": case("gru", layerNorm=True),
    "gru, dropout": case("gru", masked=True),
    "lstm": case("lstm"),
    "lstm, layer norm": case("lstm", layerNorm=True),
    "lstm, layer norm, dropout": case("lstm", masked=True, layerNorm=True),
    "hyperRnn": case("hyperRnn"),
    "hyperRnn, layer norm": case("hyperRnn", layerNorm=True),
    "hyperRnn, codes of the step before": case("hyperRnn", current=False),
    "hyperLstm": case("hyperLstm"),
    "hyperLstm, layer norm": case("hyperLstm", layerNorm=True),
    "hyperLstm, layer norm, codes of the step before": case("hyperLstm", layerNorm=True, current=False),
    "hyperLstm, layer norm, dropout": case("hyperLstm", masked=True, layerNorm=True),
})
