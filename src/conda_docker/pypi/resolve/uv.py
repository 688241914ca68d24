"""Running uv: in an empty folder, with no more of the environment than it needs."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from conda_docker.cache.location import wheel_cache_dir
from conda_docker.errors import TookTooLong
from conda_docker.pypi.pip_configuration import PipConfiguration
from python_docker.errors import Error
from python_docker.programs import run_program

_SECONDS = 3600
_NEEDED = frozenset(
    {"ALL_PROXY", "HTTPS_PROXY", "HTTP_PROXY", "NETRC", "NO_PROXY", "SSH_AUTH_SOCK"}
    | {"SSL_CERT_DIR", "SSL_CERT_FILE", "SSL_CLIENT_CERT"}
    | {"HOME", "LANG", "LOGNAME", "PATH", "TMPDIR", "USER"}
    | {"XDG_CACHE_HOME", "XDG_CONFIG_DIRS", "XDG_CONFIG_HOME", "XDG_DATA_HOME", "XDG_RUNTIME_DIR"}
    | {"APPDATA", "COMSPEC", "LOCALAPPDATA", "PATHEXT", "PROGRAMDATA", "SYSTEMDRIVE", "SYSTEMROOT", "TEMP", "TMP"}
    | {"USERPROFILE", "WINDIR"}
)
# They would change what is resolved, for whom, or in which form it is written.
_UNWANTED = frozenset(
    {"UV_BUILD_CONSTRAINT", "UV_CONSTRAINT", "UV_EXCLUDE", "UV_OVERRIDE"}
    | {"UV_NO_BINARY", "UV_NO_BINARY_PACKAGE", "UV_NO_BUILD", "UV_NO_BUILD_PACKAGE", "UV_NO_SOURCES", "UV_ONLY_BINARY"}
    | {"UV_PROJECT", "UV_PYTHON", "UV_PYTHON_DOWNLOADS", "UV_PYTHON_PREFERENCE", "UV_SYSTEM_PYTHON"}
    | {"UV_CUSTOM_COMPILE_COMMAND", "UV_LOG_CONTEXT", "UV_WORKING_DIR", "UV_WORKING_DIRECTORY"}
)


class UvFailed(Error):
    """uv ended with an error. `output` is what it wrote, which may hold credentials: show only what was made public."""

    def __init__(self, output: str) -> None:
        super().__init__("uv failed")
        self.output = output


def uv_program() -> str:
    """Return the path of uv. Raises `Error` when it is not installed."""
    try:
        from uv import find_uv_bin

        return find_uv_bin()
    except ImportError:
        # conda-forge's package is the program alone, next to this Python.
        beside = shutil.which("uv", path=str(Path(sys.executable).parent))
        if beside is not None:
            return beside
        raise Error("pip packages need uv, which is not installed; `pip install uv` brings it") from None
    except FileNotFoundError as error:
        raise Error("pip packages need uv, which is not installed; `pip install uv` brings it") from error


def uv_environment(
    configuration: PipConfiguration, environ: Mapping[str, str] | None = None, *, offline: bool = False
) -> dict[str, str]:
    """Return the variables that uv is started with: what it needs of `environ`, and what pip is configured to do.

    URLs go here rather than to the command line, which other users of this machine can see. uv's own configuration wins
    over pip's where there can be only one value; what a requirements file says wins over both.
    """
    environ = os.environ if environ is None else environ
    variables = {
        name: value
        for name, value in environ.items()
        if name.upper() in _NEEDED or (name.startswith("UV_") and name not in _UNWANTED)
    }
    if configuration.index_url:
        own = variables.keys() & {"UV_DEFAULT_INDEX", "UV_INDEX_URL"}
        if configuration.index_is_asked_for or not own:
            variables["UV_DEFAULT_INDEX"] = configuration.index_url
    if configuration.extra_index_urls:
        _extend(variables, "UV_EXTRA_INDEX_URL", " ", configuration.extra_index_urls)
        # To pip all indexes are one, and whoever wrote these wrote them for pip.
        variables.setdefault("UV_INDEX_STRATEGY", "unsafe-best-match")
    _extend(variables, "UV_FIND_LINKS", ",", configuration.find_links)
    _extend(variables, "UV_INSECURE_HOST", " ", configuration.trusted_hosts)
    if configuration.pre:
        variables.setdefault("UV_PRERELEASE", "allow")
    if configuration.cert:
        variables.setdefault("SSL_CERT_FILE", configuration.cert)
    if configuration.proxy:
        variables.setdefault("ALL_PROXY", configuration.proxy)
    if configuration.keyring:
        variables.setdefault("UV_KEYRING_PROVIDER", "subprocess")
    if not variables.get("UV_CACHE_DIR") and (folder := wheel_cache_dir()) is not None:
        variables["UV_CACHE_DIR"] = str(folder)
    if offline:
        variables["UV_OFFLINE"] = "1"
    return variables


def _extend(variables: dict[str, str], name: str, separator: str, values: Sequence[str]) -> None:
    if values:
        own = [variables[name]] if variables.get(name) else []
        variables[name] = separator.join([*own, *dict.fromkeys(values)])


def run_uv(
    arguments: Sequence[str],
    folder: Path,
    environment: Mapping[str, str],
    *,
    seconds: float | None = None,
    memory: int | None = None,
) -> tuple[str, str]:
    """Run uv in `folder` and return its standard output and error; `memory` is how many bytes it may have.

    `folder` holds its temporary files as well.

    Raises `UvFailed` when it ends with an error, `TookTooLong` when it has not ended after `seconds`, and `Error` when
    it cannot be run.
    """
    try:
        command = [uv_program(), *arguments, "--color", "never", "--no-progress"]
        limit = _SECONDS if seconds is None else max(0.0, min(seconds, _SECONDS))
        # uv leaves its locks in the folder for temporary files.
        temporary = folder / "temporary"
        temporary.mkdir(exist_ok=True)
        places = dict.fromkeys(("TMPDIR", "TEMP", "TMP"), str(temporary))
        environment = {**environment, **places}
        done = run_program(command, environ=environment, timeout=limit, folder=folder, memory=memory)
    except subprocess.TimeoutExpired:
        raise TookTooLong(
            "finding wheels for what is asked of pip takes longer than is allowed here: the index of wheels does not "
            "answer in time, or too many versions fit; name versions, or fewer packages"
        ) from None
    except OSError as error:
        raise Error(f"uv cannot be run: {error}") from error
    output, errors = (text.decode("utf-8", "replace") for text in (done.stdout, done.stderr))
    if done.returncode:
        raise UvFailed(errors or output)
    return output, errors
