"""Recurrent workloads in PyTorch."""

from protocol import SAMPLING_TEMPERATURE, Skip
from torch_training import F, options, stepping, tensors, torch, training


def hyper_lstm_weights(stored):
    """The matrices that take the same input beside each other; codes and their matrices by themselves, 12 of them."""
    p = {name: torch.from_numpy(value) for name, value in stored.items()}
    from_h, from_x = p["hyper.input"].split([128, 64])
    joined = {
        "x": torch.cat([p["input"], from_x], 1),  # [symbol, 512 + 128]
        "small": torch.cat([p["hyper.hidden"], from_h]),
        "codes": torch.cat([p["rescale.scale.codes"], p["rescale.shift.codes"]], 1),  # [32, 12 * 4]
        "rows": torch.cat([p["rescale.scale.rows"], p["rescale.shift.rows"]]).view(12, 4, 128),
        "codes.bias": p["rescale.scale.bias"].view(8, 1, 4),
    }
    kept = {name: v for name, v in p.items() if "input" not in name and "rescale" not in name and name != "hyper.hidden"}
    return {name: value.numpy() for name, value in {**joined, **kept}.items()}


def gated(gates, c, scale, shift):
    """(h, c) from normalised gates [batch, 4 * units]."""
    units = c.shape[1]
    i, f, o = torch.sigmoid(gates[:, : 3 * units]).chunk(3, 1)
    c = torch.addcmul(f * c, i, torch.tanh(gates[:, 3 * units :]))
    return torch.tanh(F.layer_norm(c, (units,), scale, shift, 1e-3)) * o, c


def hyper_lstm_step(p):
    """
    cell(x, state) -> state, with x [batch, 640] of p["x"]. Codes are affine in the small cell's output, so that one
    matrix, made here, gives scales and biases of all gates; group_norm normalises the four gates in one call.
    """
    own = p["codes"].view(32, 12, 4).transpose(0, 1)
    to_scales = torch.bmm(own, p["rows"]).transpose(0, 1).reshape(32, 1536)
    constant = torch.cat([torch.bmm(p["codes.bias"], p["rows"][:8]).flatten(), p["bias"]])

    def cell(x, h, c, small_h, small_c):
        cell_x, small_x = x.split([512, 128], 1)
        gates = torch.addmm(small_x, torch.cat([small_h, h], 1), p["small"])
        gates = F.group_norm(gates, 4, p["hyper.norm.gates.scale"], p["hyper.norm.gates.shift"], 1e-3)
        small_h, small_c = gated(gates, small_c, p["hyper.norm.cell.scale"], p["hyper.norm.cell.shift"])
        scale_h, scale_x, bias = torch.addmm(constant, small_h, to_scales).chunk(3, 1)
        gates = torch.addcmul(torch.addcmul(bias, scale_h, torch.mm(h, p["hidden"])), scale_x, cell_x)
        gates = F.group_norm(gates, 4, p["norm.gates.scale"], p["norm.gates.shift"], 1e-3)
        h, c = gated(gates, c, p["norm.cell.scale"], p["norm.cell.shift"])
        return h, c, small_h, small_c

    return cell


def hyper_lstm_start(batch):
    return tuple(torch.zeros(batch, units) for units in [128, 128, 32, 32])


def hyper_lstm(params, batches):
    if options.compile:
        raise Skip("torch.compile unrolls the loop over time, and takes minutes for it")

    def loss_of(p, batch):
        cell = hyper_lstm_step(p)
        state = hyper_lstm_start(len(batch["x"]))
        outputs = []
        for x in F.embedding(batch["x"].t(), p["x"]).unbind(0):
            state = cell(x, *state)
            outputs.append(state[0])
        logits = torch.addmm(p["out.bias"], torch.cat(outputs), p["out.weight"])
        return F.cross_entropy(logits, batch["y"].t().flatten())

    return training(hyper_lstm_weights(params), batches, loss_of)


def lstm(params, batches):
    """nn.LSTM, with gates i, f, g, o. Its second bias is not trained: one bias is, on every side."""

    def rows(name):
        i, f, o, g = torch.from_numpy(params[name]).chunk(4, -1)
        return torch.cat([i, f, g, o], -1).t()

    module, out = torch.nn.LSTM(64, 256), torch.nn.Linear(256, 64)
    with torch.no_grad():
        module.weight_ih_l0.copy_(rows("input"))
        module.weight_hh_l0.copy_(rows("hidden"))
        module.bias_ih_l0.copy_(rows("bias"))
        module.bias_hh_l0.zero_().requires_grad_(False)
        out.weight.copy_(torch.from_numpy(params["out.weight"]).t())
        out.bias.copy_(torch.from_numpy(params["out.bias"]))

    batches = tensors(batches)
    for batch in batches:
        batch["x"] = F.one_hot(batch["x"].t(), 64).float()

    def loss_of(batch):
        outputs, _ = module(batch["x"])
        return F.cross_entropy(out(outputs.flatten(0, 1)), batch["y"].t().flatten())

    trained = [p for p in [*module.parameters(), *out.parameters()] if p.requires_grad]
    return stepping(trained, batches, loss_of)


def sampling(params, batches):
    """step(t): the next symbols of one sequence, as many as the batch has rows; returns their mean."""
    p = {name: torch.from_numpy(value) for name, value in hyper_lstm_weights(params).items()}
    length = len(batches[0]["x"])
    with torch.inference_mode():
        cell = hyper_lstm_step(p)
        state = hyper_lstm_start(1)
    symbol = int(batches[0]["x"][0])

    @torch.inference_mode()
    def step(t):
        nonlocal state, symbol
        total = 0
        for _ in range(length):
            state = cell(p["x"][symbol : symbol + 1], *state)
            logits = torch.addmm(p["out.bias"], state[0], p["out.weight"])
            symbol = int(torch.multinomial(F.softmax(logits / SAMPLING_TEMPERATURE, 1), 1))
            total += symbol
        return total / length

    return step
