"""Stochastic gates, for gates.json: values, probabilities of being open, and gradients of both to the logits.

Hard concrete as in Louizos et al. 2018 (eq. 10 to 13); Gumbel as torch.nn.functional.gumbel_softmax would have two
classes, with the noise given: the difference of two Gumbel variables is logistic.
"""

import torch
import torch.nn.functional as F

from golden import array, save

logits = torch.tensor([-6, -2.5, -0.7, 0, 0.3, 1.1, 2.4, 7], dtype=torch.float64)
uniform = torch.tensor([0.9, 0.97, 0.31, 0.5, 0.64, 0.08, 0.77, 0.02], dtype=torch.float64)
noise = torch.log(uniform) - torch.log(1 - uniform)


def case(value, open_probability, options):
    """Values and the gradients of sum(value * [1, 2, ...]) and of the same sum of probabilities."""
    results = {"options": options, "logits": array(logits), "uniform": array(uniform)}
    for name, f in {**value, "open": open_probability}.items():
        own = logits.clone().requires_grad_()
        out = f(own)
        (grad,) = torch.autograd.grad((out * torch.arange(1.0, 9.0, dtype=torch.float64)).sum(), own)
        results[name] = {"value": array(out), "gradient": array(grad)}
    return results


def hard_concrete(beta, gamma, zeta):
    def stretched(s):
        return torch.clamp(s * (zeta - gamma) + gamma, 0, 1)

    return case(
        {
            "sampled": lambda l: stretched(torch.sigmoid((noise + l) / beta)),
            "certain": lambda l: stretched(torch.sigmoid(l)),
        },
        lambda l: torch.sigmoid(l - beta * torch.log(torch.tensor(-gamma / zeta, dtype=torch.float64))),
        {"kind": "hardConcrete", "temperature": beta, "stretch": [gamma, zeta]},
    )


def gumbel(tau):
    def straight(pair):
        soft = F.softmax(pair / tau, -1)[..., 0]
        return (soft > 0.5).to(soft.dtype) - soft.detach() + soft

    return case(
        {
            "sampled": lambda l: straight(torch.stack([l + noise, torch.zeros_like(l)], -1)),
            "certain": lambda l: straight(torch.stack([l, torch.zeros_like(l)], -1)),
        },
        torch.sigmoid,
        {"kind": "gumbel", "temperature": tau},
    )


save(
    "gates",
    {
        "hardConcrete": hard_concrete(2 / 3, -0.1, 1.1),
        "hardConcrete.wide": hard_concrete(0.5, -0.3, 1.2),
        "gumbel": gumbel(1.0),
        "gumbel.cold": gumbel(0.4),
    },
)
