"""What users import stays small, sorted, documented, and quick to load."""

import json
import subprocess
import sys

import recognizer


def test_public_names() -> None:
    """Catches a name that slips in, or one that is promised and not there."""
    assert recognizer.__all__ == sorted(recognizer.__all__)
    assert len(recognizer.__all__) <= 20
    for name in recognizer.__all__:
        assert getattr(recognizer, name).__doc__, f"{name} has no docstring"


def test_import_leaves_the_heavy_parts_out() -> None:
    """Catches a top-level import of the runtime or of training, which every command would wait for."""
    code = "import json, sys, recognizer, recognizer.cli; print(json.dumps(sorted(sys.modules)))"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    loaded = set(json.loads(run.stdout))
    assert "recognizer.reader" in loaded
    assert not loaded & {"onnxruntime", "torch", "onnx", "rich", "pillow_heif", "sqlalchemy"}
    assert not loaded & {"recognizer.train", "recognizer.synth"}
