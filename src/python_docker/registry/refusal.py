"""Refusals: what a registry says when it does not do what was asked, as errors for the person who asked."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass

from python_docker.errors import AccessDenied, NotFoundInRegistry, RegistryError, TooManyRequests
from python_docker.http.headers import retry_after
from python_docker.http.response import Response
from python_docker.registry.access.credentials import Credentials

_CODE = re.compile(r"[A-Z0-9_]{1,64}")
_LOGIN = (
    "log in with `docker login` or `podman login`, or set CONDA_DOCKER_REGISTRY_URL to this registry, and "
    "CONDA_DOCKER_REGISTRY_USERNAME and CONDA_DOCKER_REGISTRY_PASSWORD"
)
_LOGIN_ANEW = f"check them, or {_LOGIN}"
_MEANINGS = {
    400: "it considers the request malformed",
    405: "it does not allow that",
    413: "what was sent is too large for it, or for a proxy in front of it",
    415: "it does not accept documents of this type",
    500: "it has an internal error",
    501: "it cannot do that",
    502: "the gateway in front of it cannot reach it",
    503: "it is not available at the moment",
    504: "the gateway in front of it got no answer from it",
}


@dataclass(frozen=True, slots=True)
class Refusal:
    """The codes (distribution-spec, "Error Codes") and the words in the body of a refusal; both may be empty."""

    codes: tuple[str, ...]
    text: str

    @classmethod
    def of(cls, response: Response) -> Refusal:
        """Read the body of an answer: JSON as the specification has it, or any text."""
        body = response.error_content()
        try:
            errors = json.loads(body)["errors"]
            codes = [str(error.get("code", "")).upper() for error in errors]
            texts = [str(error.get("message", "")) for error in errors]
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
            text = body.decode("utf-8", "replace")
            if re.match(r"\s*<", text) or "html" in response.headers.get("content-type", ""):
                text = "it sent a web page, as a proxy or a login page does"
            return cls((), _one_line(text))
        known = tuple(dict.fromkeys(code for code in codes if _CODE.fullmatch(code)))
        return cls(known, _one_line("; ".join(dict.fromkeys(text for text in texts if text))))


def refusal_error(
    response: Response,
    action: str,
    *,
    docker_hub: bool = False,
    hide: Callable[[str], str] = lambda text: text,
    credentials: Credentials | None = None,
) -> RegistryError:
    """Return the error for an answer that refuses `action`, such as `read the manifest of library/ubuntu:24.04`.

    `hide` takes secrets out of the registry's own words. `credentials` are those that were judged by this very answer,
    if any: a 401 refuses them, not what they may do.
    """
    host = response.host
    refusal = Refusal.of(response)
    status = response.status
    said = ", ".join(part for part in (f"HTTP {status}", " ".join(refusal.codes), hide(refusal.text)) if part)
    message = f"{host}: cannot {action}: "
    if status == 429:
        wait = retry_after(response.headers)
        return TooManyRequests(
            message + _limit_advice(wait, docker_hub=docker_hub) + f" ({said})",
            status=status,
            codes=refusal.codes,
            retry_after=wait,
        )
    if status in {401, 403}:
        reason = "access is denied"
        if credentials and status == 401:
            place = f" (from {credentials.place})" if credentials.place else ""
            what = "the user name or the password" if credentials.basic else "the token"
            # Credentials that were given come before all that a login would keep.
            advice = _LOGIN_ANEW if credentials.place else f"check {'them' if credentials.basic else 'it'}"
            refused = f"{host}: cannot log in: {what}{place} was refused ({said}); {advice}"
            return AccessDenied(refused, status=status, codes=refusal.codes)
        if docker_hub and status == 401:
            # It does not tell a repository that is not there from one that is private.
            reason = "the repository does not exist, or access to it is denied"
        return AccessDenied(f"{message}{reason} ({said}); {_LOGIN}", status=status, codes=refusal.codes)
    if status == 404:
        return NotFoundInRegistry(f"{message}not found ({said})", status=status, codes=refusal.codes)
    meaning = _MEANINGS.get(status, "it refuses" if 400 <= status < 500 else "its answer makes no sense")
    return RegistryError(f"{message}{meaning} ({said})", status=status, codes=refusal.codes)


def is_pull_limit(response: Response) -> bool:
    """Return whether a 429 is Docker Hub's limit of pulls, which lasts for hours, so that waiting does not help."""
    if response.headers.get("ratelimit-remaining", "").startswith("0"):
        return True
    refusal = Refusal.of(response)
    return "pull rate limit" in refusal.text.lower()


def _limit_advice(wait: float | None, *, docker_hub: bool) -> str:
    advice = "too many requests"
    if wait is not None:
        advice += f", it asks to wait {wait:.0f} seconds"
    if docker_hub:
        advice += f"; Docker Hub allows more pulls to those who {_LOGIN}"
    return advice


def _one_line(text: str) -> str:
    """Return a string without control characters, and short enough for a message."""
    text = " ".join("".join(character if character.isprintable() else " " for character in text[:4000]).split())
    return text if len(text) <= 300 else text[:300] + "..."
