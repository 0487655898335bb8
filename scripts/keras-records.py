"""
The same as upstream-records.py for Keras' applications: kernels HWIO, results [1, 1, 1, classes], probabilities.

    pip install torch torchvision timm keras
    KERAS_BACKEND=torch python scripts/keras-records.py ResNet50V2@64 > tests/fixtures/upstream/keras.json
"""

import importlib
import json
import sys

import keras
import numpy as np
import torch

upstream = importlib.import_module("upstream-records")


def filled(path, shape):
    u = upstream.uniform(path, int(np.prod(shape)))
    last = path.split("/")[-1]
    if len(shape) >= 2:
        return (2 * u - 1) * np.sqrt(6 / np.prod(shape[:-1]))
    if last in ("bias", "beta", "moving_mean"):
        return (u - 0.5) * 0.2
    return 0.5 + u if last == "moving_variance" else 0.25 + 0.5 * u


def record(wanted):
    model, size = wanted.split("@")
    side = int(size)
    # Float64 from the start; the weights are those of float32.
    keras.config.set_floatx("float64")
    network = getattr(keras.applications, model)(weights=None, input_shape=(side, side, 3) if side != 224 else None)
    for variable in network.weights:
        variable.assign(filled(variable.path, variable.shape).astype(np.float32).reshape(variable.shape))
    picture = ((2 * upstream.uniform("input", 3 * side * side) - 1) * 2).astype(np.float32).reshape((1, 3, side, side))
    with torch.no_grad():
        y = torch.as_tensor(network(picture.transpose((0, 2, 3, 1)).astype(np.float64), training=False))
    lines = sorted(f"{v.path} {'x'.join(str(n) for n in v.shape if n > 1)}" for v in network.weights)
    return {
        "source": "keras",
        "model": model.lower(),
        "options": {},
        "size": side,
        "params": sum(int(np.prod(v.shape)) for v in network.trainable_weights),
        "keys": upstream.fnv1a("\n".join(lines)),
        "outputs": [upstream.numbers(y.cpu())],
    }


if __name__ == "__main__":
    records = []
    for each in sys.argv[1:]:
        print(each, file=sys.stderr)
        records.append(json.dumps(record(each)))
    print(json.dumps({"versions": f"keras {keras.__version__}"})[:-1] + ', "records": [\n' + ",\n".join(records) + "\n]}")
