"""Values and gradients of small networks and single layers, in float64, for nets.json.

A whole network: {inputs, params, loss, grads}; grads are of the mean loss, one for each parameter, and "x" for the input.
A single layer:  {attrs, inputs, cotangent, output, grads}; grads are vector-Jacobian products of the
cotangent with each float input. Layouts are PyTorch's: x [N, C, ...s], conv weight [O, C / groups, ...k],
linear weight [out, in].
"""

import torch
import torch.nn.functional as F

from golden import array, rounded, save

generator = torch.Generator().manual_seed(20160927)


def values(*shape, scale=1.0):
    return rounded(shape, generator, scale)


def network(forward, x, params, targets):
    leaves = {"x": x, **params}
    for leaf in leaves.values():
        leaf.requires_grad_(True)
    logits = forward(x, params)
    loss = F.cross_entropy(logits, targets)
    grads = torch.autograd.grad(loss, list(leaves.values()))
    return {
        "inputs": {"x": array(x), "targets": array(targets)},
        "params": {name: array(p) for name, p in params.items()},
        "logits": array(logits),
        "loss": loss.item(),
        "grads": {name: array(g) for name, g in zip(leaves, grads)},
    }


def layer(f, attrs, integers=None, **inputs):
    for leaf in inputs.values():
        leaf.requires_grad_(True)
    output = f(*inputs.values()) if integers is None else f(integers["indices"], *inputs.values())
    cotangent = values(*output.shape)
    grads = torch.autograd.grad(output, list(inputs.values()), cotangent)
    return {
        "attrs": attrs,
        "inputs": {name: array(v) for name, v in {**(integers or {}), **inputs}.items()},
        "cotangent": array(cotangent),
        "output": array(output),
        "grads": {name: array(g) for name, g in zip(inputs, grads)},
    }


def mlp(x, p):
    hidden = torch.tanh(F.linear(x, p["layer0.weight"], p["layer0.bias"]))
    return F.linear(hidden, p["layer1.weight"], p["layer1.bias"])


def cnn(x, p):
    h = F.conv2d(x, p["conv1.weight"], p["conv1.bias"], padding=1)
    h = F.max_pool2d(torch.relu(h), 2)
    h = F.conv2d(h, p["conv2.weight"], p["conv2.bias"], stride=2, padding=1)
    h = F.group_norm(h, 1, p["norm.weight"], p["norm.bias"], eps=1e-5)
    h = F.gelu(h).flatten(1)
    return F.linear(h, p["fc.weight"], p["fc.bias"])


def siren(x, p):
    # Sitzmann et al. 2020: sin(omega0 (W x + b)) in every layer but the last; omega0 = 30.
    hidden = torch.sin(30 * F.linear(x, p["layer0.weight"], p["layer0.bias"]))
    hidden = torch.sin(30 * F.linear(hidden, p["layer1.weight"], p["layer1.bias"]))
    return F.linear(hidden, p["layer2.weight"], p["layer2.bias"])


cases = {}

cases["mlp"] = network(
    mlp,
    values(4, 5),
    {
        "layer0.weight": values(7, 5, scale=0.5),
        "layer0.bias": values(7, scale=0.1),
        "layer1.weight": values(3, 7, scale=0.5),
        "layer1.bias": values(3, scale=0.1),
    },
    torch.tensor([2, 0, 1, 2]),
)

cases["cnn"] = network(
    cnn,
    values(3, 2, 8, 8),
    {
        "conv1.weight": values(4, 2, 3, 3, scale=0.3),
        "conv1.bias": values(4, scale=0.1),
        "conv2.weight": values(3, 4, 3, 3, scale=0.3),
        "conv2.bias": values(3, scale=0.1),
        "norm.weight": 1 + values(3, scale=0.2),
        "norm.bias": values(3, scale=0.2),
        "fc.weight": values(5, 12, scale=0.4),
        "fc.bias": values(5, scale=0.1),
    },
    torch.tensor([1, 4, 0]),
)

cases["conv1d"] = layer(
    lambda x, w, b: F.conv1d(x, w, b, stride=2, padding=2),
    {"strides": [2], "padding": [[2, 2]], "dilation": [1], "groups": 1},
    x=values(2, 3, 11), weight=values(4, 3, 5), bias=values(4),
)
cases["conv1d.dilated.grouped"] = layer(
    lambda x, w: F.conv1d(x, w, padding=3, dilation=2, groups=2),
    {"strides": [1], "padding": [[3, 3]], "dilation": [2], "groups": 2},
    x=values(2, 4, 12), weight=values(6, 2, 3),
)
cases["conv2d.dilated"] = layer(
    lambda x, w: F.conv2d(x, w, padding=(2, 1), dilation=2),
    {"strides": [1, 1], "padding": [[2, 2], [1, 1]], "dilation": [2, 2], "groups": 1},
    x=values(2, 2, 7, 8), weight=values(3, 2, 3, 3),
)
cases["conv2d.grouped"] = layer(
    lambda x, w, b: F.conv2d(x, w, b, stride=(2, 1), padding=1, groups=2),
    {"strides": [2, 1], "padding": [[1, 1], [1, 1]], "dilation": [1, 1], "groups": 2},
    x=values(2, 4, 6, 5), weight=values(6, 2, 3, 3), bias=values(6),
)
cases["conv2d.depthwise.strided"] = layer(
    lambda x, w: F.conv2d(x, w, stride=2, padding=1, groups=3),
    {"strides": [2, 2], "padding": [[1, 1], [1, 1]], "dilation": [1, 1], "groups": 3},
    x=values(2, 3, 8, 8), weight=values(3, 1, 4, 4),
)
cases["conv2d.asymmetric"] = layer(
    lambda x, w: F.conv2d(F.pad(x, (2, 1, 0, 1)), w, dilation=(1, 2)),
    {"strides": [1, 1], "padding": [[0, 1], [2, 1]], "dilation": [1, 2], "groups": 1},
    x=values(2, 2, 6, 6), weight=values(3, 2, 2, 3),
)
cases["maxPool.overlapping"] = layer(
    lambda x: F.max_pool2d(x, 3, stride=2, padding=1),
    {"window": [3, 3], "strides": [2, 2], "padding": [[1, 1], [1, 1]]},
    x=values(2, 3, 7, 8),
)
cases["maxPool.ties"] = layer(
    lambda x: F.max_pool2d(x, 2),
    {"window": [2, 2], "strides": [2, 2], "padding": [[0, 0], [0, 0]]},
    x=torch.relu(values(2, 2, 6, 6)),
)
cases["maxPool1d"] = layer(
    lambda x: F.max_pool1d(x, 3, stride=1, padding=1),
    {"window": [3], "strides": [1], "padding": [[1, 1]]},
    x=values(2, 2, 7),
)
cases["avgPool.padded"] = layer(
    lambda x: F.avg_pool2d(x, 3, stride=2, padding=1, count_include_pad=True),
    {"window": [3, 3], "strides": [2, 2], "padding": [[1, 1], [1, 1]]},
    x=values(2, 3, 7, 8),
)
cases["avgPool1d"] = layer(
    lambda x: F.avg_pool1d(x, 2, stride=2),
    {"window": [2], "strides": [2], "padding": [[0, 0]]},
    x=values(2, 2, 8),
)
cases["layerNorm"] = layer(
    lambda x, w, b: F.layer_norm(x, (6,), w, b, eps=1e-5),
    {"axes": [-1], "eps": 1e-5},
    x=values(4, 6), weight=1 + values(6, scale=0.2), bias=values(6, scale=0.2),
)
cases["groupNorm"] = layer(
    lambda x, w, b: F.group_norm(x, 2, w, b, eps=1e-5),
    {"groups": 2, "eps": 1e-5},
    x=values(2, 4, 3, 5), weight=1 + values(4, scale=0.2), bias=values(4, scale=0.2),
)
cases["embedding"] = layer(
    lambda indices, table: F.embedding(indices, table),
    {},
    integers={"indices": torch.tensor([[1, 3, 1], [0, 6, 3]])},
    table=values(7, 4),
)
cases["linear"] = layer(lambda x, w, b: F.linear(x, w, b), {}, x=values(4, 5), weight=values(3, 5), bias=values(3))

activations = {
    "gelu": F.gelu,
    "gelu.tanh": lambda x: F.gelu(x, approximate="tanh"),
    "silu": F.silu,
    "softplus": F.softplus,
    "elu": F.elu,
    "leakyRelu": lambda x: F.leaky_relu(x, 0.01),
    "sigmoid": torch.sigmoid,
    "softmax": lambda x: F.softmax(x, dim=-1),
    "logSoftmax": lambda x: F.log_softmax(x, dim=-1),
    "logSumExp": lambda x: torch.logsumexp(x, dim=-1),
    "variance": lambda x: torch.var(x, dim=-1, unbiased=False),
}
for name, f in activations.items():
    cases[name] = layer(f, {}, x=values(3, 6, scale=2.0))

logits = values(5, 4, scale=3.0)
targets = torch.tensor([0, 3, 2, 2, 1])
for name, f in {
    "loss.crossEntropy": lambda x: F.cross_entropy(x, targets),
    "loss.crossEntropy.smoothed": lambda x: F.cross_entropy(x, targets, label_smoothing=0.1),
}.items():
    case = layer(f, {"labelSmoothing": 0.1} if name.endswith("smoothed") else {}, x=logits.clone())
    case["inputs"]["targets"] = array(targets)
    cases[name] = case
target = values(3, 4)
labels = (values(3, 4) > 0).double()
for name, f, attrs, other in [
    ("loss.mse", lambda x: F.mse_loss(x, target), {}, target),
    ("loss.mae", lambda x: F.l1_loss(x, target), {}, target),
    ("loss.huber", lambda x: F.huber_loss(x, target, delta=0.7), {"delta": 0.7}, target),
    ("loss.binaryCrossEntropyWithLogits", lambda x: F.binary_cross_entropy_with_logits(x, labels), {}, labels),
]:
    case = layer(f, attrs, x=values(3, 4, scale=2.0))
    case["inputs"]["targets"] = array(other)
    cases[name] = case

cases["siren"] = network(
    siren,
    values(4, 2, scale=0.5),
    {
        "layer0.weight": values(6, 2, scale=0.3),
        "layer0.bias": values(6, scale=0.3),
        "layer1.weight": values(5, 6, scale=0.02),
        "layer1.bias": values(5, scale=0.2),
        "layer2.weight": values(3, 5, scale=0.3),
        "layer2.bias": values(3, scale=0.2),
    },
    torch.tensor([2, 0, 1, 2]),
)

save("nets", cases)
