"""Other hypernetworks in JAX: pieces of one vector, mixtures of kernels, adapters by code, codes of sets."""

import math

from jax_training import conv, cross_entropy, jax, jnp, max_pool, np, training


def rows_of(flat, shapes):
    """Splits [..., weights] into [in, out] matrices and their biases."""
    ends = [sum(math.prod(s) for s in shapes[: k + 1]) for k in range(len(shapes) - 1)]
    return [part.reshape(*flat.shape[:-1], *shape) for part, shape in zip(jnp.split(flat, ends, axis=-1), shapes)]


def mlp_shapes(sizes):
    return [s for i, o in zip(sizes, sizes[1:]) for s in ((i, o), (o,))]


def mlp(weights, h):
    for i in range(0, len(weights), 2):
        h = h @ weights[i] + weights[i + 1]
        if i + 2 < len(weights):
            h = jax.nn.relu(h)
    return h


def chunked(params, batches):
    count = len(batches[0]["multipliers"])
    width = next(w for w in (100, 400) if 784 * w + w + w * w + w + w * 10 + 10 == count)
    shapes = mlp_shapes([784, width, width, 10])

    def loss_of(p, batch):
        common, own = p["head.hidden.0.weight"][:8], p["head.hidden.0.weight"][8:]
        features = jax.nn.relu(p["head.embeddings"] @ own + p["code.code"] @ common + p["head.hidden.0.bias"])
        pieces = features @ p["head.out.weight"] + p["head.out.bias"]
        weights = rows_of(pieces.reshape(-1)[:count] * batch["multipliers"], shapes)
        return cross_entropy(mlp(weights, batch["x"]), batch["y"])

    return training(params, batches, loss_of)


def experts_conv(params, batches):
    params = dict(params)
    params["conv1.weight"] = params["conv1.weight"].transpose(2, 3, 1, 0)
    # Kernels are (row, column, in, out) here, and flattened features (row, column, channel).
    experts = params["conv2.head.experts.weight.weight"].reshape(4, 16, 16, 3, 3).transpose(0, 3, 4, 2, 1)
    params["conv2.head.experts.weight.weight"] = np.ascontiguousarray(experts.reshape(4, 2304))
    params["fc.weight"] = params["fc.weight"].reshape(16, 7, 7, 10).transpose(1, 2, 0, 3).reshape(784, 10)
    batches = [{**b, "x": b["x"].reshape(-1, 28, 28, 1)} for b in batches]

    def loss_of(p, batch):
        h = max_pool(jax.nn.relu(conv(batch["x"], p["conv1.weight"], p["conv1.bias"])))
        gates = h.mean((1, 2)) @ p["conv2.head.gates.target.weight"] + p["conv2.head.gates.target.bias"]
        alpha = jax.nn.sigmoid(gates)
        kernels = (alpha @ p["conv2.head.experts.weight.weight"]).reshape(-1, 144, 16)
        bias = alpha @ p["conv2.head.experts.bias.weight"] + p["conv2.head.experts.bias.bias"]
        padded = jnp.pad(h, ((0, 0), (1, 1), (1, 1), (0, 0)))
        patches = jnp.concatenate([padded[:, r : r + 14, c : c + 14] for r in range(3) for c in range(3)], axis=-1)
        h = jnp.einsum("npk,nko->npo", patches.reshape(-1, 196, 144), kernels) + bias[:, None]
        h = max_pool(jax.nn.relu(h.reshape(-1, 14, 14, 16)))
        return cross_entropy(h.reshape(h.shape[0], -1) @ p["fc.weight"] + p["fc.bias"], batch["y"])

    return training(params, batches, loss_of)


def adapters(params, batches):
    def norm(x, scale, shift):
        centred = x - x.mean(-1, keepdims=True)
        return centred * jax.lax.rsqrt((centred * centred).mean(-1, keepdims=True) + 1e-5) * scale + shift

    def loss_of(p, batch):
        code, rank, x = batch["codes"], 4, batch["x"]

        def adapted(path, x):
            """x by the fixed matrix, and by the factors [256, rank] and [rank, 256] of each task."""
            a, b = (code @ p[f"{at}.weight"] + p[f"{at}.bias"] for at in (f"head.factors.{path}.weight.{f}" for f in "ab"))
            low = (x @ a.reshape(-1, 256, rank)) @ b.reshape(-1, rank, 256)
            return x @ batch[f"base.{path}.weight"] + low + batch[f"target.{path}.bias"]

        for block in range(4):
            name = f"block{block}"
            fixed = lambda path: batch[f"target.{name}.{path}"]
            seen = norm(x, fixed("norm1.scale"), fixed("norm1.shift"))
            heads = lambda t: t.reshape(len(x), -1, 4, 64).transpose(0, 2, 1, 3)
            q = heads(adapted(f"{name}.attention.query", seen)) / 8
            k = heads(seen @ fixed("attention.key.weight"))
            v = heads(adapted(f"{name}.attention.value", seen))
            mixed = jax.nn.softmax(q @ k.transpose(0, 1, 3, 2)) @ v
            mixed = mixed.transpose(0, 2, 1, 3).reshape(x.shape)
            x = x + mixed @ fixed("attention.out.weight") + fixed("attention.out.bias")
            seen = norm(x, fixed("norm2.scale"), fixed("norm2.shift"))
            h = jax.nn.gelu(seen @ fixed("mlp.layer0.weight") + fixed("mlp.layer0.bias"), approximate=False)
            x = x + h @ fixed("mlp.layer1.weight") + fixed("mlp.layer1.bias")
        return jnp.mean((x - batch["y"]) ** 2)

    return training(params, batches, loss_of)


def set_encoder(params, batches):
    paths = [f"layer{i}.{kind}" for i in range(3) for kind in ("weight", "bias")]
    shapes = mlp_shapes([1, 40, 40, 1])

    def loss_of(p, batch):
        h = batch["points"]
        for i in range(3):
            h = jax.nn.relu(h @ p[f"code.point.layer{i}.weight"] + p[f"code.point.layer{i}.bias"])
        pooled = h.mean(1) * batch["steady"]
        code = pooled @ p["code.after.layer0.weight"] + p["code.after.layer0.bias"]
        features = jax.nn.relu(code @ p["head.hidden.0.weight"] + p["head.hidden.0.bias"])
        last = jnp.concatenate([p[f"head.out.{path}.weight"] for path in paths], 1)
        bias = jnp.concatenate([p[f"head.out.{path}.bias"] for path in paths])
        weights = rows_of(features @ last + bias, shapes)
        predicted = jax.vmap(mlp)(weights, batch["x"])
        return jnp.mean((predicted - batch["y"]) ** 2)

    return training(params, batches, loss_of)


def inference(params, batches):
    """step(t): a generated network at work; returns the mean of what it gives."""
    p = jax.tree.map(jnp.array, params)
    weights = [p[f"layer{i}.{kind}"] for i in range(3) for kind in ("weight", "bias")]
    run = jax.jit(lambda x: mlp(weights, x))
    batches = [jnp.array(batch["x"]) for batch in batches]

    def step(t):
        return float(np.asarray(run(batches[t % len(batches)])).mean())

    return step
