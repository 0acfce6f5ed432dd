"""The benchmark's workloads in JAX: one jitted step with donated state. Protocol: README.md.

Images are [N, H, W, C] and kernels [H, W, in, out], JAX's usual layout and the faster one on its CPU backend;
stored tensors are brought into it once, at setup, so that each step does the same work.
"""

import math
import os
from functools import partial

from protocol import SAMPLING_TEMPERATURE, arguments, prepare_environment, require, serve

options = arguments()
prepare_environment(options)
require("numpy", "jax", "jaxlib")
os.environ.setdefault("JAX_PLATFORMS", "cpu")

import jax  # noqa: E402
import jax.numpy as jnp  # noqa: E402
import numpy as np  # noqa: E402
from jax import lax  # noqa: E402


def training(params, batches, loss_of):
    rate, beta1, beta2, eps = 1e-3, 0.9, 0.999, 1e-8

    def update(state, batch):
        p, m, v, t = state
        loss, g = jax.value_and_grad(loss_of)(p, batch)
        t = t + 1
        m = jax.tree.map(lambda m, g: beta1 * m + (1 - beta1) * g, m, g)
        v = jax.tree.map(lambda v, g: beta2 * v + (1 - beta2) * g * g, v, g)
        c1 = -jnp.expm1(t * math.log(beta1))  # 1 - beta^t, without its cancellation in float32
        c2 = -jnp.expm1(t * math.log(beta2))
        p = jax.tree.map(lambda p, m, v: p - rate * (m / c1) / (jnp.sqrt(v / c2) + eps), p, m, v)
        return (p, m, v, t), loss

    update = jax.jit(update, donate_argnums=0)
    p = jax.tree.map(jnp.array, params)
    state = (p, jax.tree.map(jnp.zeros_like, p), jax.tree.map(jnp.zeros_like, p), jnp.float32(0))
    batches = [jax.tree.map(jnp.array, batch) for batch in batches]

    def step(t):
        nonlocal state
        state, loss = update(state, batches[t % len(batches)])
        jax.block_until_ready(state)
        return float(loss)

    return step


def cross_entropy(logits, labels):
    return -jnp.take_along_axis(jax.nn.log_softmax(logits), labels[:, None], axis=1).mean()


def max_pool(h):
    """2 x 2 without overlap, as a maximum over a reshaped axis: its gradient is much cheaper than reduce_window's."""
    n, height, width, channels = h.shape
    return h.reshape(n, height // 2, 2, width // 2, 2, channels).max(axis=(2, 4))


def conv(x, kernel, bias):
    return lax.conv_general_dilated(x, kernel, (1, 1), "SAME", dimension_numbers=("NHWC", "HWIO", "NHWC")) + bias


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


def hyper_lstm_weights(p):
    """The matrices that take the same input beside each other; codes and their matrices by themselves, 12 of them."""
    joined = {
        "x": np.concatenate([p["input"], p["hyper.input"][128:]], 1),  # [symbol, 512 + 128]
        "small": np.concatenate([p["hyper.hidden"], p["hyper.input"][:128]]),
        "codes": np.concatenate([p["rescale.scale.codes"], p["rescale.shift.codes"]], 1).reshape(32, 12, 4),
        "rows": np.concatenate([p["rescale.scale.rows"], p["rescale.shift.rows"]]).reshape(12, 4, 128),
        "codes.bias": p["rescale.scale.bias"].reshape(8, 4),
    }
    kept = {name: v for name, v in p.items() if "input" not in name and "rescale" not in name and name != "hyper.hidden"}
    return {**joined, **kept}


def normalised(x, scale, shift):
    centred = x - x.mean(-1, keepdims=True)
    return centred * lax.rsqrt((centred * centred).mean(-1, keepdims=True) + 1e-3) * scale + shift


def hyper_lstm_step(p):
    """
    cell(state, x) -> state, with x [batch, 640] of p["x"]. Codes are affine in the small cell's output, so that one
    matrix, made here, gives scales and biases of all gates.
    """
    to_scales = jnp.einsum("kaz,azu->kau", p["codes"], p["rows"]).reshape(32, 1536)
    constant = jnp.concatenate([jnp.einsum("az,azu->au", p["codes.bias"], p["rows"][:8]).reshape(-1), p["bias"]])

    def norm(x, name):
        scale, shift = p[f"{name}.scale"], p[f"{name}.shift"]
        return normalised(x, scale.reshape(x.shape[1:]), shift.reshape(x.shape[1:]))

    def gated(gates, c, prefix):
        """(h, c) from gates [batch, 4 * units]."""
        gates = norm(gates.reshape(-1, 4, c.shape[1]), f"{prefix}norm.gates")
        i, f, o = jnp.split(jax.nn.sigmoid(gates[:, :3]), 3, axis=1)
        c = f[:, 0] * c + i[:, 0] * jnp.tanh(gates[:, 3])
        return jnp.tanh(norm(c, f"{prefix}norm.cell")) * o[:, 0], c

    def cell(state, x):
        h, c, small_h, small_c = state
        gates = x[:, 512:] + jnp.concatenate([small_h, h], 1) @ p["small"]
        small_h, small_c = gated(gates, small_c, "hyper.")
        scale_h, scale_x, bias = jnp.split(small_h @ to_scales + constant, 3, axis=1)
        h, c = gated(scale_h * (h @ p["hidden"]) + scale_x * x[:, :512] + bias, c, "")
        return h, c, small_h, small_c

    return cell


def hyper_lstm_start(batch):
    return tuple(jnp.zeros((batch, units)) for units in [128, 128, 32, 32])


def hyper_lstm(params, batches):
    def loss_of(p, batch):
        cell = hyper_lstm_step(p)

        def step(state, x):
            state = cell(state, x)
            return state, state[0]

        inputs = p["x"][batch["x"].T]  # of all steps at once
        _, outputs = lax.scan(step, hyper_lstm_start(len(batch["x"])), inputs)
        return cross_entropy(outputs.reshape(-1, 128) @ p["out.weight"] + p["out.bias"], batch["y"].T.reshape(-1))

    return training(hyper_lstm_weights(params), batches, loss_of)


def lstm(params, batches):
    def loss_of(p, batch):
        def step(state, x):
            h, c = state
            gates = x + h @ p["hidden"]
            i, f, o = jnp.split(jax.nn.sigmoid(gates[:, :768]), 3, axis=1)
            c = f * c + i * jnp.tanh(gates[:, 768:])
            h = o * jnp.tanh(c)
            return (h, c), h

        inputs = (p["input"] + p["bias"])[batch["x"].T]
        zeros = jnp.zeros((len(batch["x"]), 256))
        _, outputs = lax.scan(step, (zeros, zeros), inputs)
        return cross_entropy(outputs.reshape(-1, 256) @ p["out.weight"] + p["out.bias"], batch["y"].T.reshape(-1))

    return training(params, batches, loss_of)


def sampling(params, batches):
    """step(t): the next symbols of one sequence, as many as the batch has rows; returns their mean."""
    p = jax.tree.map(jnp.array, hyper_lstm_weights(params))
    cell = hyper_lstm_step(p)
    length = len(batches[0]["x"])

    def one(carry, key):
        state, symbol = carry
        state = cell(state, p["x"][symbol])
        logits = state[0] @ p["out.weight"] + p["out.bias"]
        symbol = jax.random.categorical(key, logits / SAMPLING_TEMPERATURE)
        return (state, symbol), symbol[0]

    @partial(jax.jit, donate_argnums=0)
    def several(carry, key):
        key, own = jax.random.split(key)
        carry, symbols = lax.scan(one, carry, jax.random.split(own, length))
        return carry, key, symbols

    carry = hyper_lstm_start(1), jnp.array(batches[0]["x"][:1], int)
    key = jax.random.key(0)

    def step(t):
        nonlocal carry, key
        carry, key, symbols = several(carry, key)
        return sum(symbols.tolist()) / length

    return step


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
        "hyperLstm": hyper_lstm,
        "lstm": lstm,
        "sampling": sampling,
        "cartPole": cart_pole,
    },
)
