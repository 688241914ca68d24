"""Certificates that Docker and Podman keep for one registry each (containers-certs.d(5), docker's "certs.d")."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

from python_docker.errors import CredentialsError, reason_of
from python_docker.files.home import home_folder
from python_docker.http.connections.tls import HostCertificates

_log = logging.getLogger("python_docker.registry")
SYSTEM_FOLDERS: Final = (Path("/etc/containers/certs.d"), Path("/etc/docker/certs.d"))


def host_certificates(host: str, environ: Mapping[str, str]) -> HostCertificates | None:
    """Return the certificates in the folders `certs.d/HOST` or `certs.d/HOST:PORT`, None where there are none.

    `*.crt` are authorities to trust for this host, in addition to the others; `*.cert` with a `*.key` of the same name
    is our own certificate for it. Raises `CredentialsError` for one without the other.
    """
    authorities: list[Path] = []
    own: list[tuple[Path, Path]] = []
    for folder in _folders(host, environ):
        try:
            files = sorted(path for path in folder.iterdir() if path.suffix in {".crt", ".cert", ".key"})
        except (FileNotFoundError, NotADirectoryError):
            continue
        except OSError as error:
            _log.warning("the certificates in %s cannot be read (%s); going on without them", folder, reason_of(error))
            continue
        authorities += [path for path in files if path.suffix == ".crt"]
        for path in files:
            other = path.with_suffix(".key" if path.suffix == ".cert" else ".cert")
            if path.suffix != ".crt" and other not in files:
                raise CredentialsError(
                    f"{path} needs {other.name} next to it: a client certificate (.cert) and its key (.key) go "
                    "together; certificates to trust end in .crt"
                )
            if path.suffix == ".cert":
                own.append((path, other))
    return HostCertificates(tuple(authorities), tuple(own)) if authorities or own else None


def _folders(host: str, environ: Mapping[str, str]) -> Iterator[Path]:
    home = home_folder(environ)
    config = Path(environ.get("XDG_CONFIG_HOME") or home / ".config")
    names = [host]
    if host.endswith(":443"):
        names.append(host.removesuffix(":443"))
    elif ":" not in host.rpartition("]")[2]:
        names.append(f"{host}:443")
    places = (config / "containers", config / "docker", home / ".docker")
    for folder in (*(place / "certs.d" for place in places), *SYSTEM_FOLDERS):
        yield from (folder / name for name in names)
