"""The benchmark's workloads in JAX: one jitted step with donated state. Protocol: README.md."""

import math
from functools import partial

from jax_heads import adapters, chunked, experts_conv, inference, set_encoder
from jax_recurrent import hyper_lstm, lstm, sampling
from jax_training import conv, cross_entropy, jax, jnp, lax, max_pool, options, training
from protocol import serve


def mnist(params, batches):
    params = dict(params)
    params["conv1.weight"] = params["conv1.weight"].transpose(2, 3, 1, 0)
    # Flattened features are (channel, row, column) in the file and (row, column, channel) here.
    params["fc.weight"] = params["fc.weight"].reshape(10, 16, 7, 7).transpose(2, 3, 1, 0).reshape(784, 10)
    batches = [{"x": b["x"].reshape(-1, 28, 28, 1), "y": b["y"]} for b in batches]

    def loss_of(p, batch):
        h = max_pool(jax.nn.relu(conv(batch["x"], p["conv1.weight"], p["conv1.bias"])))
        a = p["head.win"] @ p["z"] + p["head.bin"]  # [in, d]
        kernel = p["head.wout"] @ a.T + p["head.bout"][:, None]  # [out * 7 * 7, in]
        kernel = kernel.reshape(16, 7, 7, 16).transpose(1, 2, 3, 0)
        h = max_pool(jax.nn.relu(conv(h, kernel, p["conv2.bias"])))
        return cross_entropy(h.reshape(h.shape[0], -1) @ p["fc.weight"] + p["fc.bias"], batch["y"])

    return training(params, batches, loss_of)


def generated(theta, sizes):
    """Splits [weights] into (weight [out, in], bias [out]) for each layer of an MLP."""
    shapes = [s for i, o in zip(sizes, sizes[1:]) for s in ((o, i), (o,))]
    ends = [sum(math.prod(s) for s in shapes[: k + 1]) for k in range(len(shapes) - 1)]
    views = [part.reshape(shape) for part, shape in zip(jnp.split(theta, ends), shapes)]
    return list(zip(views[0::2], views[1::2]))


def dense_head(p, code):
    hidden = jax.nn.relu(code @ p["head.layer0.weight"].T + p["head.layer0.bias"])
    return hidden @ p["head.layer1.weight"].T + p["head.layer1.bias"]


def target(theta, sizes, h):
    layers = generated(theta, sizes)
    for index, (weight, bias) in enumerate(layers):
        h = h @ weight.T + bias
        if index < len(layers) - 1:
            h = jax.nn.relu(h)
    return h


def per_example(params, batches):
    def loss_of(p, batch):
        theta = dense_head(p, batch["codes"])
        predicted = jax.vmap(lambda theta, x: target(theta, [1, 40, 40, 1], x))(theta, batch["x"])
        return jnp.mean((predicted - batch["y"]) ** 2)

    return training(params, batches, loss_of)


def per_example_conv(params, batches):
    params = dict(params)
    params["conv1.weight"] = params["conv1.weight"].transpose(2, 3, 1, 0)
    # Kernels are (row, column, in, out) here, and flattened features (row, column, channel).
    params["head.weight"] = params["head.weight"].reshape(16, 16, 3, 3, 16).transpose(2, 3, 1, 0, 4).reshape(2304, 16)
    params["head.bias"] = params["head.bias"].reshape(16, 16, 3, 3).transpose(2, 3, 1, 0).reshape(2304)
    params["fc.weight"] = params["fc.weight"].reshape(10, 16, 7, 7).transpose(2, 3, 1, 0).reshape(784, 10)
    batches = [{**b, "x": b["x"].reshape(-1, 28, 28, 1)} for b in batches]

    def loss_of(p, batch):
        h = max_pool(jax.nn.relu(conv(batch["x"], p["conv1.weight"], p["conv1.bias"])))
        kernels = (batch["codes"] @ p["head.weight"].T + p["head.bias"]).reshape(-1, 144, 16)
        # vmap of a convolution over kernels is a grouped one, which takes XLA's CPU backend seconds; a product does not.
        padded = jnp.pad(h, ((0, 0), (1, 1), (1, 1), (0, 0)))
        patches = jnp.concatenate([padded[:, r : r + 14, c : c + 14] for r in range(3) for c in range(3)], axis=-1)
        h = jnp.einsum("npk,nko->npo", patches.reshape(-1, 196, 144), kernels) + p["conv2.bias"]
        h = max_pool(jax.nn.relu(h.reshape(-1, 14, 14, 16)))
        return cross_entropy(h.reshape(h.shape[0], -1) @ p["fc.weight"] + p["fc.bias"], batch["y"])

    return training(params, batches, loss_of)


def dense(params, batches):
    def loss_of(p, batch):
        return cross_entropy(target(dense_head(p, p["code"]), [784, 100, 100, 10], batch["x"]), batch["y"])

    return training(params, batches, loss_of)


def cart_pole(params, batches):
    """step(t): every cart-pole of the batch over its pushes; returns the share of steps that ended an episode."""
    gravity, cart, pole, length, force, tau = 9.8, 1.0, 0.1, 0.5, 10.0, 0.02
    total, moment = cart + pole, pole * length
    copies, steps = batches[0]["push"].shape
    batches = [(jnp.array(b["push"].T, jnp.float32), jnp.array(b["start"].T)) for b in batches]
    spread = jnp.array(params["spread"])

    @partial(jax.jit, donate_argnums=(0, 1))
    def roll(carry, key, push, start):
        key, for_actions, for_starts = jax.random.split(key, 3)
        right = jax.random.bernoulli(for_actions, push)

        def one(carry, x):
            (position, velocity, angle, spin), age = carry
            right, key = x
            s, c = jnp.sin(angle), jnp.cos(angle)
            share = (jnp.where(right, force, -force) + moment * spin * spin * s) / total
            turn = (gravity * s - c * share) / (length * (4 / 3 - pole * c * c / total))
            pull = share - moment * turn * c / total
            state = jnp.stack([
                position + tau * velocity, velocity + tau * pull, angle + tau * spin, spin + tau * turn
            ])
            age = age + 1
            over = (jnp.abs(state[0]) > 2.4) | (jnp.abs(state[2]) > 12 * 2 * math.pi / 360) | (age >= 500)
            fresh = start + spread * jax.random.uniform(key, (4, copies), minval=-0.05, maxval=0.05)
            return (jnp.where(over, fresh, state), jnp.where(over, 0, age)), over

        carry, over = lax.scan(one, carry, (right, jax.random.split(for_starts, steps)))
        return carry, key, over.mean()

    carry = jnp.zeros((4, copies)), jnp.zeros(copies, int)
    key = jax.random.key(0)

    def step(t):
        nonlocal carry, key
        carry, key, over = roll(carry, key, *batches[t % len(batches)])
        return float(over)

    return step


serve(
    {"peer": "jax", "version": jax.__version__, "threads": options.threads, "build": str(jax.devices()[0])},
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
