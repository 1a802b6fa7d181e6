"""Would catch: an upload that ends in 5xx or hangs, whatever is sent; a client that holds its place by saying nothing;
an answer that the OpenAPI document does not know."""

import socket
import time
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings

Photo = Callable[..., bytes]
HEAD = b'--b\r\nContent-Disposition: form-data; name="photo"; filename="a.png"\r\nContent-Type: image/png\r\n\r\n'
BROKEN: dict[str, bytes] = {
    "nothing": b"",
    "no end": HEAD + b"data",
    "no boundary in it": b"just bytes",
    "only the end": b"--b--\r\n",
    "no name": b"--b\r\nContent-Disposition: form-data\r\n\r\nx\r\n--b--\r\n",
    "no headers": b"--b\r\n\r\nx\r\n--b--\r\n",
    "endless header": b"--b\r\nX: " + b"a" * 20_000 + b"\r\n\r\nx\r\n--b--\r\n",
    "many headers": b"--b\r\n" + b"X: a\r\n" * 3000 + b"\r\nx\r\n--b--\r\n",
    "many parts": b'--b\r\nContent-Disposition: form-data; name="want"\r\n\r\nx\r\n' * 3000 + b"--b--\r\n",
    "many files": HEAD + (b"x\r\n" + HEAD) * 2000 + b"x\r\n--b--\r\n",
    "a field for a file": b'--b\r\nContent-Disposition: form-data; name="photo"\r\n\r\nx\r\n--b--\r\n',
    "half a surrogate": HEAD.replace(b"a.png", b"\xed\xa0\x80") + b"x\r\n--b--\r\n",
    "NUL in the name": HEAD.replace(b"a.png", b"a\x00b") + b"x\r\n--b--\r\n",
    "wrong line ends": HEAD.replace(b"\r\n", b"\n") + b"x\n--b--\n",
}


@pytest.fixture
def photos(photo: Photo) -> dict[str, bytes]:
    good = photo(1)
    huge = good[:16] + (30720).to_bytes(4, "big") * 2 + good[24:]
    return {
        "empty": b"",
        "text": b"hello",
        "cut": good[: len(good) // 2],
        "only a head": good[:8],
        "claims gigabytes": huge,
        "gif": b"GIF89a" + b"\0" * 100,
        "jpeg without an end": b"\xff\xd8\xff\xe0" + b"\0" * 1000,
        "noise": bytes(range(256)) * 50,
        "svg": b"<svg xmlns='http://www.w3.org/2000/svg'/>",
    }


# Where a form breaks off in the middle, Starlette leaves its temporary file to the garbage collector.
@pytest.mark.filterwarnings("ignore:Exception ignored in. <function SpooledTemporaryFile")
def test_broken_uploads_are_refused_with_a_reason(serve: Any, photos: dict[str, bytes], photo: Photo) -> None:
    people = serve()
    anna = people.key("anna")
    answers = {name: people.upload(anna, data) for name, data in photos.items()}
    kind = anna | {"Content-Type": "multipart/form-data; boundary=b"}
    for name, data in BROKEN.items():
        answers[f"multipart: {name}"] = people.client.post("/v1/readings", content=data, headers=kind)
    for content_type in ("multipart/form-data", "multipart/form-data; boundary=", "application/json", "nonsense", ""):
        headers = anna | {"Content-Type": content_type}
        answers[f"type: {content_type}"] = people.client.post("/v1/readings", content=HEAD, headers=headers)
    forms: list[dict[str, Any]] = [
        {"taken_at": "yesterday"}, {"taken_at": "0001-01-01T00:00+14:00"}, {"meter": "a/b"}, {"meter": "x" * 101},
        {"meter": "a\0b"}, {"previous": "12"}, {"previous": "NaN@2026-10-01"}, {"previous": "1e999999@2026-10-01"},
        {"want": ["x"] * 1 + [str(n) for n in range(20)]}, {"expected_serial": "\0"},
    ]  # fmt: skip
    for form in forms:
        answers[f"form: {form}"] = people.upload(anna, photo(2), **form)
    answers["key"] = people.upload(anna | {"Idempotency-Key": "k" * 300}, photo(2))
    answers["nine"] = people.upload(anna, *(photo(n) for n in range(9)))
    for name, answer in answers.items():
        assert 400 <= answer.status_code < 500, f"{name}: {answer.status_code} {answer.text}"
        body = answer.json()
        assert answer.headers["content-type"] == "application/problem+json", name
        assert body["detail"], name
        assert body["type"].startswith("urn:meter-recognizer:"), name
    assert people.upload(anna, photo(3)).status_code == 201


def test_a_client_that_stops_sending_holds_nothing(serve: Any, photo: Photo) -> None:
    people = serve(silence=0.4, receiving=3)
    anna = people.key("anna")
    head = f"POST /v1/readings HTTP/1.1\r\nHost: x\r\nAuthorization: {anna['Authorization']}\r\n"
    head += "Content-Type: multipart/form-data; boundary=b\r\nContent-Length: 50000\r\n\r\n"
    idle = [socket.create_connection(("127.0.0.1", people.port)) for _ in range(3)]
    for one in idle:
        one.sendall(head.encode() + HEAD)
    time.sleep(0.2)
    assert people.upload(anna, photo(1)).status_code == 503  # all places are taken
    for one in idle:
        one.settimeout(5)
        assert b" 408 " in one.recv(4000).partition(b"\r\n")[0]
        one.close()
    assert people.upload(anna, photo(1)).status_code == 201


def test_no_request_of_the_document_ends_in_a_fault(serve: Any, photo: Photo) -> None:
    schemathesis = pytest.importorskip("schemathesis", reason="schemathesis is not installed")
    people = serve()
    headers = people.key("boss", "admin", "submit", "read", "review")
    people.upload(headers, photo(1), meter="m")
    document = people.client.get("/v1/openapi.json", headers=headers).json()
    operations = [result.ok() for result in schemathesis.openapi.from_dict(document).get_all_operations()]
    assert len(operations) > 15
    for operation in operations:
        if not operation.path.endswith("/events"):  # a stream goes on
            try_out(operation, str(people.client.base_url).rstrip("/"), headers)


def try_out(operation: Any, url: str, headers: dict[str, str]) -> None:
    documented = set(operation.definition.raw["responses"])

    @settings(max_examples=12, deadline=None, database=None, suppress_health_check=list(HealthCheck))
    @given(case=operation.as_strategy())
    def holds(case: Any) -> None:
        answer = case.call(base_url=url, headers=headers)
        told = f"{case.method} {case.formatted_path}: {answer.status_code} {answer.content[:300]!r}"
        # Too many visits at once is no fault, and says when to come back.
        full = answer.status_code == 503 and "retry-after" in answer.headers and "visit" in operation.path
        assert answer.status_code < 500 or full, told
        assert str(answer.status_code) in documented, told

    holds()
