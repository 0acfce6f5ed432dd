"""Shared by the scripts beside this file: seeded values and compact JSON.

Every golden file is made by the script of the same name with plain Python and PyTorch:

    python3 nets.py && python3 optim.py && python3 init.py && python3 recurrent.py && python3 gates.py && python3 dynamic.py
    python3 images.py && python3 environments.py && python3 rl.py
"""

import json
import math
from pathlib import Path

import torch

FOLDER = Path(__file__).parent


def rounded(shape, generator, scale=1.0):
    """Float64 normal values with four decimals: short in JSON, and read back exactly."""
    values = torch.randn(shape, generator=generator, dtype=torch.float64) * scale
    return (values * 1e4).round() / 1e4


def array(tensor):
    """A tensor as {shape, data}: data is flat in row-major order, 12 significant digits."""
    tensor = tensor.detach()
    data = tensor.reshape(-1).tolist()
    return {"shape": list(tensor.shape), "data": [number(v) for v in data]}


def number(value):
    if not math.isfinite(value):
        raise ValueError("a golden value must be finite")
    short = float(f"{value:.12g}")
    return int(short) if short == int(short) else short


def save(name, cases):
    """Writes {torch, cases}, one case a line, so that a diff names the case that moved."""
    lines = [f"    {json.dumps(key)}: {json.dumps(case, separators=(',', ':'))}" for key, case in cases.items()]
    text = f'{{\n  "torch": {json.dumps(torch.__version__)},\n  "cases": {{\n' + ",\n".join(lines) + "\n  }\n}\n"
    path = FOLDER / f"{name}.json"
    path.write_text(text)
    print(f"{path.name}: {len(cases)} cases, {len(text) / 1000:.0f} kB")
