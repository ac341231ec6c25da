"""What Derin says of boxes in pictures in English."""

from __future__ import annotations

from derin.core.messages import CatalogEntry

MESSAGES: dict[str, CatalogEntry] = {
    "task.detection": "object detection",
    "task.localization": "object localization",
    "metric.map": "mAP (mean AP, IoU .50 to .95)",
    "metric.ap": "AP, IoU .50 to .95",
    "metric.ap50": "AP at IoU .50",
    "metric.ap75": "AP at IoU .75",
    "metric.map_small": "mAP of small things (below 32² pixels)",
    "metric.map_medium": "mAP of things of medium size",
    "metric.map_large": "mAP of large things (above 96² pixels)",
    "metric.recall_1": "found with 1 box of each class in a picture",
    "metric.recall_10": "found with 10 boxes",
    "metric.recall_100": "found with 100 boxes",
    "boxes.heading": "Boxes",
    "boxes.thresholds": "A box is an answer from this probability on, by class; the best F1 on {split} chose them.",
    "boxes.threshold": "from",
    "boxes.curves": "Precision at every recall, IoU .50",
    "boxes.along": "recall",
    "boxes.point": "{name}: precision {value} at a recall of {recall}",
    "boxes.errors": "Where errors come from, and what AP at IoU .50 would gain without them",
    "boxes.kind": "kind",
    "boxes.count": "boxes",
    "boxes.gain": "gain",
    "boxes.error.class": "wrong class, right place",
    "boxes.error.place": "right class, box too far off",
    "boxes.error.both": "wrong class, box too far off",
    "boxes.error.twice": "found twice",
    "boxes.error.background": "nothing is there",
    "boxes.error.missed": "missed",
    "boxes.worst": "Where most is wrong",
    "boxes.legend": "Each picture as the network saw it: what is there, and what was answered.",
    "boxes.true": "truth",
    "boxes.found": "answer",
    "boxes.wrong": "{count} wrong or missing",
    "boxes.none": "no box",
    "boxes.written": "drawn in {path}",
}
