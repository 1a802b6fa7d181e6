"""Reads utility meters in photos: ``MeterReader().read(photo)`` gives a ``Report``."""

from recognizer.domain.conclude import conclude
from recognizer.domain.meter import Known, Meter, PastReading, Register
from recognizer.domain.observation import Observation
from recognizer.domain.policy import Policy
from recognizer.domain.reading import Finding, Reading, Report
from recognizer.errors import InputError, ModelError, RecognizerError, UsageError
from recognizer.overlay import draw_overlay
from recognizer.reader import MeterReader
from recognizer.vision.frame import Frame, load_frame

__all__ = [
    "Finding",
    "Frame",
    "InputError",
    "Known",
    "Meter",
    "MeterReader",
    "ModelError",
    "Observation",
    "PastReading",
    "Policy",
    "Reading",
    "RecognizerError",
    "Register",
    "Report",
    "UsageError",
    "conclude",
    "draw_overlay",
    "load_frame",
]
