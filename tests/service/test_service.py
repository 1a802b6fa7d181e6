"""Would catch: a photo stored twice or not at all, a correction that loses the original, an answer that somebody else
gets, a limit that does not hold, a route without a rule, a key kept readable."""

import io
import json
import re
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from fastapi.routing import APIRoute

from recognizer.errors import UsageError
from service.access import needs
from service.settings import Settings

Photo = Callable[..., bytes]


def test_a_photo_is_read_corrected_and_found(serve: Any, photo: Photo) -> None:
    people = serve()
    anna, get = people.key("anna"), people.client.get
    answer = people.upload(anna, photo(1), meter="cellar", taken_at="2026-10-01T09:30+02:00")
    assert answer.status_code == 201, answer.text
    report = answer.json()
    assert (report["status"], report["duplicate"], len(report["reading_ids"])) == ("accepted", False, 1)
    (key,) = report["reading_ids"]
    stored = get(f"/v1/readings/{key}", headers=anna).json()
    assert stored["text"] == report["readings"][0]["text"]
    assert stored["taken_at"] == "2026-10-01T07:30:00+00:00"
    assert get(f"/v1/readings/{key}/photo", headers=anna).content == photo(1)
    for picture in ("overlay", "crop"):
        assert get(f"/v1/readings/{key}/{picture}", headers=anna).content.startswith(b"\xff\xd8")
    url = f"/v1/readings/{key}"
    decided = people.client.patch(url, json={"action": "correct", "value": "0123,4", "why": "glare"}, headers=anna)
    now = decided.json()
    assert (now["text"], now["value"], now["status"], now["by_person"]) == ("0123.4", "123.4", "confirmed", True)
    assert now["original"]["text"] == stored["text"]
    assert [d["by_person"] for d in now["decisions"]] == [False, True]
    assert (now["decisions"][1]["who"], now["decisions"][1]["why"]) == ("anna", "glare")
    page = get("/v1/meters/cellar/readings", headers=anna).json()
    assert [item["id"] for item in page["items"]] == [key]
    assert get(f"{url}/submission", headers=anna).json() == {"format": "integer", "text": "123"}
    assert get(f"{url}/submission?format=sms", headers=anna).status_code == 400, "an SMS needs the account"
    sms = get(f"{url}/submission?format=sms&account=77", headers=anna).json()
    assert sms["text"] == "77#cellar#0123"
    other = people.upload(anna, photo(2), meter="attic").json()["reading_ids"][0]
    assert get(f"{url}/submission?also={other}", headers=anna).status_code == 422, "two meters in one text"
    ben = people.key("ben")
    foreign = people.upload(ben, photo(3), meter="shed").json()["reading_ids"][0]
    assert get(f"{url}/submission?also={foreign}", headers=anna).status_code == 404
    assert [f["name"] for f in get("/v1/submission-formats", headers=anna).json()]
    assert [m["id"] for m in get("/v1/meters", headers=anna).json()["items"]] == ["attic", "cellar"]


def test_the_same_upload_is_the_same_reading(serve: Any, photo: Photo) -> None:
    people = serve()
    anna = people.key("anna")
    keyed = anna | {"Idempotency-Key": "k1"}
    first = people.upload(keyed, photo(1), meter="m")
    again = people.upload(keyed, photo(1), meter="m")
    assert again.json() == first.json()
    assert again.headers["Idempotency-Replayed"] == "true"
    other = people.upload(keyed, photo(2), meter="m")
    assert (other.status_code, other.json()["type"]) == (409, "urn:meter-recognizer:conflict")
    without_key = people.upload(anna, photo(1), meter="m").json()
    assert (without_key["reading_ids"], without_key["duplicate"]) == (first.json()["reading_ids"], True)
    assert without_key["readings"][0]["text"] == first.json()["readings"][0]["text"]
    ben = people.key("ben")
    bens = people.upload(ben | {"Idempotency-Key": "k1"}, photo(1)).json()
    annas = people.upload(anna, photo(1)).json()
    assert (bens["duplicate"], annas["duplicate"]) == (False, False)
    assert bens["reading_ids"] != annas["reading_ids"]


def test_it_is_the_same_reading_after_a_restart(serve: Any, photo: Photo) -> None:
    people = serve()
    headers = people.key("anna") | {"Idempotency-Key": "k"}
    first = people.upload(headers, photo(1)).json()
    people.stop()
    again = serve()
    assert again.upload(headers, photo(1)).json() == first


def test_several_photos_are_one_visit(serve: Any, photo: Photo) -> None:
    people = serve()
    anna = people.key("anna")
    answer = people.upload(anna, photo(1, 0), photo(2), photo(3, 100), meter="m", want=["1.8.2"]).json()
    assert len(answer["photo_ids"]) == 3
    assert [r["status"] for r in answer["readings"]] == ["accepted"]
    assert answer["missing"] == ["1.8.2"]
    assert "wait" in [a["code"] for a in answer["advice"]]
    nothing = people.upload(anna, photo(4, 0)).json()
    assert (nothing["status"], nothing["reading_ids"]) == ("refused", [])
    assert [a["code"] for a in nothing["advice"]] == ["closer"]
    assert people.client.get(nothing["links"]["photo"], headers=anna).content == photo(4, 0)


def test_the_queue_begins_with_the_least_certain(serve: Any, photo: Photo) -> None:
    people = serve()
    anna, clerk = people.key("anna"), people.key("clerk", "review")
    people.upload(anna, photo(1), meter="m")
    doubtful = [people.upload(anna, photo(n, 100), meter=f"m{n}").json()["reading_ids"][0] for n in range(2, 7)]
    assert people.client.get("/v1/review", headers=anna).status_code == 403
    seen: list[dict[str, Any]] = []
    cursor = ""
    while True:
        page = people.client.get(f"/v1/review?limit=2{cursor}", headers=clerk).json()
        seen += page["items"]
        if page["next"] is None:
            break
        cursor = f"&cursor={page['next']}"
    assert sorted(item["id"] for item in seen) == sorted(doubtful)
    steps = [int(item["confidence"] * 10) for item in seen]
    assert steps == sorted(steps)
    assert all(item["candidates"] and item["links"]["crop"] for item in seen)
    url = f"/v1/readings/{seen[0]['id']}"
    assert people.client.get(f"{url}/submission", headers=clerk).status_code == 409
    assert people.client.get(f"{url}/submission?unconfirmed=true", headers=clerk).status_code == 200
    assert people.client.patch(url, json={"action": "reject"}, headers=clerk).json()["status"] == "rejected"
    assert people.client.get(f"{url}/submission?unconfirmed=true", headers=clerk).status_code == 409
    assert people.client.get("/v1/review", headers=clerk).json()["waiting"] == len(doubtful) - 1


def test_pages_and_tables_hold_every_reading_once(serve: Any, photo: Photo) -> None:
    people = serve()
    anna = people.key("anna")
    keys = []
    for n in range(7):
        taken = f"2026-10-0{1 + n // 2}T10:00Z"
        keys += people.upload(anna, photo(n), meter="=m", taken_at=taken).json()["reading_ids"]
    url, found, cursor = "/v1/meters/=m/readings", [], ""
    while True:
        page = people.client.get(f"{url}?limit=3{cursor}", headers=anna).json()
        found += [item["id"] for item in page["items"]]
        if page["next"] is None:
            break
        cursor = f"&cursor={page['next']}"
    assert found == keys
    table = people.client.get(url, headers=anna | {"Accept": "text/csv"}).text.splitlines()
    assert len(table) == 8
    assert table[1].split(",")[1] == "'=m"  # no formula for a spreadsheet
    part = people.client.get(f"{url}?from=2026-10-02T00:00Z&to=2026-10-03T00:00Z", headers=anna).json()["items"]
    assert [item["id"] for item in part] == keys[2:4]


def test_a_deleted_meter_leaves_nothing(serve: Any, photo: Photo) -> None:
    people = serve()
    anna = people.key("anna")
    record = {"serials": ["777"], "medium": "water", "registers": [{"code": "8.1.0", "max_rate": "2.5"}]}
    assert people.client.put("/v1/meters/gone", json=record, headers=anna).status_code == 200
    assert people.client.get("/v1/meters/gone", headers=anna).json()["serials"] == ["777"]
    keyed = anna | {"Idempotency-Key": "k"}
    key = people.upload(keyed, photo(1), photo(2), meter="gone").json()["reading_ids"][0]
    kept = people.upload(anna, photo(2), meter="kept").json()["reading_ids"][0]
    assert people.client.delete("/v1/meters/gone", headers=anna).status_code == 204
    assert people.client.get(f"/v1/readings/{key}", headers=anna).status_code == 404
    # The same photo of another meter is still there; the other one is not.
    assert people.client.get(f"/v1/readings/{kept}/photo", headers=anna).content == photo(2)
    files = list((people.app.state.parts.settings.data_dir / "photos").glob("*/*"))
    assert [file.read_bytes() for file in files] == [photo(2)]
    assert people.upload(keyed, photo(1), meter="gone").status_code == 201


def test_old_photos_go_and_readings_stay(serve: Any, photo: Photo, capsys: pytest.CaptureFixture[str]) -> None:
    from service.__main__ import main

    people = serve()
    anna = people.key("anna")
    key = people.upload(anna, photo(1), meter="m").json()["reading_ids"][0]
    folder = str(people.app.state.parts.settings.data_dir)
    assert main(["prune", "--data-dir", folder, "--older-than", "1"]) == 0
    assert people.client.get(f"/v1/readings/{key}/photo", headers=anna).status_code == 200
    assert main(["prune", "--data-dir", folder, "--older-than", "0"]) == 0
    assert "1 photos deleted" in capsys.readouterr().out
    assert people.client.get(f"/v1/readings/{key}/photo", headers=anna).status_code == 404
    stored = people.client.get(f"/v1/readings/{key}", headers=anna).json()
    assert (stored["value"] is not None, stored["links"]["photo"]) == (True, None)


def test_a_clip_is_a_visit(serve: Any, tmp_path: Any) -> None:
    import cv2
    import numpy as np

    path = str(tmp_path / "clip.avi")
    clip = cv2.VideoWriter(path, cv2.VideoWriter.fourcc(*"MJPG"), 10, (64, 48))
    picture = np.full((48, 64, 3), 250, np.uint8)
    for _ in range(12):
        clip.write(picture)
    clip.release()
    people = serve()
    with open(path, "rb") as file:
        video = file.read()
    post = people.client.post
    answer = post("/v1/readings", files=[("video", ("c.avi", video))], headers=people.key("anna"))
    assert answer.status_code == 201, answer.text
    assert len(answer.json()["reading_ids"]) == 1
    bad = post("/v1/readings", files=[("video", ("c.avi", b"no clip" * 100))], headers=people.key("anna"))
    assert (bad.status_code, "no video" in bad.json()["detail"]) == (422, True)


def _api_routes(app: Any) -> list[APIRoute]:
    found: list[APIRoute] = []

    def walk(routes: Any) -> None:
        for route in routes:
            if isinstance(route, APIRoute):
                found.append(route)
            elif getattr(route, "original_router", None) is not None:
                walk(route.original_router.routes)

    walk(app.routes)
    return found


def _has_rule(dependant: Any) -> bool:
    return isinstance(dependant.call, needs) or any(_has_rule(part) for part in dependant.dependencies)


BODIES: dict[tuple[str, str], dict[str, Any]] = {
    ("PATCH", "/v1/readings/{reading_id}"): {"json": {"action": "confirm"}},
    ("PUT", "/v1/meters/{meter_id}"): {"json": {}},
    ("POST", "/v1/visits"): {"json": {"meter": "cellar"}},
    ("POST", "/v1/visits/{visit_id}/frames"): {"files": [("photo", ("a.png", b"x"))]},
    ("POST", "/v1/readings"): {"files": [("photo", ("a.png", b"x"))], "data": {"meter": "cellar"}},
}
OPEN = {"/healthz", "/readyz", "/metrics", "/"}
MAKES = {("PUT", "/v1/meters/{meter_id}"), ("POST", "/v1/readings"), ("POST", "/v1/visits")}
"""Routes that make somebody a meter of their own, whoever else has one of that name; checked below."""
OWN = {"/v1/me", "/v1/submission-formats", "/v1/meters"}
"""Routes that show everybody only what is theirs; what they show to another person is checked below."""


def test_another_persons_key_reaches_nothing_by_any_route(serve: Any, photo: Photo) -> None:
    people = serve()
    anna, ben = people.key("anna"), people.key("ben")
    report = people.upload(anna, photo(1), meter="cellar").json()
    visit = people.client.post("/v1/visits", json={"meter": "cellar"}, headers=anna).json()
    real = {"reading_id": report["reading_ids"][0], "photo_id": report["id"], "meter_id": "cellar",
            "visit_id": visit["id"]}  # fmt: skip
    routes = [(m, r) for r in _api_routes(people.app) for m in sorted(r.methods or ())]
    assert len(routes) >= 20
    for method, route in routes:
        if route.path in OPEN:
            continue
        assert _has_rule(route.dependant), f"{route.path} has no rule"
        path = re.sub(r"{(\w+)}", lambda part: str(real[part[1]]), route.path)
        body = BODIES.get((method, route.path), {})
        nobody = people.client.request(method, path, **body)
        assert nobody.status_code == 401, f"{method} {path} without a key: {nobody.status_code}"
        wrong = people.client.request(method, path, headers={"X-API-Key": "mr_wrong"}, **body)
        assert wrong.status_code == 401
        if (method, route.path) in MAKES:
            continue
        other = people.client.request(method, path, headers=ben, **body)
        if route.path in OWN:
            assert "cellar" not in other.text
        else:
            assert other.status_code in (403, 404), f"{method} {path} with another's key: {other.status_code}"
    assert people.client.get(f"/v1/readings/{real['reading_id']}", headers=anna).status_code == 200
    assert people.client.get("/v1/meters/cellar", headers=people.key("boss", "admin")).status_code == 200
    for query in ("owner=anna", "owner=nobody"):
        for path in ("/v1/meters/cellar", "/v1/meters/cellar/readings"):
            assert people.client.get(f"{path}?{query}", headers=ben).status_code == 404
        assert people.client.put(f"/v1/meters/cellar?{query}", json={}, headers=ben).status_code == 404
        assert people.client.delete(f"/v1/meters/cellar?{query}", headers=ben).status_code == 404
    assert people.upload(ben, photo(8), meter="cellar", owner="anna").status_code == 404
    # A photo without a meter belongs to its sender too.
    alone = people.upload(anna, photo(9)).json()
    assert people.client.get(f"/v1/readings/{alone['reading_ids'][0]}", headers=ben).status_code == 404
    assert people.client.get(f"/v1/photos/{alone['id']}", headers=ben).status_code == 404


def test_two_people_may_have_a_meter_of_the_same_name(serve: Any, photo: Photo) -> None:
    people = serve()
    client, anna, ben = people.client, people.key("anna"), people.key("ben")
    mine = people.upload(anna, photo(1), meter="cellar").json()
    put = client.put("/v1/meters/cellar", json={"serials": ["77"]}, headers=ben)
    assert (put.status_code, put.json()["id"], put.json()["owner"]) == (200, "cellar", "ben")
    # The same file: handed in for another meter, and no copy of one's own.
    bens = people.upload(ben, photo(1), meter="cellar").json()
    assert (bens["duplicate"], bens["reading_ids"] != mine["reading_ids"]) == (False, True)
    visit = client.post("/v1/visits", json={"meter": "cellar"}, headers=ben).json()
    assert visit["meter"] == "cellar"
    for headers, answer, serials in ((anna, mine, []), (ben, bens, ["77"])):
        items = client.get("/v1/meters/cellar/readings", headers=headers).json()["items"]
        assert [(item["id"], item["meter"]) for item in items] == [(answer["reading_ids"][0], "cellar")]
        assert client.get("/v1/meters/cellar", headers=headers).json()["serials"] == serials
        assert [m["id"] for m in client.get("/v1/meters", headers=headers).json()["items"]] == ["cellar"]
        table = client.get("/v1/meters/cellar/readings?format=csv", headers=headers).text
        assert "/" not in table.splitlines()[1].partition(",T")[0]
    boss, clerk = people.key("boss", "admin"), people.key("clerk", "review")
    assert [(m["owner"], m["id"]) for m in client.get("/v1/meters", headers=clerk).json()["items"]] == [
        ("anna", "cellar"), ("ben", "cellar"),
    ]  # fmt: skip
    assert client.get("/v1/meters/cellar", headers=clerk).status_code == 409, "whose?"
    assert client.get("/v1/meters/cellar?owner=ben", headers=clerk).json()["serials"] == ["77"]
    both = [client.get(f"/v1/readings/{a['reading_ids'][0]}", headers=clerk).json()["owner"] for a in (mine, bens)]
    assert both == ["anna", "ben"]
    assert people.upload(boss, photo(2), meter="cellar").status_code == 409
    assert people.upload(boss, photo(2), meter="cellar", owner="ben").json()["duplicate"] is False
    assert len(client.get("/v1/meters/cellar/readings", headers=ben).json()["items"]) == 2
    assert client.delete("/v1/meters/cellar?owner=ben", headers=boss).status_code == 204
    assert client.get("/v1/meters/cellar", headers=ben).status_code == 404
    assert client.get(f"/v1/visits/{visit['id']}", headers=ben).status_code == 404
    assert len(client.get("/v1/meters/cellar/readings", headers=anna).json()["items"]) == 1
    assert client.get("/v1/meters/cellar", headers=clerk).json()["owner"] == "anna"


def test_scopes_keys_and_the_demo_mode(serve: Any, photo: Photo, capsys: pytest.CaptureFixture[str]) -> None:
    from service.__main__ import main

    with pytest.raises(UsageError):
        Settings(data_dir=None, host="0.0.0.0", demo=True)  # type: ignore[arg-type]
    people = serve(demo=True)
    assert people.client.get("/v1/me").json()["demo"] is True
    assert people.upload({}, photo(1)).status_code == 201
    folder = str(people.app.state.parts.settings.data_dir)
    create = ["keys", "create", "--data-dir", folder, "--name", "anna", "--scope", "submit", "--meter", "m1"]
    assert main(create) == 0
    out = capsys.readouterr().out
    key, key_id = re.search(r"key  (\S+)", out)[1], re.search(r"id   (\S+)", out)[1]  # type: ignore[index]
    assert people.client.get("/v1/me").status_code == 401  # the demo is over with the first key
    headers = {"X-API-Key": key}
    assert people.client.get("/v1/me", headers=headers).json()["scopes"] == ["submit"]
    uploaded = people.upload(headers, photo(2), meter="m1")
    assert uploaded.status_code == 201
    assert people.client.get(uploaded.json()["links"]["self"], headers=headers).status_code == 403  # no scope to read
    for file in people.app.state.parts.settings.data_dir.glob("readings.db*"):
        assert key.encode() not in file.read_bytes()
    assert main(["keys", "revoke", "--data-dir", folder, key_id]) == 0
    assert people.client.get("/v1/me", headers=headers).status_code == 401
    assert people.client.get("/v1/me").status_code == 401  # and it does not open again
    assert main(["keys", "list", "--data-dir", folder]) == 0
    assert "revoked" in capsys.readouterr().out


def test_limits_turn_away_with_a_reason(serve: Any, photo: Photo) -> None:
    people = serve(max_body=200_000, max_photo=100_000, max_pixels=10_000, per_minute=60)
    anna = people.key("anna")
    assert people.upload(anna, b"x" * 300_000).status_code == 413
    assert people.upload(anna, b"x" * 150_000).status_code == 413
    big = io.BytesIO()
    from PIL import Image

    Image.new("L", (200, 200)).save(big, "PNG")
    refused = people.upload(anna, big.getvalue())
    assert (refused.status_code, "pixels" in refused.json()["detail"]) == (422, True)
    answers = [people.client.get("/v1/me", headers=anna) for _ in range(20)]
    late = [a for a in answers if a.status_code == 429]
    assert late
    assert int(late[0].headers["Retry-After"]) >= 1
    assert people.client.get("/v1/me", headers=people.key("ben")).status_code == 200


def test_an_overload_is_told_at_once_and_loses_nothing(serve: Any, photo: Photo) -> None:
    people = serve(lambda: time.sleep(0.3), workers=1, waiting=1)
    anna = people.key("anna")

    def one(n: int) -> tuple[int, float, Any]:
        begin = time.perf_counter()
        answer = people.upload(anna, photo(n), meter="m")
        return answer.status_code, time.perf_counter() - begin, answer

    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(one, range(8)))
    assert {status for status, *_ in answers} == {201, 503}
    assert all(answer.headers["Retry-After"] for status, _, answer in answers if status == 503)
    kept = [a.json()["reading_ids"][0] for status, _, a in answers if status == 201]
    stored = people.client.get("/v1/meters/m/readings", headers=anna).json()["items"]
    assert sorted(kept) == sorted(item["id"] for item in stored)


def test_metrics_and_logs_tell_nothing_of_people(serve: Any, photo: Photo, caplog: pytest.LogCaptureFixture) -> None:
    people = serve()
    anna = people.key("anna-the-person")
    with caplog.at_level("INFO"):
        uploaded = people.upload(anna, photo(1), meter="secret-cellar").json()
        people.client.get("/v1/meters/secret-cellar/readings", headers=anna)
        figures = people.client.get("/metrics").text
    assert 'meter_photos_total{status="accepted"} 1.0' in figures
    assert 'route="/v1/meters/{meter_id}/readings"' in figures
    from service.logs import JsonLines

    lines = [JsonLines().format(record) for record in caplog.records if record.name.startswith("service")]
    assert any(json.loads(line)["event"] == "request" for line in lines)
    for told in (figures, *lines):
        assert not any(word in told for word in ("secret", "anna", uploaded["readings"][0]["text"], "a.png"))


def test_a_fault_says_nothing_of_what_is_inside(serve: Any, photo: Photo) -> None:
    def broken() -> None:
        raise ZeroDivisionError("/secret/path")

    people = serve(broken)
    answer = people.upload(people.key("anna"), photo(1))
    assert (answer.status_code, answer.json()["type"]) == (500, "urn:meter-recognizer:internal")
    assert "secret" not in answer.text
    assert people.client.get("/readyz").json()["status"] == "ready"


def test_a_concluded_reading_is_told_to_the_webhook(serve: Any, photo: Photo) -> None:
    """Would catch a webhook that is built and never started, or counts that reach no one."""
    told: list[dict[str, Any]] = []

    class Receiver(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            told.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(204)
            self.end_headers()

        def log_message(self, *_: Any) -> None: ...

    with ThreadingHTTPServer(("127.0.0.1", 0), Receiver) as receiver:
        threading.Thread(target=receiver.serve_forever, daemon=True).start()
        url = f"http://127.0.0.1:{receiver.server_address[1]}/"
        people = serve(webhook_urls=(url,), webhook_secret="a secret of the tests")
        key = people.upload(people.key("anna"), photo(1), meter="m").json()["reading_ids"][0]
        until = time.monotonic() + 10
        while not told and time.monotonic() < until:
            time.sleep(0.05)
        receiver.shutdown()
    assert [(str(one["reading"]), one["meter"], one["status"]) for one in told] == [(key, "m", "accepted")]
    assert 'meter_webhook_deliveries{state="dead"} 0.0' in people.client.get("/metrics").text
