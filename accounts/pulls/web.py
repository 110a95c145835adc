"""JSON over HTTPS, read only: certificates are checked, redirects are not followed, answers have a limit."""

import http.client
import json
import ssl
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote, urlencode

from accounts.pulls.pull import Address, Paper, PullRefused, Request

PIECE = 64 * 1024
ROOM = 4  # an answer may be so many times as long as what is kept of it


class Api:
    """One server, asked with GET and a bearer token."""

    def __init__(self, at: Address, request: Request, paper: Paper) -> None:
        self.at, self._paper = at, paper
        self._headers = {
            "Accept": "application/json",
            "Authorization": f"Bearer {_token(request)}",
            "User-Agent": "governance-portal",
        }
        self.prefix, self._left = request.prefix, request.limits.size * ROOM
        timeout, authority = request.limits.timeout, request.secrets.get("CA", "")
        self._connection: http.client.HTTPConnection = (
            http.client.HTTPConnection(at.host, at.port, timeout=timeout)
            if at.scheme == "http"
            else http.client.HTTPSConnection(
                at.host, at.port, timeout=timeout, context=trusted(authority, request.prefix)
            )
        )

    def get(self, path: str, query: Mapping[str, str]) -> tuple[int, Any]:
        """Status and JSON of an answer (None if it is none); raises PullRefused if there is no answer."""
        target = f"{self.at.path}{quote(path)}?{urlencode(query)}"
        try:
            self._connection.request("GET", target, headers=self._headers)
            answer = self._connection.getresponse()
            body = self._body(answer)
        except ssl.SSLCertVerificationError as error:
            raise PullRefused(
                "not_trusted",
                f"The certificate of {self.at.shown} is not trusted ({error.verify_message}). Give the "
                f"authority that signed it as {self.prefix}CA, or correct the address.",
            ) from None
        except (OSError, http.client.HTTPException) as error:
            raise PullRefused(
                "no_answer",
                f"{self.at.shown} does not answer as it should ({type(error).__name__}). Check the address, "
                "the way there, and that the server is up.",
            ) from None
        if answer.status in range(300, 400):
            raise PullRefused(
                "redirected",
                f"{self.at.shown} sends the portal elsewhere (status {answer.status}), which it does not "
                "follow. Set the address where the server itself answers.",
            )
        try:
            return answer.status, json.loads(body)
        except (ValueError, RecursionError):
            return answer.status, None

    def close(self) -> None:
        """No more questions."""
        self._connection.close()

    def _body(self, answer: http.client.HTTPResponse) -> bytes:
        pieces = []
        while piece := answer.read(PIECE):
            self._paper.on_time()
            self._left -= len(piece)
            if self._left < 0:
                raise PullRefused(
                    "too_large",
                    f"{self.at.shown} sends more than may be read at once. It is not what was asked for: "
                    "check the address.",
                )
            pieces.append(piece)
        return b"".join(pieces)


def trusted(authority: str, prefix: str) -> ssl.SSLContext:
    """Checks certificates against `authority` (PEM), or what this machine trusts."""
    try:
        return ssl.create_default_context(cadata=authority or None)
    except (ssl.SSLError, ValueError):
        raise PullRefused(
            "wrong_authority", f"{prefix}CA holds no certificate in PEM. Give the authority's certificate."
        ) from None


def _token(request: Request) -> str:
    """Checked here: what http.client says about a wrong header would show it."""
    token = request.secret("TOKEN")
    if not token.isascii() or not token.isprintable() or " " in token:
        raise PullRefused(
            "wrong_token", f"{request.prefix}TOKEN holds characters that no token has. Set it anew."
        )
    return token
