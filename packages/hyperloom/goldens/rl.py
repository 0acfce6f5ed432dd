"""Reinforcement learning in float64, for rl.json: advantages, distributions of actions, and one update.

Advantages are sums of the definition (Schulman et al. 2016, eq. 16) rather than a recursion. Distributions are those of
torch.distributions. The update is the loss of proximal policy optimisation (Schulman et al. 2017, eq. 7 and 9) over
all steps of some paths at once, with plain networks of one hidden layer, and its gradient.
"""

import torch
from torch.distributions import Categorical, Normal

from golden import array, number, rounded, save

draw = torch.Generator().manual_seed(6)
cases = {}


def advantages(reward, value, next_value, terminated, over, discount, lam):
    """[steps]: sum over l of (discount lam)^l delta_{t+l}, up to and with the step that ends a life."""
    steps = len(reward)
    delta = [
        reward[t] + discount * (0.0 if terminated[t] else next_value[t]) - value[t] for t in range(steps)
    ]
    found = []
    for t in range(steps):
        total, weight = 0.0, 1.0
        for k in range(t, steps):
            total = total + weight * delta[k]
            if over[k]:
                break
            weight *= discount * lam
        found.append(total)
    return torch.stack(found)


def path(steps, ends, cuts):
    """Steps with numbers drawn at random: after those of `ends` nothing follows, those of `cuts` meet a limit."""
    terminated = torch.zeros(steps, dtype=torch.bool)
    over = torch.zeros(steps, dtype=torch.bool)
    terminated[ends] = True
    over[ends + cuts] = True
    value, after = rounded(steps, draw), rounded(steps, draw)
    # Within a life what a step leads to is what the next one begins with.
    next_value = torch.where(over, after, torch.cat([value[1:], after[-1:]]))
    return {
        "reward": rounded(steps, draw),
        "value": value,
        "nextValue": next_value,
        "terminated": terminated,
        "over": over,
    }


def flags(t):
    return {"shape": list(t.shape), "data": t.int().reshape(-1).tolist()}


def written(p):
    return {key: flags(t) if t.dtype == torch.bool else array(t) for key, t in p.items()}


for name, ends, cuts in [
    ("advantages.unbroken", [], []),
    ("advantages.ends", [3, 7], []),
    ("advantages.cuts", [], [2, 9]),
    ("advantages.both", [1, 11], [5]),
]:
    for discount, lam in [(0.99, 0.95), (0.9, 1.0), (0.8, 0.0)]:
        p = path(12, ends, cuts)
        cases[f"{name}.{discount}.{lam}"] = {
            "discount": discount,
            "lambda": lam,
            "path": written(p),
            "advantages": array(advantages(*p.values(), discount, lam)),
        }

logits = torch.cat([rounded((4, 3), draw, 2.0), torch.tensor([[0.0, 0, 0], [9, -9, 0]], dtype=torch.float64)])
chosen = torch.tensor([0, 1, 2, 1, 2, 1])
cases["categorical"] = {
    "action": {"kind": "discrete", "count": 3},
    "policy": array(logits),
    "taken": array(chosen),
    "logProb": array(Categorical(logits=logits).log_prob(chosen)),
    "entropy": array(Categorical(logits=logits).entropy()),
}
mean, log_std, taken = rounded((5, 2), draw), rounded((5, 2), draw, 0.7), rounded((5, 2), draw)
normal = Normal(mean, log_std.exp())
cases["normal"] = {
    "action": {"kind": "continuous", "size": 2, "low": -1, "high": 1},
    "policy": array(torch.cat([mean, log_std], dim=1)),
    "taken": array(taken),
    "logProb": array(normal.log_prob(taken).sum(1)),
    "entropy": array(normal.entropy().sum(1)),
}


def net(sizes):
    return {
        f"layer{i}": {"weight": rounded((a, b), draw, 0.6), "bias": rounded(b, draw, 0.2)}
        for i, (a, b) in enumerate(zip(sizes, sizes[1:]))
    }


def run(layers, x):
    h = torch.tanh(x @ layers["layer0"]["weight"] + layers["layer0"]["bias"])
    return h @ layers["layer1"]["weight"] + layers["layer1"]["bias"]


def mapped(f, tree):
    return {key: mapped(f, leaf) for key, leaf in tree.items()} if isinstance(tree, dict) else f(tree)


def update(action, options):
    copies, steps, seen, hidden = 3, 8, 3, 4
    discrete = action["kind"] == "discrete"
    params = {
        "policy": net([seen, hidden, action["count"] if discrete else action["size"]]),
        "value": net([seen, hidden, 1]),
    }
    if not discrete:
        params["spread"] = rounded(action["size"], draw, 0.3)
    own = mapped(lambda t: t.clone().requires_grad_(), params)
    paths = [path(steps, [2], [5]), path(steps, [], [4]), path(steps, [7], [])]
    stacked = {key: torch.stack([p[key] for p in paths]) for key in paths[0]}
    observation = rounded((copies, steps, seen), draw)

    given = run(own["policy"], observation)
    dist = Categorical(logits=given) if discrete else Normal(given, own["spread"].exp())
    if discrete:
        taken = torch.randint(action["count"], (copies, steps), generator=draw)
        log_prob, entropy = dist.log_prob(taken), dist.entropy()
    else:
        taken = rounded((copies, steps, action["size"]), draw)
        log_prob, entropy = dist.log_prob(taken).sum(-1), dist.entropy().sum(-1)
    old = ((log_prob.detach() + rounded((copies, steps), draw, 0.3)) * 1e4).round() / 1e4

    horizon = options["discount"], options["lambda"]
    raw = torch.stack([advantages(*p.values(), *horizon) for p in paths])
    target = raw + stacked["value"]
    advantage = (raw - raw.mean()) / (raw.std(unbiased=False) + 1e-8)

    change = log_prob - old
    ratio = change.exp()
    clipped = ratio.clamp(1 - options["clip"], 1 + options["clip"])
    policy_loss = -torch.minimum(ratio * advantage, clipped * advantage).mean()
    value_loss = ((run(own["value"], observation)[..., 0] - target) ** 2).mean()
    loss = policy_loss + options["valueWeight"] * value_loss - options["entropy"] * entropy.mean()
    loss.backward()
    explained = 1 - (target - stacked["value"]).var(unbiased=False) / target.var(unbiased=False)
    return {
        "action": action,
        "options": options,
        "params": mapped(array, params),
        "path": {
            **written(stacked),
            "observation": array(observation),
            "action": array(taken),
            "logProb": array(old),
        },
        "terms": {
            "loss": number(loss.item()),
            "policyLoss": number(policy_loss.item()),
            "valueLoss": number(value_loss.item()),
            "entropy": number(entropy.mean().item()),
            "kl": number((ratio - 1 - change).mean().item()),
            "clipFraction": number(((ratio - 1).abs() > options["clip"]).double().mean().item()),
            "explainedVariance": number(explained.item()),
        },
        "gradient": mapped(lambda t: array(t.grad), own),
    }


cases["update.discrete"] = update(
    {"kind": "discrete", "count": 3},
    {"discount": 0.97, "lambda": 0.9, "clip": 0.2, "entropy": 0.02, "valueWeight": 0.5},
)
cases["update.continuous"] = update(
    {"kind": "continuous", "size": 2, "low": -1, "high": 1},
    {"discount": 0.9, "lambda": 1.0, "clip": 0.1, "entropy": 0.01, "valueWeight": 0.7},
)
save("rl", cases)
