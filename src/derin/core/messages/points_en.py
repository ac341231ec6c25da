"""What Derin says of points in pictures in English."""

from __future__ import annotations

from derin.core.messages import CatalogEntry

MESSAGES: dict[str, CatalogEntry] = {
    "task.landmarks": "landmarks",
    "metric.nme": "NME",
    "metric.nme_median": "NME, median",
    "metric.pck": "PCK (within a tenth)",
    "metric.presence_accuracy": "whether it is there, right",
    "points.heading": "Points",
    "points.nme": "NME is the mean error of a picture's points, PCK the share of points off by a tenth at most.",
    "points.of_points": "Errors are divided by the diagonal of the box around a picture's points, as is the tenth.",
    "points.of_picture": "Errors are divided by the diagonal of the picture, as is the tenth.",
    "points.of_two": "Errors are divided by the distance of the points {first} and {second}, as is the tenth.",
    "points.baseline": "On {split} the mean shape of training reaches an NME of {mean_shape:.1%} in the picture, and "
    "of {mean_shape_in_box:.1%} in the box around the true points.",
    "points.curve": "Share of pictures up to each error",
    "points.along": "NME of a picture, %",
    "points.at": "{share} of the pictures have an NME up to {along} %",
    "points.per_point": "Each point on the {split} split",
    "points.name": "point",
    "points.count": "pictures",
    "points.worst": "Where points are farthest off",
    "points.legend": "Each picture as the network saw it: where the points belong, and what was answered.",
    "points.none": "it is not there",
    "assumed.points": (", {count:,} point", ", {count:,} points"),
}
