"""
Writes what torchvision's and timm's own code computes: for each network the names and shapes of its tensors (a hash; sides of
one left out), its parameters, and numbers of its outputs in float64, with every weight and the input made from their names.

    pip install torch torchvision timm
    python scripts/upstream-records.py timm:dla34@64 torchvision:fcn_resnet50@64 > tests/fixtures/upstream/SOME.json

Of a detector it is what its convolutions give of a picture, without resizing, normalising and boxes: the head's raw maps of every
level, the finest first, one kind after the other (RetinaNet: logits, deltas; FCOS: logits, distances, nearness; Faster R-CNN:
the pyramid, objectness, deltas). What Faster R-CNN makes of regions is a part by itself, torchvision:fasterrcnn_resnet50_fpn#boxes@7.

Tests compare the nets of zoo/ with these files; nothing of this is needed to run them. The rules that make a value from a
name are those of tests/support/filler.ts.
"""

import json
import sys

import numpy as np
import torch

_register_fake = torch.library.register_fake


def _register_fake_if_known(name, *args, **kwargs):
    """torchvision without its compiled operators (nms, roi_align) loads too; no record needs them."""
    if isinstance(name, str) and name.startswith("torchvision::"):
        return lambda function: function
    return _register_fake(name, *args, **kwargs)


torch.library.register_fake = _register_fake_if_known

import timm  # noqa: E402
import torchvision  # noqa: E402


def fnv1a(text):
    value = 0x811C9DC5
    for byte in text.encode():
        value = ((value ^ byte) * 0x01000193) & 0xFFFFFFFF
    return value


def uniform(name, count):
    """`count` numbers in [0, 1) that follow from the name."""
    mask = np.uint64(0xFFFFFFFF)
    t = (np.uint64(fnv1a(name)) + (np.arange(1, count + 1, dtype=np.uint64) * np.uint64(0x9E3779B1) & mask)) & mask
    t ^= t >> np.uint64(16)
    t = t * np.uint64(0x85EBCA6B) & mask
    t ^= t >> np.uint64(13)
    t = t * np.uint64(0xC2B2AE35) & mask
    t ^= t >> np.uint64(16)
    return t.astype(np.float64) / 4294967296


def filled(name, shape):
    u = uniform(name, int(np.prod(shape)))
    last = name.split(".")[-1]
    if len(shape) >= 2:
        values = (2 * u - 1) * np.sqrt(6 / np.prod(shape[1:]))
    elif last in ("bias", "running_mean"):
        values = (u - 0.5) * 0.2
    elif last == "running_var":
        values = 0.5 + u
    else:
        values = 0.25 + 0.5 * u
    return torch.from_numpy(values.astype(np.float32).reshape(shape))


def tensors(model):
    """Of the state dict what has numbers: counters of batches are left out."""
    return {name: value for name, value in model.state_dict().items() if value.is_floating_point() and value.dim() > 0}


def numbers(y):
    """Of an output, NCHW, what a wrong one would not have by chance."""
    flat = y.flatten()
    places = sorted({*range(8), *(int(i) for i in np.linspace(0, len(flat) - 1, 24))})
    return {
        "shape": list(y.shape),
        "absmax": flat.abs().max().item(),
        "sum": flat.sum().item(),
        "l2": flat.norm().item(),
        "at": {str(i): flat[i].item() for i in places if i < len(flat)},
    }


def made(source, model, options):
    if source == "timm":
        return timm.create_model(model, **options)
    for library in (torchvision.models, torchvision.models.segmentation, torchvision.models.detection):
        if hasattr(library, model):
            quiet = {} if library is torchvision.models else {"weights_backbone": None}
            return getattr(library, model)(weights=None, **quiet, **options)
    raise SystemExit(f"torchvision has no {model}")


def frozen(module, eps):
    """Norms of a body as torchvision has them where there are weights: frozen, of some eps."""
    for name, child in module.named_children():
        if isinstance(child, torch.nn.BatchNorm2d):
            setattr(module, name, torchvision.ops.FrozenBatchNorm2d(child.num_features, eps))
        else:
            frozen(child, eps)


def levels(layer, pyramid, run):
    """What a layer of a shared head gives of each level."""
    given = []
    hook = layer.register_forward_hook(lambda _module, _input, output: given.append(output))
    run(pyramid)
    hook.remove()
    return given


def detector_outputs(model, picture):
    pyramid = list(model.backbone(picture).values())
    if hasattr(model, "rpn"):
        head = model.rpn.head
        layers, first = [head.cls_logits, head.bbox_pred], pyramid
    else:
        head = model.head
        regression = head.regression_head
        layers, first = [head.classification_head.cls_logits, regression.bbox_reg], []
        if hasattr(regression, "bbox_ctrness"):
            layers.append(regression.bbox_ctrness)
    kinds = [levels(layer, pyramid, head) for layer in layers]
    # FCOS's distances are positive.
    if len(kinds) == 3:
        kinds[1] = [each.relu() for each in kinds[1]]
    return [*first, *(each for kind in kinds for each in kind)]


def outputs(model, picture, part):
    """All outputs in order; of segmentation the map and, where there is one, that of the auxiliary head."""
    if part == "boxes":
        scores, deltas = model.roi_heads.box_predictor(model.roi_heads.box_head(picture))
        return [scores, deltas]
    if hasattr(model, "anchor_generator") or hasattr(model, "rpn"):
        return detector_outputs(model, picture)
    y = model(picture)
    return list(y.values()) if isinstance(y, dict) else list(y) if isinstance(y, (tuple, list)) else [y]


def record(wanted):
    """
    SOURCE:MODEL@SIZE, with options of the model behind a question mark: timm:resnet50?output_stride=16@64. The option
    `frozen` is the eps of a detector's frozen norms, which torchvision has only where there are weights.
    Where the net of zoo/ has another name, it stands behind: "timm:inception_v3?aux_logits=true@299 as torchvision:inception_v3_aux".
    """
    wanted, _, net = wanted.partition(" as ")
    name, size = wanted.rsplit("@", 1)
    name, _, part = name.partition("#")
    name, _, options = name.partition("?")
    source, model = name.split(":")
    options = {k: json.loads(v) for k, v in (option.split("=") for option in options.split("&") if option)}
    network = made(source, model, {k: v for k, v in options.items() if k != "frozen"}).eval()
    if "frozen" in options:
        frozen(network.backbone.body, options["frozen"])
    # Whose second stage is a part by itself.
    apart = "roi_heads." if hasattr(network, "roi_heads") else None
    own = lambda key: apart is None or key.startswith(apart) == (part != "")  # noqa: E731
    state = {key: value for key, value in tensors(network).items() if own(key)}
    channels = network.backbone.out_channels if part else 3
    with torch.no_grad():
        for key, value in state.items():
            value.copy_(filled(key, tuple(value.shape)))
        shape = (1, channels, int(size), int(size))
        picture = torch.from_numpy(((2 * uniform("input", int(np.prod(shape))) - 1) * 2).astype(np.float32).reshape(shape))
        results = outputs(network.double(), picture.double(), part)
    keys = "\n".join(sorted(f"{key} {'x'.join(str(n) for n in value.shape if n > 1)}" for key, value in state.items()))
    return {
        "source": source,
        "model": model,
        **({"part": part, "channels": channels} if part else {}),
        "options": options,
        **({"net": net} if net else {}),
        "size": int(size),
        "params": sum(p.numel() for key, p in network.named_parameters() if own(key)),
        "keys": fnv1a(keys),
        "outputs": [numbers(y) for y in results],
    }


if __name__ == "__main__":
    versions = f"torch {torch.__version__}, torchvision {torchvision.__version__}, timm {timm.__version__}"
    records = []
    for each in sys.argv[1:]:
        print(each, file=sys.stderr)
        records.append(json.dumps(record(each)))
    print(json.dumps({"versions": versions})[:-1] + ', "records": [\n' + ",\n".join(records) + "\n]}")
