"""Tokens of anaconda.org and servers of its kind, which stand in the paths of URLs: `https://HOST/t/TOKEN/CHANNEL`."""

from __future__ import annotations

import re
import sys
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import unquote_plus, urlsplit

from python_docker.files.home import xdg_folder
from python_docker.files.regular import read_regular_file

_LARGEST = 1 << 20  # bytes


def anaconda_tokens(environ: Mapping[str, str]) -> dict[str, str]:
    """Return URL of a server -> token: what `anaconda login` stored (conda/gateways/anaconda_client.py)."""
    if environ.get("BINSTAR_CONFIG_DIR"):
        folders = [Path(environ["BINSTAR_CONFIG_DIR"]) / "data"]
    else:
        folders = _system_folders()
    tokens = {}
    try:
        for file in [file for folder in folders for file in sorted(folder.glob("*.token"))]:
            server = unquote_plus(file.name.removesuffix(".token"))
            token = read_regular_file(file, _LARGEST).decode().strip()
            # The token of api.anaconda.org is for conda.anaconda.org too.
            for url in (server, re.sub(r"([./])api([./]|$)", r"\1conda\2", server, count=1)):
                tokens[url] = token
    except (OSError, UnicodeDecodeError):
        return tokens
    return tokens


def _system_folders() -> list[Path]:
    """Return where this system's conventions have the tokens."""
    if sys.platform == "linux":
        places = (("XDG_DATA_HOME", "~/.local/share"), ("XDG_CONFIG_HOME", "~/.config"))
        return [xdg_folder(variable, default) / "binstar" for variable, default in places]
    from platformdirs import user_config_path, user_data_path

    return [place("binstar", "ContinuumIO") for place in (user_data_path, user_config_path)]


def with_anaconda_token(url: str, tokens: Mapping[str, str]) -> str:
    """Return `url` with the token of its server in its path, or as it is where it has credentials or needs none.

    >>> with_anaconda_token("https://conda.anaconda.org/team", {"https://conda.anaconda.org": "tk-1"})
    'https://conda.anaconda.org/t/tk-1/team'
    """
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or parts.path.startswith("/t/") or "@" in parts.netloc:
        return url
    for server, token in tokens.items():
        wanted = urlsplit(server)
        inside = f"{parts.path}/".startswith(f"{wanted.path.rstrip('/')}/")
        if (parts.scheme, parts.netloc) == (wanted.scheme, wanted.netloc) and inside:
            return f"{parts.scheme}://{parts.netloc}/t/{token}{parts.path}"
    return url
