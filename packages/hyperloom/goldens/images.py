"""Layers and blocks of networks of images, in float64, for images.json.

A case is {x, params, cotangent, output, grads, running?}: x [N, ...] and output [N, ...] are of a batch, grads are of
sum(cotangent * output) for x and each parameter. `running` holds PyTorch's running statistics after the batch, which it
makes of variances divided by n - 1. Names and layouts are the library's, and each forward function turns them into
PyTorch's: a linear weight is [in, out], that of a transposed convolution [out, in / groups, ...kernel], and attention
has a matrix for each of query, key and value, of which keys have no bias.
"""

import torch
import torch.nn.functional as F
from torch.nn.utils.stateless import functional_call

from golden import array, rounded, save

generator = torch.Generator().manual_seed(20201022)


def values(*shape, scale=1.0):
    return rounded(shape, generator, scale)


def case(forward, x, params, running=None):
    leaves = {"x": x, **params}
    for leaf in leaves.values():
        leaf.requires_grad_(True)
    before = {name: array(s) for name, s in (running or {}).items()}
    output = forward(x, params)
    cotangent = values(*output.shape)
    grads = torch.autograd.grad(output, list(leaves.values()), cotangent)
    return {
        "x": array(x),
        "params": {**{name: array(p) for name, p in params.items()}, **before},
        "cotangent": array(cotangent),
        "output": array(output),
        "grads": {name: array(g) for name, g in zip(leaves, grads)},
        **({"running": {name: array(s) for name, s in running.items()}} if running else {}),
    }


def transposed(w, groups):
    """[out, in / groups, ...k] to PyTorch's [in, out / groups, ...k]."""
    out, inputs, *kernel = w.shape
    apart = w.reshape(groups, out // groups, inputs, *kernel).transpose(1, 2)
    return apart.reshape(groups * inputs, out // groups, *kernel)


def squeeze_excite(x, p):
    hidden = torch.relu(F.linear(x.mean((2, 3)), p["squeeze.weight"].T, p["squeeze.bias"]))
    return x * torch.sigmoid(F.linear(hidden, p["excite.weight"].T, p["excite.bias"]))[:, :, None, None]


def in_projection(p, prefix=""):
    names = ["query", "key", "value"]
    weight = torch.cat([p[f"{prefix}{n}.weight"].T for n in names])
    no_bias = torch.zeros_like(p[prefix + "query.bias"])
    bias = torch.cat([no_bias if n == "key" else p[f"{prefix}{n}.bias"] for n in names])
    return weight, bias


def attention(heads, causal):
    def forward(x, p):
        size = x.shape[-1]
        module = torch.nn.MultiheadAttention(size, heads, batch_first=True, dtype=torch.float64)
        weight, bias = in_projection(p)
        own = {
            "in_proj_weight": weight,
            "in_proj_bias": bias,
            "out_proj.weight": p["out.weight"].T,
            "out_proj.bias": p["out.bias"],
        }
        mask = torch.triu(torch.ones(x.shape[1], x.shape[1], dtype=torch.bool), 1) if causal else None
        return functional_call(module, own, (x, x, x), {"need_weights": False, "attn_mask": mask})[0]

    return forward


def transformer(heads, hidden):
    def forward(x, p):
        module = torch.nn.TransformerEncoderLayer(
            x.shape[-1], heads, hidden, dropout=0.0, activation="gelu", batch_first=True, norm_first=True,
            dtype=torch.float64,
        )
        weight, bias = in_projection(p, "attention.")
        own = {
            "self_attn.in_proj_weight": weight,
            "self_attn.in_proj_bias": bias,
            "self_attn.out_proj.weight": p["attention.out.weight"].T,
            "self_attn.out_proj.bias": p["attention.out.bias"],
            "linear1.weight": p["mlp.layer0.weight"].T,
            "linear1.bias": p["mlp.layer0.bias"],
            "linear2.weight": p["mlp.layer1.weight"].T,
            "linear2.bias": p["mlp.layer1.bias"],
            "norm1.weight": p["norm1.scale"],
            "norm1.bias": p["norm1.shift"],
            "norm2.weight": p["norm2.scale"],
            "norm2.bias": p["norm2.shift"],
        }
        return functional_call(module, own, (x,))

    return forward


def attention_params(size, prefix=""):
    return {
        f"{prefix}query.weight": values(size, size, scale=0.5),
        f"{prefix}query.bias": values(size, scale=0.3),
        f"{prefix}key.weight": values(size, size, scale=0.5),
        f"{prefix}value.weight": values(size, size, scale=0.5),
        f"{prefix}value.bias": values(size, scale=0.3),
        f"{prefix}out.weight": values(size, size, scale=0.5),
        f"{prefix}out.bias": values(size, scale=0.3),
    }


def batch_norm(x, p, running, name, training=True):
    return F.batch_norm(
        x, running[name + "mean"], running[name + "variance"], p.get(name + "scale"), p[name + "shift"],
        training=training, momentum=0.1, eps=1e-5,
    )


def statistics(channels, name=""):
    return {name + "mean": values(channels, scale=0.3), name + "variance": 1 + values(channels, scale=0.2).abs()}


def block(stride, project, running):
    def forward(x, p):
        active = torch.relu(batch_norm(x, p, running, "norm1."))
        h = F.conv2d(active, p["conv1.weight"], stride=stride, padding=1)
        h = torch.relu(batch_norm(h, p, running, "norm2."))
        h = F.conv2d(h, p["conv2.weight"], padding=1)
        if project:
            return h + F.conv2d(active, p["project.weight"], stride=stride)
        kept = x[:, :, ::stride, ::stride]
        return h + F.pad(kept, (0, 0, 0, 0, 0, h.shape[1] - kept.shape[1]))

    return forward


def block_params(inputs, out, project):
    return {
        "norm1.shift": values(inputs, scale=0.3),
        "conv1.weight": values(out, inputs, 3, 3, scale=0.3),
        "norm2.shift": values(out, scale=0.3),
        "conv2.weight": values(out, out, 3, 3, scale=0.3),
        **({"project.weight": values(out, inputs, 1, 1, scale=0.5)} if project else {}),
    }


cases = {}

cases["convTranspose1d"] = case(
    lambda x, p: F.conv_transpose1d(x, transposed(p["weight"], 1), p["bias"], stride=3, padding=2, output_padding=1),
    values(2, 3, 4),
    {"weight": values(2, 3, 5), "bias": values(2)},
)
cases["convTranspose2d"] = case(
    lambda x, p: F.conv_transpose2d(x, transposed(p["weight"], 1), p["bias"], stride=2, padding=1),
    values(2, 3, 3, 4),
    {"weight": values(2, 3, 4, 4), "bias": values(2)},
)
cases["convTranspose2d.grouped"] = case(
    lambda x, p: F.conv_transpose2d(
        x, transposed(p["weight"], 2), stride=(2, 1), padding=(1, 0), output_padding=(1, 0), groups=2, dilation=(1, 2)
    ),
    values(2, 4, 3, 3),
    {"weight": values(6, 2, 3, 2)},
)
cases["depthwiseConv2d"] = case(
    lambda x, p: F.conv2d(x, p["weight"], p["bias"], padding=1, groups=3),
    values(2, 3, 5, 4),
    {"weight": values(6, 1, 3, 3), "bias": values(6)},
)
cases["squeezeExcite"] = case(
    squeeze_excite,
    values(3, 4, 3, 2),
    {
        "squeeze.weight": values(4, 2, scale=0.7),
        "squeeze.bias": values(2, scale=0.5),
        "excite.weight": values(2, 4, scale=0.7),
        "excite.bias": values(4, scale=0.5),
    },
)
cases["patchEmbedding"] = case(
    lambda x, p: F.conv2d(x, p["weight"].T.reshape(5, 2, 3, 2), p["bias"], stride=(3, 2)).flatten(2).transpose(1, 2),
    values(2, 2, 6, 6),
    {"weight": values(12, 5), "bias": values(5)},
)
cases["multiHeadAttention"] = case(attention(3, False), values(2, 4, 6), attention_params(6))
cases["multiHeadAttention.causal"] = case(attention(2, True), values(2, 5, 4), attention_params(4))
cases["transformerBlock"] = case(
    transformer(2, 7),
    values(2, 4, 6),
    {
        "norm1.scale": 1 + values(6, scale=0.2),
        "norm1.shift": values(6, scale=0.2),
        **attention_params(6, "attention."),
        "norm2.scale": 1 + values(6, scale=0.2),
        "norm2.shift": values(6, scale=0.2),
        "mlp.layer0.weight": values(6, 7, scale=0.5),
        "mlp.layer0.bias": values(7, scale=0.2),
        "mlp.layer1.weight": values(7, 6, scale=0.5),
        "mlp.layer1.bias": values(6, scale=0.2),
    },
)

for training in (True, False):
    running = statistics(3)
    cases["batchNorm.training" if training else "batchNorm.evaluation"] = case(
        lambda x, p: batch_norm(x, p, running, "", training),
        values(4, 3, 2, 3, scale=2.0),
        {"scale": 1 + values(3, scale=0.2), "shift": values(3, scale=0.2)},
        running,
    )
for name, project in {"preActivationBlock.pad": False, "preActivationBlock.project": True}.items():
    running = {**statistics(2, "norm1."), **statistics(3, "norm2.")}
    cases[name] = case(block(2, project, running), values(3, 2, 5, 4), block_params(2, 3, project), running)

save("images", cases)
