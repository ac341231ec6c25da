"""Optimizers as configs: ``derin.fit(…, optimizer=derin.optimizers.Adam(lr=1e-3, betas=(0.9, 0.99)))``.

Example:
    >>> import derin
    >>> str(derin.optimizers.Adam(betas=(0.9, 0.99), eps=1e-7))
    'adam:betas=0.9/0.99,eps=1e-07'
"""

from derin.train.optimizers.configs import (
    SGD,
    Adagrad,
    Adam,
    AdamW,
    Lion,
    Momentum,
    Muon,
    NAdam,
    Nesterov,
    OptimizerConfig,
    RMSprop,
)

__all__ = [
    "SGD",
    "Adagrad",
    "Adam",
    "AdamW",
    "Lion",
    "Momentum",
    "Muon",
    "NAdam",
    "Nesterov",
    "OptimizerConfig",
    "RMSprop",
]
