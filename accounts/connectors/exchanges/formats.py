"""The formats of recorded HTTP exchanges, each taken apart into the same parts.

go-vcr, VCR and vcrpy write YAML or JSON cassettes, nock (octokit) JSON lists, browsers HAR files.
"""

import base64
import binascii
import json
import re
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from accounts.connectors.exchanges.yaml import Placed, documents
from accounts.connectors.json_items import items
from accounts.connectors.records import Unreadable

BODY_LIMIT = 64 * 2**20  # bytes of one unpacked answer
NO_JSON = "no JSON"  # pages, pictures and scripts of a HAR file
_LISTS = ("pages", "interactions", "http_interactions", "entries")


@dataclass(slots=True)
class Exchange:
    """One exchange of any of the formats, as its parts."""

    line: int
    method: str
    url: str
    status: object
    body: object  # text, bytes, a JSON value (nock), or None
    headers: dict[str, str]
    sent: dict[str, str]
    at: object


def value_of(text: str) -> object:
    """One JSON value, read strictly: no duplicate keys, NaN or text that cannot be stored."""
    found = list(items('{"": [' + text + "]}"))
    if len(found) != 1 or not found[0].is_element:
        raise Unreadable("not_json", "The answer is not one JSON value.", 1)
    return found[0].value


def elements(text: str) -> Iterator[tuple[int, object]]:
    """The elements of the JSON array with their lines."""
    if not text.rstrip().endswith("]"):
        line = text.count("\n") + (not text.endswith("\n"))
        raise Unreadable(
            "truncated", f"The JSON ends too early, in line {line}: the file is cut off. Copy it again.", line
        )
    for item in items('{"":' + text + "}"):
        if item.is_element:
            yield item.line, item.value


def recorded(text: str) -> tuple[list[Exchange], list[tuple[int, object]]]:
    """The exchanges of a recording, or the pages that admission wrote of one, with their lines."""
    begin = text.lstrip()
    pages: list[tuple[int, object]] = []
    if begin.startswith("{"):
        key, found = _json_object(text)
        pages = found if key == "pages" else []
        read = _har if key == "entries" else _vcr
        made = [] if pages else [read(line, value) for line, value in found]
    elif begin.startswith("["):
        made = [_nock(line, value) for line, value in elements(text)]
    else:
        made = [_vcr(line, value) for line, value in _yaml_interactions(text)]
    if not made and not pages:
        raise Unreadable("no_exchange", "The recording holds no exchange. Record it again.", 1)
    return made, pages


def _json_object(text: str) -> tuple[str, list[tuple[int, object]]]:
    """The list of exchanges in a JSON object and the name that tells its format."""
    found: dict[str, list[tuple[int, object]]] = {}
    for item in items(text):
        if item.key == "log" and isinstance(item.value, dict):
            inner = items(text[item.start : item.end])
            found["entries"] = [
                (item.line + one.line - 1, one.value)
                for one in inner
                if one.key == "entries" and one.is_element
            ]
        elif item.is_element:
            found.setdefault(item.key, []).append((item.line, item.value))
    for key in _LISTS:
        if key in found:
            return key, found[key]
    raise Unreadable(
        "not_exchanges",
        "The JSON has no list of exchanges (interactions, log.entries or pages). Save the recording "
        "unchanged.",
        1,
    )


def _yaml_interactions(text: str) -> Iterator[tuple[int, object]]:
    for document in documents(text):
        found = None
        if isinstance(document, Placed):
            found = document.get("interactions", document.get("http_interactions"))
        if not isinstance(found, list):
            raise Unreadable(
                "not_exchanges",
                "The YAML has no list of interactions, so it is no recording of HTTP. Check that it is the "
                "right file.",
                1,
            )
        for one in found:
            yield (one.line if isinstance(one, Placed) else 1), one


def _vcr(line: int, value: object) -> Exchange:
    request, response = _both(line, value)
    body = response.get("body")
    if isinstance(body, dict):
        coded = body.get("base64_string")
        body = _unbase64(coded) if isinstance(coded, str) else body.get("string", body.get("text"))
    status = response.get("code", response.get("status"))
    if isinstance(status, dict):
        status = status.get("code")
    recorded_at = value.get("recorded_at") if isinstance(value, dict) else None
    url = request.get("url") or request.get("uri")
    return Exchange(
        line,
        text_in(request.get("method")),
        text_in(url),
        status,
        body,
        _headers(response.get("headers")),
        _headers(request.get("headers")),
        recorded_at,
    )


def _har(line: int, value: object) -> Exchange:
    request, response = _both(line, value)
    content = response.get("content")
    body: object = None
    if isinstance(content, dict):
        body = content.get("text")
        if content.get("encoding") == "base64" and isinstance(body, str):
            body = _unbase64(body)
    return Exchange(
        line,
        text_in(request.get("method")),
        text_in(request.get("url")),
        response.get("status"),
        body,
        _headers(response.get("headers")),
        _headers(request.get("headers")),
        value.get("startedDateTime") if isinstance(value, dict) else None,
    )


def _nock(line: int, value: object) -> Exchange:
    if not isinstance(value, dict) or not {"scope", "path", "status"} <= set(value):
        raise no_exchange(line)
    body = value.get("response")
    coded = [body] if isinstance(body, str) else body
    if value.get("responseIsBinary") is True and isinstance(coded, list):
        body = _unhex(coded)
    elif not isinstance(body, str):
        body = json.dumps(body, ensure_ascii=False)  # nock keeps JSON as JSON
    scope = re.sub(r":(?:443|80)$", "", text_in(value.get("scope")))
    return Exchange(
        line,
        text_in(value.get("method")),
        scope + text_in(value.get("path")),
        value.get("status"),
        body,
        _headers(value.get("rawHeaders") or value.get("headers")),
        _headers(value.get("reqheaders")),
        None,
    )


def _both(line: int, value: object) -> tuple[Mapping[str, object], Mapping[str, object]]:
    if isinstance(value, dict):
        request, response = value.get("request"), value.get("response")
        if isinstance(request, dict) and isinstance(response, dict):
            return request, response
    raise no_exchange(line)


def no_exchange(line: int) -> Unreadable:
    return Unreadable(
        "no_exchange",
        f"What begins in line {line} is no exchange with a request and a whole answer: the file is cut off "
        "or is another format. Copy it again.",
        line,
    )


def body_of(one: Exchange) -> tuple[str, str]:
    """The JSON of an answer, and why there is none if there should be."""
    body = one.body
    if isinstance(body, bytes):
        try:
            body = _unpacked(body).decode("utf-8-sig")
        except (UnicodeDecodeError, zlib.error):
            return "", NO_JSON
    is_json = "json" in one.headers.get("content-type", "json")
    if not isinstance(body, str) or not body.strip():
        return "", "" if is_json else NO_JSON
    if not is_json and body.lstrip()[:1] not in ("{", "["):
        return "", NO_JSON
    try:
        value_of(body)
    except Unreadable:
        return "", "it is no valid JSON" if body.rstrip().endswith(("]", "}")) else "the JSON is cut off"
    return body, ""


def _unpacked(data: bytes) -> bytes:
    if data[:2] != b"\x1f\x8b":
        return data
    unpacker = zlib.decompressobj(wbits=47)
    made = unpacker.decompress(data, BODY_LIMIT)
    if unpacker.unconsumed_tail:
        raise Unreadable("too_large", f"An answer is larger than {BODY_LIMIT // 2**20} MiB when unpacked.")
    return made


def _headers(found: object) -> dict[str, str]:
    """Headers by lower-case name; a mapping, HAR's list of pairs and nock's flat list are all in use."""
    pairs: list[tuple[object, object]] = []
    if isinstance(found, dict):
        pairs = list(found.items())
    elif isinstance(found, list) and all(isinstance(one, dict) for one in found):
        pairs = [(one.get("name"), one.get("value")) for one in found if isinstance(one, dict)]
    elif isinstance(found, list):
        pairs = list(zip(found[::2], found[1::2], strict=False))
    made: dict[str, str] = {}
    for name, value in pairs:
        said = ", ".join(map(text_in, value)) if isinstance(value, list) else text_in(value)
        key = text_in(name).casefold()
        made[key] = f"{made[key]}, {said}" if key in made else said
    return made


def _unbase64(coded: str) -> bytes | None:
    try:
        return base64.b64decode("".join(coded.split()), validate=True)
    except (binascii.Error, ValueError):
        return None


def _unhex(parts: list[object]) -> bytes | None:
    try:
        return bytes.fromhex("".join(part for part in parts if isinstance(part, str)))
    except ValueError:
        return None


def text_in(value: object) -> str:
    """A text, or an empty one for anything else."""
    return value if isinstance(value, str) else ""
