"""What all of JAX's workloads share: its settings, one jitted training step with donated state, and losses. Protocol: README.md.

Images are [N, H, W, C] and kernels [H, W, in, out], JAX's usual layout and the faster one on its CPU backend;
stored tensors are brought into it once, at setup, so that each step does the same work.
"""

import math
import os

from protocol import arguments, prepare_environment, require

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
