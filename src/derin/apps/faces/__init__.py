"""Faces: finding, comparing and recognizing them, and the gallery of the people who are known.

Example:
    >>> import numpy as np
    >>> from derin.apps import faces
    >>> embeddings = np.repeat(np.eye(3, dtype=np.float32), 2, axis=0)
    >>> faces.cluster(embeddings, threshold=1.0).tolist()
    [0, 0, 1, 1, 2, 2]
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from derin.apps.faces.calibration import calibrate, calibrate_pairs, identification_rates
    from derin.apps.faces.clustering import cluster
    from derin.apps.faces.deciding import identify, threshold_of, verify
    from derin.apps.faces.gallery import Gallery
    from derin.apps.faces.people import PeopleSource
    from derin.apps.faces.recognizer import FaceRecognizer

_PUBLIC = {
    "FaceRecognizer": "derin.apps.faces.recognizer",
    "Gallery": "derin.apps.faces.gallery",
    "PeopleSource": "derin.apps.faces.people",
    "calibrate": "derin.apps.faces.calibration",
    "calibrate_pairs": "derin.apps.faces.calibration",
    "cluster": "derin.apps.faces.clustering",
    "identification_rates": "derin.apps.faces.calibration",
    "identify": "derin.apps.faces.deciding",
    "threshold_of": "derin.apps.faces.deciding",
    "verify": "derin.apps.faces.deciding",
}

__all__ = [
    "FaceRecognizer",
    "Gallery",
    "PeopleSource",
    "calibrate",
    "calibrate_pairs",
    "cluster",
    "identification_rates",
    "identify",
    "threshold_of",
    "verify",
]


def __getattr__(name: str) -> Any:
    if name not in _PUBLIC:
        raise AttributeError(f"module 'derin.apps.faces' has no attribute {name!r}")
    return getattr(importlib.import_module(_PUBLIC[name]), name)
