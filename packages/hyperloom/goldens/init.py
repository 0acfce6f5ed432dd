"""What each initialiser of torch.nn.init draws from, for init.json.

Each case: {shape, fanIn, fanOut, kind, std, bound?, sampled}. std is the theoretical standard deviation, bound the limit of
a uniform (its std is bound / sqrt 3), sampled the standard deviation and the largest magnitude that PyTorch
measured over 125,000 draws, so that the theory itself is checked here. Weights are [out, in, ...kernel].
"""

import math

import torch
from torch.nn import init

from golden import number, save

torch.manual_seed(20160927)
shapes = [[16, 8], [16, 8, 3, 3]]
DRAWS = 125_000


def sampled(fill, shape):
    """Pools whole tensors of the given shape, since the fans follow from it."""
    size = math.prod(shape)
    weight = torch.empty(shape, dtype=torch.float64)
    drawn = torch.cat([fill(weight).reshape(-1).clone() for _ in range(DRAWS // size)])
    return {"std": number(round(drawn.std().item(), 5)), "largest": number(round(drawn.abs().max().item(), 5))}


def case(shape, kind, fill, std):
    fan_in, fan_out = init._calculate_fan_in_and_fan_out(torch.empty(shape))
    seen = sampled(fill, shape)
    if abs(seen["std"] - std) > 0.02 * std:
        raise ValueError(f"{kind} {shape}: expected a std of {std}, drew {seen['std']}")
    result = {"shape": shape, "fanIn": fan_in, "fanOut": fan_out, "kind": kind, "std": number(std)}
    if kind == "uniform":
        result["bound"] = number(std * math.sqrt(3))
    return {**result, "sampled": seen}


cases = {}
for gain in ["linear", "sigmoid", "tanh", "relu", "leaky_relu", "selu"]:
    slope = 0.2 if gain == "leaky_relu" else None
    cases[f"gain.{gain}"] = {"gain": number(init.calculate_gain(gain, slope)), **({"slope": slope} if slope else {})}

for shape in shapes:
    label = "x".join(map(str, shape))
    fan_in, fan_out = init._calculate_fan_in_and_fan_out(torch.empty(shape))
    for mode, fan in [("fan_in", fan_in), ("fan_out", fan_out)]:
        std = math.sqrt(2 / fan)
        camel = "fanIn" if mode == "fan_in" else "fanOut"
        cases[f"kaimingNormal.{camel}.{label}"] = case(
            shape, "normal", lambda w, m=mode: init.kaiming_normal_(w, mode=m, nonlinearity="relu"), std
        )
        cases[f"kaimingUniform.{camel}.{label}"] = case(
            shape, "uniform", lambda w, m=mode: init.kaiming_uniform_(w, mode=m, nonlinearity="relu"), std
        )
    glorot = math.sqrt(2 / (fan_in + fan_out))
    cases[f"xavierNormal.{label}"] = case(shape, "normal", init.xavier_normal_, glorot)
    cases[f"xavierUniform.{label}"] = case(shape, "uniform", init.xavier_uniform_, glorot)
    # LeCun is Kaiming with the linear gain of 1.
    lecun = math.sqrt(1 / fan_in)
    cases[f"lecunNormal.{label}"] = case(
        shape, "normal", lambda w: init.kaiming_normal_(w, nonlinearity="linear"), lecun
    )
    cases[f"lecunUniform.{label}"] = case(
        shape, "uniform", lambda w: init.kaiming_uniform_(w, nonlinearity="linear"), lecun
    )

# Cut at two standard deviations, the spread falls to 0.8796 of the parent's: 1 - 4 phi(2) / (2 Phi(2) - 1), squared root.
density = math.exp(-2) / math.sqrt(2 * math.pi)
mass = math.erf(2 / math.sqrt(2))
shrink = math.sqrt(1 - 4 * density / mass)
drawn = sampled(lambda w: init.trunc_normal_(w, std=0.01, a=-0.02, b=0.02), [16, 8])
cases["truncatedNormal"] = {"sigma": 0.01, "cut": 2, "std": number(0.01 * shrink), "bound": 0.02, "sampled": drawn}

# Orthogonal: the matrix [out, in * kernel] has orthonormal rows when it is wide, orthonormal columns when it is tall.
for shape in [*shapes, [8, 16], [12, 12]]:
    weight = init.orthogonal_(torch.empty(shape, dtype=torch.float64))
    flat = weight.reshape(shape[0], -1)
    wide = flat.shape[0] <= flat.shape[1]
    product = flat @ flat.T if wide else flat.T @ flat
    error = (product - torch.eye(product.shape[0], dtype=torch.float64)).abs().max().item()
    if error > 1e-10:
        raise ValueError(f"orthogonal {shape}: off by {error}")
    cases[f"orthogonal.{'x'.join(map(str, shape))}"] = {
        "shape": shape,
        "orthonormal": "rows" if wide else "columns",
        "matrix": list(flat.shape),
        # The mean square of an entry: min(m, n) unit vectors spread over m * n entries.
        "std": number(math.sqrt(1 / max(flat.shape))),
    }

save("init", cases)
