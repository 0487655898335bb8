"""
Writes what torchvision's own code makes of the numbers of a detector's head: anchors, decoded boxes, the detections of RetinaNet,
FCOS and Faster R-CNN, proposals, and regions cut out of a pyramid. The numbers that go in follow from names, by the rules
of scripts/upstream-records.py.

    pip install torch torchvision timm
    python scripts/upstream-boxes.py > tests/fixtures/upstream-boxes.json

nms and roi_align need no compiled operators here: the one is written out below, of the other torchvision has a form in
Python.
"""

import importlib.util
import json
import pathlib
import sys

spec = importlib.util.spec_from_file_location("records", pathlib.Path(__file__).with_name("upstream-records.py"))
records = importlib.util.module_from_spec(spec)
spec.loader.exec_module(records)

import torch  # noqa: E402
import torchvision  # noqa: E402
from torchvision.models.detection import _utils, fcos, retinanet  # noqa: E402
from torchvision.models.detection.anchor_utils import AnchorGenerator  # noqa: E402
from torchvision.models.detection.image_list import ImageList  # noqa: E402
from torchvision.models.detection.roi_heads import RoIHeads  # noqa: E402
from torchvision.models.detection.rpn import RegionProposalNetwork, concat_box_prediction_layers  # noqa: E402

regions = sys.modules["torchvision.ops.roi_align"]
regions._roi_align = regions._roi_align.__wrapped__


def nms(boxes, scores, threshold):
    """Girshick's: the surest box stays, what overlaps it by more than the threshold goes, and so on."""
    order = scores.sort(descending=True, stable=True).indices.tolist()
    area = ((boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1])).tolist()
    corners = boxes.tolist()
    kept = []
    for i in order:
        for k in kept:
            width = min(corners[i][2], corners[k][2]) - max(corners[i][0], corners[k][0])
            height = min(corners[i][3], corners[k][3]) - max(corners[i][1], corners[k][1])
            shared = max(width, 0) * max(height, 0)
            union = area[i] + area[k] - shared
            if union > 0 and shared / union > threshold:
                break
        else:
            kept.append(i)
    return torch.tensor(kept, dtype=torch.int64)


torchvision.ops.boxes.nms = nms


def values(name, shape, scale):
    """Numbers between -scale / 10 and scale / 10."""
    count = 1
    for side in shape:
        count *= side
    return (records.filled(f"{name}.bias", (count,)).double() * scale).reshape(shape)


def maps(name, sizes, channels, scale):
    """NCHW maps of numbers that are named in NHWC order, which is how the tests make them."""
    return [
        values(f"{name}.{i}", (1, h, w, channels), scale).permute(0, 3, 1, 2) for i, (h, w) in enumerate(sizes)
    ]


def flat(m, numbers):
    """Of a map a row for each anchor: torchvision's form."""
    n, c, h, w = m.shape
    return m.view(n, -1, numbers, h, w).permute(0, 3, 4, 1, 2).reshape(n, -1, numbers)


def rounded(tensor):
    return [float(f"{value:.9g}") for value in tensor.flatten().tolist()]


def found(boxes, scores, labels=None):
    made = {"boxes": rounded(boxes), "scores": rounded(scores)}
    return made if labels is None else {**made, "labels": labels.tolist()}


INPUT = (96, 128)
SIZES = [(12, 16), (6, 8), (3, 4), (2, 2), (1, 1)]
CLASSES = 4


def images(size=INPUT):
    return ImageList(torch.zeros(1, 3, *INPUT), [size])


def generator(shapes):
    return AnchorGenerator(tuple(sizes for sizes, _ in shapes), tuple(ratios for _, ratios in shapes))


def anchors_of(shapes):
    made = generator(shapes)
    made.set_cell_anchors(torch.float32, "cpu")
    features = [torch.zeros(1, 1, h, w) for h, w in SIZES]
    made(images(), features)
    strides = [[torch.tensor(INPUT[0] // h), torch.tensor(INPUT[1] // w)] for h, w in SIZES]
    return made, [a.double() for a in made.grid_anchors(SIZES, strides)]


RETINA = [((s, int(s * 2 ** (1 / 3)), int(s * 2 ** (2 / 3))), (0.5, 1.0, 2.0)) for s in (32, 64, 128, 256, 512)]
ODD = [((5, 20), (0.3, 1.0, 3.0))] * 5


def anchors():
    cases = []
    for shapes in (RETINA, ODD):
        _, grids = anchors_of(shapes)
        cases.append(
            {
                "shapes": [{"sizes": sizes, "ratios": ratios} for sizes, ratios in shapes],
                "cells": [grid[: len(s) * len(r)].flatten().tolist() for grid, (s, r) in zip(grids, shapes)],
                "counts": [len(grid) for grid in grids],
                "last": [grid[-1].tolist() for grid in grids],
                "sums": [grid.sum(0).tolist() for grid in grids],
            }
        )
    return cases


def coding():
    boxes = values("coding.boxes", (6, 4), 200)
    boxes = torch.cat([boxes[:, :2] + 20, boxes[:, :2] + 30 + boxes[:, 2:].abs()], 1)
    deltas = values("coding.deltas", (6, 8), 80)
    weights = (10.0, 10.0, 5.0, 5.0)
    plain, weighted = _utils.BoxCoder((1.0, 1.0, 1.0, 1.0)), _utils.BoxCoder(weights)
    decoded = weighted.decode_single(deltas, boxes)
    targets = decoded[:, :4]
    return {
        "boxes": rounded(boxes),
        "deltas": rounded(deltas),
        "plain": rounded(plain.decode_single(deltas, boxes)),
        "weighted": rounded(decoded),
        "encoded": rounded(weighted.encode_single(targets, boxes)),
        "distances": rounded(_utils.BoxLinearCoder().decode(deltas[:, :4], boxes)),
    }


def bare(cls, **attributes):
    """An object of a class without its networks, for its methods that only reckon."""
    made = cls.__new__(cls)
    torch.nn.Module.__init__(made)
    for name, value in attributes.items():
        setattr(made, name, value)
    return made


def retinanet_boxes(size, options):
    _, grids = anchors_of(RETINA)
    head = {
        "cls_logits": [flat(m, CLASSES) for m in maps("retinanet.scores", SIZES, 9 * CLASSES, 40)],
        "bbox_regression": [flat(m, 4) for m in maps("retinanet.deltas", SIZES, 36, 10)],
    }
    coder = _utils.BoxCoder((1.0, 1.0, 1.0, 1.0))
    net = bare(retinanet.RetinaNet, box_coder=coder, **options)
    (one,) = net.postprocess_detections(head, [grids], [size])
    return found(one["boxes"], one["scores"], one["labels"])


def fcos_boxes(size, options):
    _, grids = anchors_of([((s,), (1.0,)) for s in (8, 16, 32, 64, 128)])
    head = {
        "cls_logits": [flat(m, CLASSES) for m in maps("fcos.scores", SIZES, CLASSES, 40)],
        "bbox_regression": [flat(m, 4).abs() for m in maps("fcos.deltas", SIZES, 4, 20)],
        "bbox_ctrness": [flat(m, 1) for m in maps("fcos.nearness", SIZES, 1, 40)],
    }
    net = bare(fcos.FCOS, box_coder=_utils.BoxLinearCoder(normalize_by_size=True), **options)
    (one,) = net.postprocess_detections(head, [grids], [size])
    return found(one["boxes"], one["scores"], one["labels"])


def proposals(size, nms_thresh, score_thresh, before, after):
    shapes = [((s,), (0.5, 1.0, 2.0)) for s in (32, 64, 128, 256, 512)]
    rpn = RegionProposalNetwork(
        generator(shapes), None, 0.7, 0.3, 256, 0.5, {"testing": before}, {"testing": after}, nms_thresh, score_thresh
    ).eval()
    _, grids = anchors_of(shapes)
    scores = maps("proposals.scores", SIZES, 3, 40)
    counts = [m.numel() for m in scores]
    scores, deltas = concat_box_prediction_layers(scores, maps("proposals.deltas", SIZES, 12, 20))
    boxes = rpn.box_coder.decode(deltas, [torch.cat(grids)]).view(1, -1, 4)
    boxes, scores = rpn.filter_proposals(boxes, scores, [size], counts)
    return found(boxes[0], scores[0])


def regions_of(count):
    """Some boxes within the picture, small and large."""
    u = values("regions", (count, 4), 10).abs()
    height, width = INPUT
    x, y = u[:, 0] * width * 0.8, u[:, 1] * height * 0.8
    return torch.stack([x, y, x + u[:, 2] * (width - x), y + u[:, 3] * (height - y)], 1)


def second_stage(size, options):
    boxes = regions_of(30)
    coder = _utils.BoxCoder((10.0, 10.0, 5.0, 5.0))
    heads = bare(RoIHeads, box_coder=coder, **options)
    scores = values("second.scores", (30, CLASSES), 40)
    deltas = values("second.deltas", (30, 4 * CLASSES), 20)
    boxes, scores, labels = heads.postprocess_detections(scores, deltas, [boxes], [size])
    return found(boxes[0], scores[0], labels[0])


def region_maps():
    input = (512, 512)
    sizes = [(64, 64), (32, 32), (16, 16)]
    pool = torchvision.ops.MultiScaleRoIAlign(["0", "1", "2"], 3, 2)
    large = torch.tensor([[10.0, 20.0, 400.0, 380.0], [0.0, 0.0, 512.0, 512.0]])
    boxes = torch.cat([regions_of(12) * torch.tensor([4.0, 5.0, 4.0, 5.0]), large])
    features = dict(zip("012", maps("regions.maps", sizes, 2, 10)))
    return {"boxes": rounded(boxes), "maps": rounded(pool(features, [boxes], [input]).permute(0, 2, 3, 1))}


def filled_network(model, side):
    """A detector whose weights follow from their names, the picture likewise, and its pyramid."""
    network = records.made("torchvision", model, {}).eval()
    records.frozen(network.backbone.body, 0.0)
    with torch.no_grad():
        for key, value in records.tensors(network).items():
            value.copy_(records.filled(key, tuple(value.shape)))
    u = records.uniform("input", 3 * side * side)
    picture = torch.from_numpy(((2 * u - 1) * 2).astype("float32").reshape(1, 3, side, side)).double()
    return network.double(), picture


def whole_retinanet(side):
    network, picture = filled_network("retinanet_resnet50_fpn", side)
    network.score_thresh, network.detections_per_img = 0.5, 40
    with torch.no_grad():
        pyramid = list(network.backbone(picture).values())
        head = network.head(pyramid)
        counts = [9 * m.shape[2] * m.shape[3] for m in pyramid]
        split = {kind: list(made.split(counts, 1)) for kind, made in head.items()}
        grids = network.anchor_generator(ImageList(picture, [(side, side)]), pyramid)
        (one,) = network.postprocess_detections(split, [list(grids[0].split(counts))], [(side, side)])
    return found(one["boxes"], one["scores"], one["labels"])


def whole_fasterrcnn(side):
    network, picture = filled_network("fasterrcnn_resnet50_fpn", side)
    network.rpn._post_nms_top_n = {"testing": 12}
    network.roi_heads.score_thresh, network.roi_heads.detections_per_img = 0.02, 40
    with torch.no_grad():
        pyramid = network.backbone(picture)
        regions, _ = network.rpn(ImageList(picture, [(side, side)]), pyramid)
        (one,), _ = network.roi_heads(pyramid, regions, [(side, side)])
    return {"regions": rounded(regions[0]), **found(one["boxes"], one["scores"], one["labels"])}


def of(name, function, *arguments):
    print(name, file=sys.stderr)
    return name, function(*arguments)


if __name__ == "__main__":
    loose = {"score_thresh": 0.6, "nms_thresh": 0.3, "detections_per_img": 40, "topk_candidates": 100}
    usual = {"score_thresh": 0.05, "nms_thresh": 0.5, "detections_per_img": 300, "topk_candidates": 1000}
    stage = {"score_thresh": 0.05, "nms_thresh": 0.5, "detections_per_img": 100}
    parts = [
        of("anchors", anchors),
        of("coding", coding),
        of("retinanet", retinanet_boxes, INPUT, usual),
        of("retinanetFew", retinanet_boxes, (90, 100), loose),
        of("fcos", fcos_boxes, INPUT, {**usual, "score_thresh": 0.2, "nms_thresh": 0.6, "detections_per_img": 100}),
        of("fcosFew", fcos_boxes, (90, 100), loose),
        of("proposals", proposals, INPUT, 0.7, 0.0, 1000, 1000),
        of("proposalsFew", proposals, (90, 100), 0.5, 0.6, 50, 30),
        of("second", second_stage, INPUT, stage),
        of("secondFew", second_stage, (90, 100), {"score_thresh": 0.4, "nms_thresh": 0.2, "detections_per_img": 12}),
        of("regions", region_maps),
        of("wholeRetinanet", whole_retinanet, 96),
        of("wholeFasterrcnn", whole_fasterrcnn, 96),
    ]
    versions = f"torch {torch.__version__}, torchvision {torchvision.__version__}"
    lines = [f"{json.dumps(name)}: {json.dumps(made)}" for name, made in [("versions", versions), *parts]]
    print("{" + ",\n".join(lines) + "}")
