"""Recurrent workloads in JAX."""

from functools import partial

from jax_training import cross_entropy, jax, jnp, lax, np, training
from protocol import SAMPLING_TEMPERATURE


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
