"""Values and gradients of dynamic convolutions over a batch, in float64, for dynamic.json.

{x, params, cotangent, output, grads}: params by their paths in Hyperloom's layers, laid out as there (affine weights
[in, out]); grads are vector-Jacobian products of the cotangent with "x" and each parameter. Examples are taken one by
one, and local filters are applied as in the authors' code of involution: to the windows that `unfold` gives.
"""

import torch
import torch.nn.functional as F

from golden import array, rounded, save

generator = torch.Generator().manual_seed(20200330)


def values(*shape, scale=1.0):
    return rounded(shape, generator, scale)


def case(forward, x, params):
    leaves = {"x": x, **params}
    for leaf in leaves.values():
        leaf.requires_grad_(True)
    output = torch.stack([forward(one, params) for one in x])
    cotangent = values(*output.shape)
    grads = torch.autograd.grad(output, list(leaves.values()), cotangent)
    return {
        "x": array(x),
        "params": {path: array(p) for path, p in params.items()},
        "cotangent": array(cotangent),
        "output": array(output),
        "grads": {name: array(g) for name, g in zip(leaves, grads)},
    }


def means(x):
    return x.mean(dim=(1, 2))


def mixed(x, alpha, p, shape, **options):
    kernel = (alpha @ p["head.experts.weight.weight"]).reshape(shape)
    bias = alpha @ p["head.experts.bias.weight"] + p["head.experts.bias.bias"]
    return F.conv2d(x[None], kernel, bias, **options)[0]


def logits(h, p):
    return h @ p["head.gates.target.weight"] + p["head.gates.target.bias"]


def cond_conv(x, p):
    alpha = torch.sigmoid(logits(means(x), p))
    return mixed(x, alpha, p, (4, 2, 3, 3), stride=2, padding=1)


def dy_conv(x, p):
    h = torch.relu(means(x) @ p["head.hidden.0.weight"] + p["head.hidden.0.bias"])
    alpha = torch.softmax(logits(h, p) / 4, dim=0)
    return mixed(x, alpha, p, (4, 1, 3, 3), groups=2)


def full_conv(x, p):
    code = means(x) @ p["code.fc.weight"] + p["code.fc.bias"]
    code = code / torch.sqrt(torch.mean(code * code) + 1e-8)
    kernel = code @ p["head.out.weight.weight"] + p["head.out.weight.bias"]
    bias = code @ p["head.out.bias.weight"] + p["head.out.bias.bias"]
    return F.conv2d(x[None], kernel.reshape(4, 2, 3, 3), bias, padding=1)[0]


def filters(x, p, groups, kernel, stride):
    h = F.conv2d(F.avg_pool2d(x[None], stride), p["reduce.weight"])
    h = torch.relu(F.group_norm(h, 1, p["norm.scale"], p["norm.shift"]))
    w = F.conv2d(h, p["span.weight"], p["span.bias"])
    height, width = w.shape[2:]
    w = w.view(1, groups, kernel**2, height, width).unsqueeze(2)
    windows = F.unfold(x[None], kernel, padding=kernel // 2, stride=stride)
    windows = windows.view(1, groups, x.shape[0] // groups, kernel**2, height, width)
    y = (w * windows).sum(dim=3).view(1, x.shape[0], height, width)
    return F.conv2d(y, p["mix.weight"], p["mix.bias"])[0]


def filter_case(channels, out, groups, reduced, kernel, stride, height, width):
    return case(
        lambda x, p: filters(x, p, groups, kernel, stride),
        values(3, channels, height, width),
        {
            "reduce.weight": values(reduced, channels, 1, 1),
            "norm.scale": values(reduced),
            "norm.shift": values(reduced),
            "span.weight": values(groups * kernel**2, reduced, 1, 1),
            "span.bias": values(groups * kernel**2),
            "mix.weight": values(out, channels, 1, 1),
            "mix.bias": values(out),
        },
    )


def experts(inputs, count, size, out):
    return {
        "head.gates.target.weight": values(inputs, count),
        "head.gates.target.bias": values(count),
        "head.experts.weight.weight": values(count, size),
        "head.experts.bias.weight": values(count, out),
        "head.experts.bias.bias": values(out),
    }


save(
    "dynamic",
    {
        "condConv2d": case(cond_conv, values(3, 2, 5, 4), experts(2, 3, 72, 4)),
        "dyConv2d": case(
            dy_conv,
            values(3, 2, 4, 5),
            {"head.hidden.0.weight": values(2, 4), "head.hidden.0.bias": values(4), **experts(4, 4, 36, 4)},
        ),
        "fullConv2d": case(
            full_conv,
            values(3, 2, 4, 3),
            {
                "code.fc.weight": values(2, 3),
                "code.fc.bias": values(3),
                "head.out.weight.weight": values(3, 72),
                "head.out.weight.bias": values(72),
                "head.out.bias.weight": values(3, 4),
                "head.out.bias.bias": values(4),
            },
        ),
        "dynamicFilter2d": filter_case(4, 3, 2, 2, 3, 1, 4, 5),
        "dynamicFilter2d strided": filter_case(6, 2, 3, 2, 5, 2, 6, 4),
    },
)
