"""Advisories from pip-audit, where it is installed: it asks a service, if the user says which one.

Without a service nothing leaves this machine: pip-audit is started with a proxy that is not there, so that it has
nothing but the answers of the index that it has cached. Source: pypa/pip-audit, pip_audit/_cli.py and
pip_audit/_format/json.py.
"""

from __future__ import annotations

import json
import logging
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from conda_docker.environment.packages.wheels import normalize_name
from conda_docker.errors import InvalidPolicy, PolicyNotFound
from conda_docker.policy.advisories.advisory import Advisory, Distributions
from python_docker.errors import reason_of
from python_docker.programs import find_program, program_environment, run_program

_log = logging.getLogger("conda_docker")
SERVICES = ("pypi", "osv")
"""The services that can be asked by name; any other that speaks as OSV does is asked by its URL."""
_SECONDS = 900
_NAME = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*")
_NOWHERE = "http://127.0.0.1:9"  # the port of the discard protocol, where nobody listens
_PROXIES = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY")


def check_service(service: str) -> str:
    """Return a service that can be asked. Raises `InvalidPolicy` for another, and for a URL with credentials."""
    url = urlsplit(service)
    if service in SERVICES or (url.scheme in ("http", "https") and url.hostname and "@" not in url.netloc):
        return service
    if "@" in url.netloc:
        raise InvalidPolicy("the URL of pip-audit's service has credentials, which other users of this machine can see")
    raise InvalidPolicy(f"pip-audit:{service} is not one of its services: pypi, osv, or the URL of one like OSV's")


def find(service: str | None, distributions: Distributions, *, offline: bool = False) -> Iterator[Advisory]:
    """Yield what pip-audit says of some distributions, when it asks `service` (None: nobody; see above).

    A distribution that the service does not know has no advisories, and a warning names it. Raises `InvalidPolicy`
    where pip-audit is not installed, has no answer, knows no distribution at all, or should ask a service while
    `offline`.
    """
    if service is not None and offline:
        raise InvalidPolicy(f"pip-audit:{service} asks a service, which --offline does not allow")
    program = find_program("pip-audit") or find_program(Path(sys.executable).with_name("pip-audit"))
    if program is None:
        raise PolicyNotFound("pip-audit is not installed; `pip install pip-audit` brings it")
    for batch in _batches(distributions):
        answers = _ask(program, service, batch)
        if all("skip_reason" in answer for answer in answers.values()):
            raise InvalidPolicy(
                f"pip-audit{f':{service}' if service else ''} knows none of the packages, such as {next(iter(batch))}: "
                "its service may be a mirror that says nothing of advisories"
            )
        for name, version in batch.items():
            answer = answers.get(name)
            if answer is None:
                raise InvalidPolicy(f"pip-audit did not say anything about {name} {version}")
            if "skip_reason" in answer:
                _log.warning("pip-audit: %s", answer["skip_reason"])
            for found in answer.get("vulns") or ():
                yield Advisory(name, version, str(found["id"]), tuple(map(str, found.get("aliases") or ())))


def _batches(distributions: Distributions) -> Iterator[dict[str, str]]:
    """Yield the distributions in groups with one version of each: pip-audit refuses two."""
    from packaging.version import InvalidVersion, Version

    left = []
    for name, version in sorted(distributions):
        try:
            Version(version)
        except InvalidVersion:
            _log.warning("pip-audit is not asked about %s %s, whose version is not one of Python's", name, version)
            continue
        if _NAME.fullmatch(name):
            left.append((name, version))
    while left:
        batch: dict[str, str] = {}
        rest = []
        for name, version in left:
            if batch.setdefault(name, version) != version:
                rest.append((name, version))
        yield batch
        left = rest


def _ask(program: str, service: str | None, batch: Mapping[str, str]) -> dict[str, Mapping[str, Any]]:
    """Return what pip-audit says, by name."""
    options = ["--vulnerability-service", service if service in SERVICES else "osv" if service else "pypi"]
    options += ["--osv-url", service] if service is not None and service not in SERVICES else []
    options += ["--format", "json", "--desc", "off", "--aliases", "on", "--progress-spinner", "off"]
    with tempfile.TemporaryDirectory(prefix="conda-docker-") as folder:
        file = Path(folder) / "requirements.txt"
        file.write_text("".join(f"{name}=={version}\n" for name, version in batch.items()), encoding="utf-8")
        command = [program, *options, "--disable-pip", "--no-deps", "--requirement", str(file)]
        try:
            done = run_program(command, environ=_environment(service), timeout=_SECONDS, folder=Path(folder))
        except (OSError, subprocess.TimeoutExpired) as error:
            raise InvalidPolicy(f"pip-audit cannot be run: {reason_of(error)}") from None
    try:
        # Its exit code is 1 both for what it finds and for what goes wrong.
        listed = json.loads(done.stdout)["dependencies"]
        return {normalize_name(one["name"]): one for one in listed}
    except (ValueError, KeyError, TypeError):
        pass
    if service is None:
        raise InvalidPolicy(
            "pip-audit has no answer in its cache for all of the packages, and nothing is sent unless you say to whom: "
            "`--advisories pip-audit:pypi` asks the Python index, which learns their names and versions"
        )
    lines = done.stderr.decode("utf-8", "replace").strip().splitlines()
    raise InvalidPolicy(f"pip-audit:{service} has no answer: {lines[-1][:500] if lines else 'it printed nothing'}")


def _environment(service: str | None) -> dict[str, str]:
    environment = {name: value for name, value in program_environment().items() if not name.startswith("PIP_AUDIT_")}
    if service is not None:
        return environment
    unproxied = {"NO_PROXY", *_PROXIES}
    environment = {name: value for name, value in environment.items() if name.upper() not in unproxied}
    return environment | {spelled: _NOWHERE for name in _PROXIES for spelled in (name, name.lower())}
