"""The worker's side of the benchmark protocol (README.md): JSON lines in, JSON lines out."""

import argparse
import ctypes
import gc
import importlib.util
import json
import os
import resource
import sys
import time
from pathlib import Path

MISSING = 3
M_TRIM_THRESHOLD = -1
M_MMAP_THRESHOLD = -3
SAMPLING_TEMPERATURE = 1e-5  # so low that all sides draw the same symbols
DTYPES = {"float32": "<f4", "int32": "<i4"}


def arguments():
    parser = argparse.ArgumentParser()
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--compile", action="store_true", help="torch.compile in place of eager")
    parser.add_argument("--stock", action="store_true", help="leave the allocator and thread spinning as installed")
    return parser.parse_args()


def prepare_environment(options):
    """Before any numeric library is loaded: equal threads, and the BLAS kernels that the processor deserves."""
    for name in ["OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"]:
        os.environ[name] = str(options.threads)
    os.environ.pop("OPENBLAS_CORETYPE", None)
    os.environ.pop("OPENBLAS_L2_SIZE", None)
    allowed = sorted(os.sched_getaffinity(0))
    os.sched_setaffinity(0, allowed[: options.threads])
    if options.stock:
        return
    # glibc gives large blocks back at every free, and each page is then faulted in again at every step.
    try:
        libc = ctypes.CDLL("libc.so.6")
        libc.mallopt(M_MMAP_THRESHOLD, 1 << 30)
        libc.mallopt(M_TRIM_THRESHOLD, (1 << 31) - 1)
    except OSError:
        pass


def require(*modules):
    """Says by name what is not installed, and leaves with exit code 3."""
    for module in modules:
        if importlib.util.find_spec(module) is None:
            reply({"missing": module, "error": f"{module} is not installed for {sys.executable}"})
            sys.exit(MISSING)


class Skip(Exception):
    """A workload that a peer does not take, and why."""


def reply(message):
    sys.stdout.write(json.dumps(message) + "\n")
    sys.stdout.flush()


def read_tensors(manifest_path):
    """{name: array} and the manifest: arrays are writable copies of slices of the binary file."""
    import numpy as np

    path = Path(manifest_path)
    manifest = json.loads(path.read_text())
    raw = np.fromfile(path.parent / manifest["file"], dtype=np.uint8)
    tensors = {}
    for name, entry in manifest["tensors"].items():
        size = 4
        for extent in entry["shape"]:
            size *= extent
        part = raw[entry["offset"] : entry["offset"] + size]
        if part.size != size:
            raise ValueError(f'tensor "{name}": expected {size} bytes at {entry["offset"]}, got {part.size}')
        tensors[name] = part.view(DTYPES[entry["dtype"]]).reshape(entry["shape"]).copy()
    return manifest, tensors


def batches(tensors, batch):
    """Consecutive batches of every data.* tensor, with every fixed.* one, as a list of {name: array}: step t takes number t mod length."""
    data = {name.removeprefix("data."): t for name, t in tensors.items() if name.startswith("data.")}
    fixed = {name.removeprefix("fixed."): t for name, t in tensors.items() if name.startswith("fixed.")}
    count = min(len(t) for t in data.values()) // batch
    if count == 0:
        raise ValueError(f"data: expected at least {batch} rows, got {min(len(t) for t in data.values())}")
    rows = [{name: t[i * batch : (i + 1) * batch].copy() for name, t in data.items()} for i in range(count)]
    return [{**own, **fixed} for own in rows]


def parameters(tensors):
    return {name: t for name, t in tensors.items() if not name.startswith(("data.", "fixed."))}


def serve(hello, workloads):
    """workloads: name -> function(parameters, batches) -> step(t) -> loss as a Python float."""
    reply({"ready": True, **hello})
    step = None
    count = 0
    for line in sys.stdin:
        try:
            message = json.loads(line)
            if message["cmd"] == "setup":
                step = None
                if message["workload"] not in workloads:
                    reply({"skip": f'workload "{message["workload"]}" is not written for this peer'})
                    continue
                gc.collect()
                begin = time.perf_counter()
                manifest, tensors = read_tensors(message["manifest"])
                params = parameters(tensors)
                step = workloads[message["workload"]](params, batches(tensors, manifest["batch"]))
                count = 0
                reply({
                    "ok": True,
                    "parameters": int(sum(p.size for p in params.values())),
                    "ms": (time.perf_counter() - begin) * 1e3,
                })
            elif message["cmd"] == "run":
                if step is None:
                    raise ValueError("run: expected a setup first")
                times, losses = [], []
                for _ in range(message["steps"]):
                    begin = time.perf_counter()
                    losses.append(step(count))
                    times.append((time.perf_counter() - begin) * 1e3)
                    count += 1
                peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
                reply({"ms": times, "losses": losses, "loss": losses[-1], "peakMB": peak})
            elif message["cmd"] == "quit":
                return
            else:
                raise ValueError(f'unknown command "{message["cmd"]}"')
        except Skip as reason:
            reply({"skip": str(reason)})
        except Exception as error:  # the worker must live on: the harness decides what a failure means
            reply({"error": f"{type(error).__name__}: {error}"})
