"""Other hypernetworks in PyTorch: pieces of one vector, mixtures of kernels, adapters by code, codes of sets."""

import math

from torch_training import F, options, tensors, torch, training


def rows_of(flat, shapes):
    """Splits a flat vector of weights, [in, out] matrices and their biases, into views of the shapes."""
    parts = torch.split(flat, [math.prod(s) for s in shapes], dim=-1)
    return [part.view(*flat.shape[:-1], *shape) for part, shape in zip(parts, shapes)]


def mlp_shapes(sizes):
    return [s for i, o in zip(sizes, sizes[1:]) for s in ((i, o), (o,))]


def chunked(params, batches):
    count = len(batches[0]["multipliers"])
    width = next(w for w in (100, 400) if 784 * w + w + w * w + w + w * 10 + 10 == count)
    shapes = mlp_shapes([784, width, width, 10])

    def loss_of(p, batch):
        own, common = p["head.hidden.0.weight"][8:], p["head.hidden.0.weight"][:8]
        bias = torch.addmv(p["head.hidden.0.bias"], common.t(), p["code.code"])
        features = F.relu(torch.addmm(bias, p["head.embeddings"], own))
        pieces = torch.addmm(p["head.out.bias"], features, p["head.out.weight"])
        weights = rows_of(pieces.view(-1)[:count] * batch["multipliers"], shapes)
        h = batch["x"]
        for i in range(0, len(weights), 2):
            h = torch.addmm(weights[i + 1], h, weights[i])
            if i + 2 < len(weights):
                h = F.relu(h)
        return F.cross_entropy(h, batch["y"])

    return training(params, batches, loss_of)


def experts_conv(params, batches):
    def loss_of(p, batch):
        size = len(batch["y"])
        h = F.max_pool2d(F.relu(F.conv2d(batch["x"], p["conv1.weight"], p["conv1.bias"], padding=1)), 2)
        gates = torch.addmm(p["conv2.head.gates.target.bias"], h.mean((2, 3)), p["conv2.head.gates.target.weight"])
        alpha = torch.sigmoid(gates)
        kernels = (alpha @ p["conv2.head.experts.weight.weight"]).view(size * 16, 16, 3, 3)
        bias = torch.addmm(p["conv2.head.experts.bias.bias"], alpha, p["conv2.head.experts.bias.weight"])
        h = F.conv2d(h.view(1, size * 16, 14, 14), kernels, padding=1, groups=size).view(size, 16, 14, 14)
        h = F.max_pool2d(F.relu(h + bias.view(size, 16, 1, 1)), 2).flatten(1)
        return F.cross_entropy(torch.addmm(p["fc.bias"], h, p["fc.weight"]), batch["y"])

    return training(params, batches, loss_of)


def adapters(params, batches):
    def adapted(p, batch, path, x):
        """x by the fixed matrix, and by the factors [256, rank] and [rank, 256] of each task."""
        code, rank = batch["codes"], 4

        def factor(name):
            at = f"head.factors.{path}.weight.{name}"
            return torch.addmm(p[f"{at}.bias"], code, p[f"{at}.weight"])

        low = torch.bmm(x, factor("a").view(-1, 256, rank))
        whole = F.linear(x, batch[f"base.{path}.weight"].t(), batch[f"target.{path}.bias"])
        return torch.baddbmm(whole, low, factor("b").view(-1, rank, 256))

    def loss_of(p, batch):
        x = batch["x"]
        for block in range(4):
            name = f"block{block}"
            fixed = lambda path: batch[f"target.{name}.{path}"]
            seen = F.layer_norm(x, (256,), fixed("norm1.scale"), fixed("norm1.shift"))
            heads = lambda t: t.view(len(x), -1, 4, 64).transpose(1, 2)
            q = heads(adapted(p, batch, f"{name}.attention.query", seen))
            k = heads(F.linear(seen, fixed("attention.key.weight").t()))
            v = heads(adapted(p, batch, f"{name}.attention.value", seen))
            mixed = F.scaled_dot_product_attention(q, k, v).transpose(1, 2).reshape(x.shape)
            x = x + F.linear(mixed, fixed("attention.out.weight").t(), fixed("attention.out.bias"))
            seen = F.layer_norm(x, (256,), fixed("norm2.scale"), fixed("norm2.shift"))
            h = F.gelu(F.linear(seen, fixed("mlp.layer0.weight").t(), fixed("mlp.layer0.bias")))
            x = x + F.linear(h, fixed("mlp.layer1.weight").t(), fixed("mlp.layer1.bias"))
        return F.mse_loss(x, batch["y"])

    return training(params, batches, loss_of)


def set_encoder(params, batches):
    paths = [f"layer{i}.{kind}" for i in range(3) for kind in ("weight", "bias")]
    shapes = mlp_shapes([1, 40, 40, 1])

    def loss_of(p, batch):
        h = batch["points"]
        for i in range(3):
            h = F.relu(F.linear(h, p[f"code.point.layer{i}.weight"].t(), p[f"code.point.layer{i}.bias"]))
        pooled = h.mean(1) * batch["steady"]
        code = torch.addmm(p["code.after.layer0.bias"], pooled, p["code.after.layer0.weight"])
        features = F.relu(torch.addmm(p["head.hidden.0.bias"], code, p["head.hidden.0.weight"]))
        h = batch["x"]
        # One product for all weights: the layers of the head lie side by side.
        last = torch.cat([p[f"head.out.{path}.weight"] for path in paths], 1)
        bias = torch.cat([p[f"head.out.{path}.bias"] for path in paths])
        weights = rows_of(torch.addmm(bias, features, last), shapes)
        for i in range(0, len(weights), 2):
            h = torch.baddbmm(weights[i + 1].unsqueeze(1), h, weights[i])
            if i + 2 < len(weights):
                h = F.relu(h)
        return F.mse_loss(h, batch["y"])

    return training(params, batches, loss_of)


def inference(params, batches):
    """step(t): a generated network at work; returns the mean of what it gives."""
    p = {name: torch.from_numpy(value) for name, value in params.items()}
    layers = [(p[f"layer{i}.weight"].t().contiguous(), p[f"layer{i}.bias"]) for i in range(3)]
    batches = tensors(batches)

    def forward(x):
        for i, (weight, bias) in enumerate(layers):
            x = F.linear(x, weight, bias)
            if i < 2:
                x = F.relu(x)
        return x

    run = torch.compile(forward) if options.compile else forward

    @torch.inference_mode()
    def step(t):
        return run(batches[t % len(batches)]["x"]).mean().item()

    return step
