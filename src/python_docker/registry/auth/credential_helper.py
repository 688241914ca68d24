"""Credential helpers: the programs `docker-credential-*` that keep credentials (docker-credential-helpers)."""

from __future__ import annotations

import json
import logging
import re
import shutil
import subprocess
from collections.abc import Mapping

from python_docker.errors import CredentialsError

_log = logging.getLogger("python_docker.registry")
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
_NOT_FOUND = {"credentials not found in native keychain", "no credentials server URL", "no credentials username"}
_TIMEOUT = 120.0  # seconds: a helper may ask a person
_MAX_ANSWER = 1 << 20


def ask_helper(name: str, server: str, environ: Mapping[str, str], *, must_exist: bool) -> tuple[str, str] | None:
    """User name and secret that `docker-credential-<name>` has for `server`, None when it has none.

    Where the program is missing the answer is None too, unless it `must_exist`. Raises `CredentialsError`.
    """
    if not _NAME.fullmatch(name):
        raise CredentialsError(f"not the name of a credential helper: {name[:80]!r}")
    program = f"docker-credential-{name}"
    path = shutil.which(program, path=environ.get("PATH"))
    if path is None:
        if must_exist:
            raise CredentialsError(
                f"the credentials for {server} are kept by the program {program}, which is not on PATH; "
                "install it, or take its entry out of credHelpers in Docker's config.json"
            )
        # Docker's own installers leave such entries behind, and most images need no credentials.
        _log.warning("the credential helper %s, named by credsStore, is not on PATH; going on without it", program)
        return None
    try:
        ended = subprocess.run(
            [path, "get"], input=server.encode(), capture_output=True, timeout=_TIMEOUT, check=False, env=dict(environ)
        )
    except subprocess.TimeoutExpired:
        raise CredentialsError(f"{program} gave no answer for {server} within {_TIMEOUT:.0f} seconds") from None
    except OSError as error:
        raise CredentialsError(f"{program} cannot be run: {error.strerror}") from None
    output = ended.stdout[:_MAX_ANSWER].decode("utf-8", "replace").strip()
    if ended.returncode != 0:
        # The message of a failed helper comes on its standard output.
        if output in _NOT_FOUND:
            return None
        reason = re.sub(r"\s+", " ", output)[:200] if output and not output.startswith("{") else "it did not say why"
        raise CredentialsError(f"{program} failed to give the credentials for {server}: {reason}")
    try:
        answer = json.loads(output)
        username, secret = answer["Username"], answer["Secret"]
        if not isinstance(username, str) or not isinstance(secret, str):
            raise TypeError
    except (ValueError, KeyError, TypeError, RecursionError):
        raise CredentialsError(f"{program} gave something else than credentials for {server}") from None
    return (username, secret) if secret else None
