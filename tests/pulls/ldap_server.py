"""A directory of this machine that lets one reader in over TLS and answers every search with one entry."""

import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

BIND, SEARCH, UNBIND, EXTENDED = 0x60, 0x63, 0x42, 0x77  # tags of requests (RFC 4511)
WRONG_PASSWORD = 49


def _length(size: int) -> bytes:
    if size < 128:
        return bytes([size])
    digits = size.to_bytes((size.bit_length() + 7) // 8, "big")
    return bytes([0x80 | len(digits)]) + digits


def _of(tag: int, *parts: bytes) -> bytes:
    body = b"".join(parts)
    return bytes([tag]) + _length(len(body)) + body


def _text(words: str) -> bytes:
    return _of(0x04, words.encode())


def _ended(tag: int, code: int = 0) -> bytes:
    return _of(tag, _of(0x0A, bytes([code])), _text(""), _text(""))


def _read(stream: socket.socket) -> tuple[bytes, int, bytes] | None:
    """Message id, tag of the request and its body; None at the end."""

    def exactly(size: int) -> bytes:
        data = b""
        while len(data) < size:
            if not (piece := stream.recv(size - len(data))):
                raise EOFError
            data += piece
        return data

    def length() -> int:
        first = exactly(1)[0]
        return first if first < 128 else int.from_bytes(exactly(first & 0x7F), "big")

    try:
        exactly(1)
        body = exactly(length())
    except EOFError:
        return None
    number = body[: 2 + body[1]]
    return number, body[len(number)], body[len(number) :]


def _answer(number: bytes, *parts: bytes) -> bytes:
    return _of(0x30, number, *parts)


def _serve(streams: list[socket.socket], context: ssl.SSLContext, password: str, seen: list[str]) -> None:
    stream = streams[-1]
    while (message := _read(stream)) is not None:
        number, tag, body = message
        if tag == UNBIND:
            return
        seen.append({BIND: "bind", SEARCH: "search", EXTENDED: "start tls"}.get(tag, "other"))
        if tag == EXTENDED:
            stream.sendall(_answer(number, _ended(0x78)))
            stream = context.wrap_socket(stream, server_side=True)
            streams.append(stream)
        elif tag == BIND:
            fits = password.encode() in body
            stream.sendall(_answer(number, _ended(0x61, 0 if fits else WRONG_PASSWORD)))
        else:
            values = _of(0x30, _text("objectClass"), _of(0x31, _text("person")))
            entry = _of(0x64, _text("uid=ann,dc=test"), _of(0x30, values))
            stream.sendall(_answer(number, entry) + _answer(number, _ended(0x65)))


@contextmanager
def directory(certificate: Path, *, password: str, begins_plain: bool) -> Iterator[tuple[int, list[str]]]:
    """Its port and what it was asked, in order; with StartTLS if it begins plain."""
    seen: list[str] = []
    streams: list[socket.socket] = []
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    listener = socket.create_server(("127.0.0.1", 0))

    def run() -> None:
        with suppress(OSError, ssl.SSLError):
            stream, _address = listener.accept()
            with stream:
                streams.append(stream if begins_plain else context.wrap_socket(stream, server_side=True))
                _serve(streams, context, password, seen)

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    try:
        yield listener.getsockname()[1], seen
    finally:
        listener.close()
        if streams:  # a client that gave up may not have hung up
            with suppress(OSError):
                streams[-1].shutdown(socket.SHUT_RDWR)
        thread.join(10)
