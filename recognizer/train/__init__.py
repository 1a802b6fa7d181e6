"""Trains the networks (extra ``train``); ``python -m recognizer.train --help``."""

from pathlib import Path

CHECKPOINTS = Path.home() / "checkpoints"
"""Outside the checkout: a run of days must not be lost with a branch."""
