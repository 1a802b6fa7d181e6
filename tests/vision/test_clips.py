"""Would catch: a clip that hangs or ends in a traceback, one that loses what can be read, a loss nobody is told of."""

import os
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from recognizer.errors import InputError
from recognizer.vision.clip import Pace
from recognizer.vision.clip_video import LiveVideo, VideoFile
from recognizer.vision.clips import open_clip
from recognizer.vision.frame import Limits

SIZE = (64, 48)


def picture(number: int, size: tuple[int, int] = SIZE) -> Any:
    return np.full((size[1], size[0], 3), 8 * number, np.uint8)


def video(path: Path, frames: int = 20, fps: float = 10) -> Path:
    writer = cv2.VideoWriter(
        str(path), cv2.VideoWriter.fourcc(*("mp4v" if path.suffix == ".mp4" else "MJPG")), fps, SIZE
    )
    rng = np.random.default_rng(0)
    for number in range(frames):
        frame = picture(number)
        frame[24:] = rng.integers(0, 255, (24, 64, 3))
        writer.write(frame)
    writer.release()
    return path


def folder(path: Path, numbers: range, size: tuple[int, int] = SIZE) -> Path:
    path.mkdir(exist_ok=True)
    for number in numbers:
        cv2.imwrite(str(path / f"frame{number}.png"), picture(number, size))
    return path


def times(
    source: Path | str, every: float = 0.0, longest: float = 1e9, **options: Any
) -> tuple[list[float], list[int], tuple[str, ...]]:
    with open_clip(source, **options) as clip:
        frames = [(frame.seconds, int(frame.pixels[2:20, 5:60].mean())) for frame in clip.frames(every, longest)]
        return [round(at, 3) for at, _ in frames], [level for _, level in frames], clip.troubles


@pytest.mark.parametrize("name", ["a.mp4", "a.avi"])
def test_a_video_comes_out_frame_by_frame_and_in_time(tmp_path: Path, name: str) -> None:
    at, levels, troubles = times(video(tmp_path / name))
    assert at == [round(n / 10, 3) for n in range(20)]
    assert np.abs(np.array(levels) - 8 * np.arange(20)).max() < 6
    assert troubles == ()
    at, _, _ = times(tmp_path / name, every=0.25, longest=1.0)
    assert at == [0.0, 0.3, 0.5, 0.8, 1.0]


def test_a_pace_makes_up_for_nothing() -> None:
    pace, taken = Pace(0.2), []
    for at in (0.0, 0.1, 0.2, 1.3, 1.35, 1.41, 1.5):
        if pace.due(at):
            pace.taken(at)
            taken.append(at)
    assert taken == [0.0, 0.2, 1.3, 1.41]


def test_a_cut_off_video_gives_what_is_there_and_says_so(tmp_path: Path) -> None:
    data = video(tmp_path / "a.avi").read_bytes()
    (tmp_path / "cut.avi").write_bytes(data[: len(data) // 2])
    at, _, troubles = times(tmp_path / "cut.avi")
    assert 5 <= len(at) <= 12
    assert "ends early" in troubles[0]
    (tmp_path / "no-index.avi").write_bytes(data[: data.rfind(b"idx1")])
    at, _, _ = times(tmp_path / "no-index.avi")
    assert len(at) == 20


def test_a_broken_index_gives_what_is_there_and_says_so(tmp_path: Path) -> None:
    data = bytearray(video(tmp_path / "a.mp4").read_bytes())
    sizes = data.find(b"stsz")
    data[sizes + 20 : sizes + 60] = b"\xff" * 40
    (tmp_path / "b.mp4").write_bytes(data)
    at, _, troubles = times(tmp_path / "b.mp4")
    assert 1 <= len(at) < 20
    assert "ends early" in troubles[0]


def test_what_is_no_clip_is_told_and_what_to_do(tmp_path: Path) -> None:
    whole = video(tmp_path / "a.mp4").read_bytes()
    (tmp_path / "cut.mp4").write_bytes(whole[: len(whole) // 2])
    (tmp_path / "text.mp4").write_bytes(b"no clip" * 100)
    (tmp_path / "empty.mp4").write_bytes(b"")
    (tmp_path / "list.mp4").write_text("#EXTM3U\n#EXTINF:1,\n/etc/passwd\n#EXT-X-ENDLIST\n")
    (tmp_path / "none").mkdir()
    os.mkfifo(tmp_path / "pipe.mp4")
    wrong = {
        "cut.mp4": "record it again",
        "text.mp4": "give an MP4",
        "empty.mp4": "is empty",
        "list.mp4": "a list of others",
        "pipe.mp4": "not a regular file",
        "gone.mp4": "no such file",
        "none": "no pictures",
    }
    for name, words in wrong.items():
        with pytest.raises(InputError, match=words):
            open_clip(tmp_path / name)
    for source, words in (
        ("ftp://x/y.mp4", "an address starts with"),
        ("rtsp://127.0.0.1:9/x", "check the address"),
        ("77", "no such camera"),
    ):
        with pytest.raises(InputError, match=words):
            open_clip(source)


def test_a_password_is_not_told() -> None:
    with pytest.raises(InputError) as told:
        open_clip("rtsp://ann:secret@127.0.0.1:9/x")
    assert "secret" not in str(told.value)
    assert "127.0.0.1" in str(told.value)


def test_a_folder_is_read_in_natural_order(tmp_path: Path) -> None:
    folder(tmp_path / "f", range(12))
    (tmp_path / "f" / "notes.txt").write_text("no picture")
    assert open_clip(tmp_path / "f", folder_fps=4).seconds == 3
    at, levels, troubles = times(tmp_path / "f", folder_fps=4)
    assert levels == [8 * n for n in range(12)]
    assert at == [n / 4 for n in range(12)]
    assert troubles == ()


def test_damaged_pictures_and_other_sizes_are_passed_over_or_told(tmp_path: Path) -> None:
    folder(tmp_path / "f", range(3))
    (tmp_path / "f" / "frame3.png").write_bytes(b"damaged")
    folder(tmp_path / "f", range(4, 6), (80, 60))
    at, levels, troubles = times(tmp_path / "f", folder_fps=1)
    assert (at, levels) == ([0, 1, 2, 4, 5], [0, 8, 16, 32, 40])
    assert "1 of 6 pictures could not be read" in troubles[0]
    assert "frame3.png" in troubles[0]
    assert "size" in troubles[1]
    for path in (tmp_path / "f").glob("*.png"):
        path.write_bytes(b"damaged")
    with pytest.raises(InputError, match="none of its pictures"):
        times(tmp_path / "f")


class FakeCapture:
    """A capture that gives these (time stamp in seconds or None for a failure, picture) in turn, then waits or ends."""

    def __init__(self, frames: list[tuple[float | None, Any]], *, hangs: bool = False, pause: float = 0.0) -> None:
        self._frames, self._hangs, self._pause, self._at = frames, hangs, pause, -1
        self.released = threading.Event()

    def get(self, what: int) -> float:
        if what == cv2.CAP_PROP_POS_MSEC:
            return 1000 * (self._frames[self._at][0] or 0.0)
        return {cv2.CAP_PROP_FPS: 10.0, cv2.CAP_PROP_FRAME_COUNT: float(len(self._frames))}.get(what, 48.0)

    def grab(self) -> bool:
        time.sleep(self._pause)
        self._at += 1
        if self._at >= len(self._frames):
            if self._hangs:
                self.released.wait(5)
            return False
        return True

    def retrieve(self) -> tuple[bool, Any]:
        stamp, frame = self._frames[self._at]
        return stamp is not None, frame

    def release(self) -> None:
        self.released.set()


def test_lost_and_damaged_frames_are_told() -> None:
    stamps: list[float | None] = [0.0, 0.1, 0.2, 1.8, 1.9, 0.0, 2.1, None]
    capture: Any = FakeCapture([(stamp, picture(3)) for stamp in stamps])
    clip = VideoFile(capture, "x", Limits())
    at = [round(frame.seconds, 3) for frame in clip.frames()]
    assert at == [0.0, 0.1, 0.2, 1.8, 1.9, 2.0, 2.1]
    told = " ".join(clip.troubles)
    assert "1 gaps, 1.6 s" in told
    assert "1 frames could not be decoded" in told
    assert "no usable time" in told


def test_too_many_frames_are_not_decoded() -> None:
    capture: Any = FakeCapture([(n / 10, picture(3)) for n in range(100)])
    assert len(list(VideoFile(capture, "x", Limits(), most=7).frames())) == 7


def test_late_frames_of_a_live_source_are_dropped_and_the_newest_kept() -> None:
    capture: Any = FakeCapture([(0.0, picture(n)) for n in range(30)], hangs=True, pause=0.01)
    levels = []
    with LiveVideo(capture, "camera", Limits()) as clip:
        for frame in clip.frames(longest=0.45):
            levels.append(int(frame.pixels.mean()) // 8)
            time.sleep(0.1)
    assert 3 <= len(levels) <= 6
    assert clip.dropped >= 15
    assert levels == sorted(levels)
    assert clip.late


def test_a_stream_that_ends_or_stalls_ends_the_clip(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("recognizer.vision.clip_video.PATIENCE", 0.2)
    monkeypatch.setattr("recognizer.vision.clip_video.MISSES", 2)
    for hangs, words in ((True, "No picture came"), (False, "The stream ended")):
        capture: Any = FakeCapture([(0.0, picture(n)) for n in range(3)], hangs=hangs, pause=0.02)
        with LiveVideo(capture, "camera", Limits()) as clip:
            assert len(list(clip.frames())) >= 1
            assert words in clip.troubles[0]
        silent: Any = FakeCapture([], hangs=hangs)
        with pytest.raises(InputError, match="not one picture"):
            list(LiveVideo(silent, "camera", Limits()).frames())
        capture.released.set()
        silent.released.set()


@pytest.fixture
def served(tmp_path: Path) -> Iterator[str]:
    data = video(tmp_path / "a.mp4").read_bytes()

    class Serving(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Serving)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/a.mp4"
    server.shutdown()
    server.server_close()


def test_a_video_at_an_address_is_no_live_source(served: str) -> None:
    at, _, _ = times(served)
    assert len(at) == 20
