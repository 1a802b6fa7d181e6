"""The page's files: would catch a sentence missing in a language, a foreign script or font, inline code in the HTML."""

import re
from pathlib import Path

PAGE = Path(__file__).parents[2] / "service" / "page"


def test_the_languages_say_the_same_things() -> None:
    words = {}
    for code in ("en", "ru"):
        text = (PAGE / f"words_{code}.js").read_text(encoding="utf-8")
        rows = re.findall(r'^  "([^"]+)": "(.+)",$', text, re.MULTILINE)
        words[code] = dict(rows)
        assert len(rows) == len(words[code]) > 100
    assert words["en"].keys() == words["ru"].keys()
    for key, sentence in words["en"].items():
        assert set(re.findall(r"\{\w+\}", sentence)) == set(re.findall(r"\{\w+\}", words["ru"][key])), key
    used = {
        key
        for file in PAGE.glob("*.[jh]*")
        for key in re.findall(r'(?:\bt: |\blabel: |\bt\(|data-t(?:-label)?=)"([a-z_.]+)"', file.read_text("utf-8"))
    }
    assert len(used) > 40
    assert used <= words["en"].keys(), used - words["en"].keys()


def test_every_reason_of_the_reader_has_words() -> None:
    words = set(
        re.findall(r'^  "finding\.([a-z_]+)"', (PAGE / "words_en.js").read_text(encoding="utf-8"), re.MULTILINE)
    )
    code = "".join(
        file.read_text(encoding="utf-8") for file in (PAGE.parents[1] / "recognizer" / "domain").glob("*.py")
    )
    reasons = set(re.findall(r'Finding\(\s*"([a-z_]+)"', code))
    assert len(reasons) > 20
    assert reasons <= words, reasons - words


def test_the_page_asks_no_other_server_and_runs_nothing_inline() -> None:
    html = (PAGE / "index.html").read_text(encoding="utf-8")
    assert "default-src 'none'; script-src 'self'; style-src 'self'" in html
    assert not re.search(r"<style|\sstyle=|\son[a-z]+=|<script(?![^>]*\ssrc=)", html)
    for file in PAGE.iterdir():
        text = file.read_text(encoding="utf-8").replace("http://www.w3.org/2000/svg", "")
        assert not re.search(r"(?:https?:)?//[a-z0-9-]+\.[a-z]", text), file.name
        assert not re.search(r"innerHTML|insertAdjacentHTML|document\.write|\beval\(", text), file.name
