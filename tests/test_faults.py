"""Bad input gets a clear sentence, quickly and in little memory; never a traceback and never a reading."""

import os
import resource
import struct
import subprocess
import sys
import time
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from PIL import Image

from recognizer.errors import InputError
from recognizer.vision.frame import Limits, load_frame

Picture = NDArray[np.uint8]
Encode = Callable[..., bytes]

# The child loads a photo and says how it went: the error's class and text, seconds, and its peak memory in MB.
CHILD = """
import sys, time
from pathlib import Path
from recognizer.vision.frame import load_frame
start = time.perf_counter()
try:
    load_frame(sys.argv[1]).preview(320)
    said = "nothing"
except Exception as error:
    said = f"{type(error).__name__} {error}"
seconds = time.perf_counter() - start
# Not by getrusage, which counts what the parent had when it started this process.
peak = next(line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM:"))
print(said, seconds, int(peak.split()[1]) // 1024, sep="\\n")
"""


def png(width: int, height: int) -> bytes:
    """A valid black-and-white PNG, compressed as far as it goes: about 110 kB for 30000x30000."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    row = bytes(1 + (width + 7) // 8)
    packer = zlib.compressobj(1)
    body = b"".join(packer.compress(row * 1000) for _ in range(height // 1000)) + packer.compress(row * (height % 1000))
    header = struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0)
    end = chunk(b"IDAT", body + packer.flush()) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + end


def tiff(width: int, height: int) -> bytes:
    """A TIFF header that promises pixels which are not there."""
    tags = [(256, 4, width), (257, 4, height), (258, 3, 8), (259, 3, 1), (262, 3, 1), (273, 4, 8), (279, 4, 100)]
    entries = b"".join(struct.pack("<HHII", tag, kind, 1, value) for tag, kind, value in tags)
    return b"II*\0" + struct.pack("<IH", 8, len(tags)) + entries + bytes(4)


def bmp(width: int, height: int) -> bytes:
    """The same as a BMP."""
    return b"BM" + struct.pack("<IIIIiiHHIIiiII", 154, 0, 54, 40, width, height, 1, 24, 0, 100, 0, 0, 0, 0)


def faults(picture: Picture, encode: Encode) -> dict[str, tuple[bytes, str]]:
    """Content and a part of the message by what is wrong."""
    jpeg, progressive = encode(picture, "JPEG"), encode(picture, "JPEG", progressive=True)
    frames = [Image.new("L", (64, 64), grey) for grey in (0, 255)]
    scan = progressive.rindex(b"\xff\xda")
    return {
        "empty": (b"", "is empty"),
        "text": (b"meter reading: 00123.4\n" * 50, "is not a JPEG"),
        "pdf": (b"%PDF-1.7\n" + bytes(500), "is not a JPEG"),
        "video": (b"\0\0\0\x18ftypmp42" + bytes(500), "is not a JPEG"),
        "jpeg start only": (b"\xff\xd8\xff", "truncated"),
        "jpeg without its last bytes": (jpeg[:-2], "truncated"),
        "jpeg cut in the middle": (jpeg[: len(jpeg) // 2], "truncated"),
        "jpeg cut in the header": (jpeg[:100], "truncated"),
        "jpeg padded after a cut": (jpeg[: len(jpeg) // 2] + bytes(1000), "truncated"),
        "jpeg with thousands of scans": (progressive[:scan] + progressive[scan:-2] * 3000 + b"\xff\xd9", "scans"),
        "jpeg of empty segments": (b"\xff\xd8" + b"\xff\xe1\0\2" * 1_000_000, "header segments"),
        "png cut": (encode(picture, "PNG")[:-2000], "truncated"),
        "png header only": (encode(picture, "PNG")[:33], "cannot be decoded"),
        "webp cut": (encode(picture, "WEBP")[:-500], "cannot be decoded"),
        "bmp cut": (encode(picture, "BMP")[:-500], "truncated"),
        "tiff cut": (encode(picture, "TIFF", compression="tiff_lzw")[:-500], "cannot be decoded"),
        "png bomb": (png(30000, 30000), "30000x30000 pixels is too large"),
        "tiff bomb": (tiff(30000, 30000), "too large"),
        "bmp bomb": (bmp(30000, 30000), "too large"),
        "long bmp": (bmp(30001, 100), "too large"),
        "1x1": (png(1, 1), "1x1 pixels is too small"),
        "20000x10": (png(20000, 10), "20000x10 pixels is too small"),
        "20001x100": (png(20001, 100), "too large"),
        "animated gif": (encode(frames[0], "GIF", save_all=True, append_images=frames[1:]), "GIF"),
        "floating point": (encode(Image.new("F", (32, 32)), "TIFF"), "floating-point"),
    }


@pytest.fixture(scope="module")
def bad(picture: Picture, encode: Encode, tmp_path_factory: pytest.TempPathFactory) -> dict[str, tuple[Path, str]]:
    folder = tmp_path_factory.mktemp("bad")
    paths = {}
    for name, (data, message) in faults(picture, encode).items():
        path = folder / f"{name}.jpg"
        path.write_bytes(data)
        paths[name] = (path, message)
    return paths


def test_bad_files_are_refused_at_once(bad: dict[str, tuple[Path, str]], subtests: pytest.Subtests) -> None:
    """Catches a fault that passes for a photo, a message of no use, and a decoder let loose on a bomb."""
    for name, (path, message) in bad.items():
        with subtests.test(name):
            start = time.perf_counter()
            with pytest.raises(InputError, match=message) as caught:
                load_frame(path)
            assert time.perf_counter() - start < 1
            assert str(caught.value).startswith(f"{path}: ")
            assert "\n" not in str(caught.value)
            with pytest.raises(InputError, match=message):
                load_frame(path.read_bytes())


@pytest.mark.parametrize("name", ["png bomb", "tiff bomb", "jpeg with thousands of scans"])
def test_bombs_cost_no_memory(bad: dict[str, tuple[Path, str]], name: str) -> None:
    """Catches any decode before the size check: this PNG costs 900 MB in grey and 2.7 GB in colour."""
    path, message = bad[name]
    limit = 4 * 2**30
    run = subprocess.run(
        [sys.executable, "-c", CHILD, str(path)],
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_DATA, (limit, limit)),
    )
    said, seconds, megabytes = run.stdout.splitlines()
    assert said.startswith("InputError")
    assert message in said
    assert float(seconds) < 1
    assert int(megabytes) < 600


def test_paths_that_are_no_photos(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    os.mkfifo(tmp_path / "pipe.jpg")
    for path, message in [
        (tmp_path, "is a folder"),
        (tmp_path / "none.jpg", "no such file"),
        (tmp_path / "pipe.jpg", "not a regular file"),  # opening it would wait for ever
        (Path("/dev/zero"), "not a regular file"),
        (Path("a\0b.jpg"), "cannot be read"),
        (Path("x" * 5000), "cannot be read"),
    ]:
        with pytest.raises(InputError, match=message):
            load_frame(path)

    def refuse(*_: Any, **__: Any) -> None:
        raise PermissionError(13, "Permission denied")

    secret = tmp_path / "secret.jpg"
    secret.write_bytes(b"x")
    monkeypatch.setattr("builtins.open", refuse)  # file modes mean nothing to root, who may run these tests
    with pytest.raises(InputError, match="no permission"):
        load_frame(secret)


def test_limits_are_arguments(picture: Picture, encode: Encode) -> None:
    with pytest.raises(InputError, match="larger than 0 MiB"):
        load_frame(encode(picture, "PNG"), limits=Limits(max_bytes=100))
    with pytest.raises(InputError, match=r"at most 0\.01 million"):
        load_frame(picture, limits=Limits(max_pixels=10_000))
    assert load_frame(np.zeros((4, 4), np.uint8), limits=Limits(min_side=4)).width == 4


@pytest.mark.parametrize(
    ("array", "message"),
    [
        (np.zeros((32, 32, 3)), "uint8 or uint16, got float64"),
        (np.zeros((32, 32), bool), "got bool"),
        (np.zeros((32, 32), object), "got object"),
        (np.zeros(100, np.uint8), "shape"),
        (np.zeros((32, 32, 2), np.uint8), "shape"),
        (np.zeros((2, 32, 32, 3), np.uint8), "shape"),
        (np.zeros((0, 0, 3), np.uint8), "0x0 pixels is too small"),
        (np.zeros((1, 1, 3), np.uint8), "1x1 pixels is too small"),
        (np.broadcast_to(np.uint8(0), (30000, 30000, 3)), "too large"),
    ],
)
def test_bad_arrays(array: NDArray[Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        load_frame(array)


@settings(max_examples=150, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(
    form=st.sampled_from(["JPEG", "PNG", "WEBP", "BMP", "TIFF", "MPO"]),
    keep=st.floats(0, 1),
    changes=st.lists(st.tuples(st.floats(0, 1, exclude_max=True), st.integers(0, 255)), max_size=6),
)
@pytest.mark.filterwarnings("ignore")  # Pillow warns of metadata it cannot read
def test_damage_is_an_input_error_or_a_picture(
    picture: Picture, encode: Encode, form: str, keep: float, changes: list[tuple[float, int]]
) -> None:
    """Catches exceptions of the decoders that come through as they are."""
    data = bytearray(encode(picture, form))
    for where, value in changes:
        data[int(where * min(len(data), 600))] = value
    del data[int(keep * len(data)) + 1 :]
    try:
        frame = load_frame(bytes(data), limits=Limits(max_pixels=1_000_000))
        assert frame.pixels.shape == (frame.height, frame.width, 3)
    except InputError:
        pass
