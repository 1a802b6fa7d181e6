"""Runs a peer in the peer's own environment, started by ``benchmarks.peer_tools``; imports nothing of ours.

``python peer_child.py ENGINE``, then lines of JSON. In: ``{"given": "whole", "pictures": [PATH, …]}``, or ``"region"``,
or ``"digits"``. Out: ``{"lines": [[text, confidence, [x0, y0, x1, y1] or null], …], "seconds": …}``, or
``{"error": …}``. Seconds are CPU time for one picture, the mean of several; for digits, for all of them in one width,
the mean of two.
"""

import importlib
import json
import os
import sys
import time
from collections.abc import Callable, Sequence
from typing import Any

Line = tuple[str, float, list[float] | None]
Read = Callable[[str, list[str]], list[Line]]


def rapidocr() -> Read:
    """RapidOCR 3 with the models in its wheel; every line counts, however doubtful."""
    one = {f"EngineConfig.onnxruntime.{part}_op_num_threads": 1 for part in ("intra", "inter")}
    engine = importlib.import_module("rapidocr").RapidOCR(params={"Global.log_level": "critical", **one})

    def read(given: str, pictures: list[str]) -> list[Line]:
        lines: list[Line] = []
        for picture in pictures:
            whole = given == "whole"
            found = engine(picture, use_det=whole, use_cls=whole, use_rec=True, text_score=0.0)
            texts = getattr(found, "txts", None)
            if texts is None:
                continue
            boxes = found.boxes if whole else [None] * len(texts)
            lines += [(t, float(c), _upright(box)) for t, c, box in zip(texts, found.scores, boxes)]  # noqa: B905
        return lines

    return read


def rapidocr_onnxruntime() -> Read:
    """rapidocr-onnxruntime 1, as above."""
    module = importlib.import_module("rapidocr_onnxruntime")
    engine = module.RapidOCR(intra_op_num_threads=1, inter_op_num_threads=1)

    def read(given: str, pictures: list[str]) -> list[Line]:
        lines: list[Line] = []
        for picture in pictures:
            if given == "whole":
                found, _ = engine(picture, text_score=0.0)
                lines += [(text, float(score), _upright(box)) for box, text, score in found or ()]
            else:
                found, _ = engine(picture, use_det=False, use_cls=False, use_rec=True)
                lines += [(text, float(score), None) for text, score in found or ()]
        return lines

    return read


def meter_digits_recognizer() -> Read:
    """The digits of a counter, one picture each, to one line; what it calls no digit (class 10) is a question mark."""
    cv2 = importlib.import_module("cv2")
    engine = importlib.import_module("meter_digits_recognizer").MeterDigitsRecognizer()

    def read(given: str, pictures: list[str]) -> list[Line]:
        wheels = [cv2.imread(picture) for picture in pictures]
        # Once as wide as the wheels lie apart, once as wide as most digits.
        narrow = [wheel[:, wheel.shape[1] // 8 : -(wheel.shape[1] // 8) or None] for wheel in wheels]
        return [line(wheels), line(narrow)]

    def line(wheels: list[Any]) -> Line:
        digits, confidences = engine.run(wheels)
        return "".join("?" if digit == 10 else str(digit) for digit in digits), float(min(confidences)), None

    return read


ENGINES = {engine.__name__: engine for engine in (rapidocr, rapidocr_onnxruntime, meter_digits_recognizer)}


def main(engine: str) -> None:
    # What the peers print goes to stderr: stdout is for answers only.
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    importlib.import_module("cv2").setNumThreads(1)
    read = ENGINES[engine]()
    warm: set[str] = set()
    for request in sys.stdin:
        asked = json.loads(request)
        given, pictures = asked["given"], asked["pictures"]
        try:
            if given not in warm:  # models are loaded with the first picture
                read(given, pictures)
                warm.add(given)
            begin = time.process_time()
            lines = read(given, pictures)
            seconds = (time.process_time() - begin) / (2 if given == "digits" else len(pictures))
            answer: dict[str, Any] = {"lines": lines, "seconds": seconds}
        except Exception as error:  # one picture that a peer cannot take is not the end
            answer = {"error": f"{type(error).__name__}: {error}"}
        print(json.dumps(answer, ensure_ascii=False), file=answers, flush=True)


def _upright(box: Sequence[Sequence[float]] | None) -> list[float] | None:
    if box is None:
        return None
    xs, ys = [float(x) for x, _ in box], [float(y) for _, y in box]
    return [min(xs), min(ys), max(xs), max(ys)]


if __name__ == "__main__":
    main(sys.argv[1])
