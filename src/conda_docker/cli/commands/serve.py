"""`conda-docker serve`: a registry whose images are made when they are pulled."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from conda_docker.cli.options import common as options
from conda_docker.cli.parameters import FilePath, Option
from conda_docker.cli.parser import command
from conda_docker.cli.terminal.output import Output
from conda_docker.errors import MissingExtra
from python_docker.errors import Error, InvalidKey, NotFound, reason_of

if TYPE_CHECKING:
    from conda_docker.serve.configuration import ServerConfiguration

_EXAMPLES = """
# Images of conda-forge, for this machine: docker run localhost:5000/python-3.12/numpy python
conda-docker serve
# With a configuration file, on all addresses, with TLS
conda-docker serve --config serve.toml --host 0.0.0.0 --tls-cert cert.pem --tls-key key.pem
# Environments of a folder: docker pull localhost:5000/env/analysis
conda-docker serve --environments envs/ -c conda-forge -c bioconda
"""


def _port(name: str, number: int) -> int:
    if not 0 <= number <= 65535:
        raise ValueError(f"{name} must be from 0 to 65535, not {number}")
    return number


@command(
    Option("--config", metavar="FILE", type=FilePath(), help="Read the configuration from this file."),
    Option("--host", metavar="ADDRESS", default="127.0.0.1", help="Listen on this address [default: 127.0.0.1]"),
    Option(
        "--port",
        metavar="N",
        type=int,
        default=5000,
        convert=_port,
        help="Listen on this port [default: 5000]",
    ),
    Option("--tls-cert", metavar="PEM", type=FilePath(), help="The certificate to serve HTTPS with."),
    Option("--tls-key", metavar="PEM", type=FilePath(), help="The private key of the certificate."),
    Option(
        "-c", "--channel", "channels", metavar="URL", multiple=True, help="Serve packages of this channel; repeatable."
    ),
    Option("-b", "--base", metavar="IMAGE", help="Put packages on this image [default: debian:stable-slim]"),
    Option(
        "--platform",
        "platforms",
        metavar="OS/ARCH",
        multiple=True,
        help="Serve images for this platform; repeatable [default: linux/amd64, linux/arm64]",
    ),
    Option("--environments", metavar="DIR", help="Serve the environments that files in this folder describe."),
    options.CACHE_DIR,
    examples=_EXAMPLES,
)
def serve(
    output: Output,
    config: Path | None,
    host: str,
    port: int,
    tls_cert: Path | None,
    tls_key: Path | None,
    cache_dir: Path | None,
    **given: Any,
) -> None:
    """Serve images that are made when they are pulled.

    The name of an image says what is in it: HOST/python-3.12/numpy, HOST/env/NAME for an environment of the server,
    HOST/lock/SHA256 for a lock file that was posted to /v1/locks; the tag is latest, or a past day such as 2026-01-31,
    of which packages are chosen. Each layer is made once, however many images have it. Nothing can be pushed.
    """
    if (tls_cert is None) != (tls_key is None):
        raise click.UsageError("--tls-cert and --tls-key belong together")
    for path in (tls_cert, tls_key):
        _check_readable(path)
    import socket

    try:
        import uvicorn

        from conda_docker.serve.http.app import create_app
        from conda_docker.serve.http.connections import http_protocol
        from conda_docker.serve.http.stopping import serve_until_stopped
    except ImportError as error:
        raise MissingExtra(
            f"serving needs {error.name}, which is not installed: pip install 'conda-docker[serve]'"
        ) from error
    from conda_docker.cache.folder import CacheFolder
    from conda_docker.cache.location import default_cache_dir

    configuration = _configuration(config, given)
    app = create_app(configuration, CacheFolder(cache_dir or default_cache_dir()))
    logging.getLogger("conda_docker").setLevel(logging.INFO)
    try:
        listening = socket.create_server((host, port), family=socket.AF_INET6 if ":" in host else socket.AF_INET)
    except (OSError, UnicodeError) as error:
        reason = reason_of(error) if isinstance(error, OSError) else "it is not an address"
        raise Error(f"cannot listen on {host}, port {port}: {reason}; choose others with --host and --port") from error
    with listening:
        settings = uvicorn.Config(
            app,
            ssl_certfile=tls_cert,
            ssl_keyfile=tls_key,
            log_level="error",
            http=http_protocol(configuration.limits),
            ws="none",
            limit_concurrency=configuration.limits.connections + 1,  # of which the newest takes the place of another
            server_header=False,
            proxy_headers=False,
            timeout_graceful_shutdown=5,
        )
        try:
            settings.load()
        except OSError as error:
            raise InvalidKey(f"cannot use {tls_cert} and {tls_key}: {reason_of(error)}") from error
        logging.getLogger("uvicorn.error").addFilter(_is_no_cancelled_request)
        address, bound = listening.getsockname()[:2]
        scheme = "http" if tls_cert is None else "https"
        where = f"[{address}]" if ":" in address else address

        served = False

        def announce() -> None:
            nonlocal served
            if output.cancelled.is_set():  # by a signal that came where Python cannot raise anything
                raise KeyboardInterrupt
            output.note(f"serving images on {scheme}://{where}:{bound}; press Ctrl-C to stop")
            served = True

        try:
            serve_until_stopped(settings, listening, announce)
        except KeyboardInterrupt:
            if not served:
                raise
            output.note("stopped")  # as it is meant to be: this is how a server ends


def _check_readable(path: Path | None) -> None:
    """Raise `InvalidKey` for a certificate or key that OpenSSL cannot read, or would not stop reading."""
    from python_docker.files.regular import check_pem_file

    if path is not None:
        try:
            check_pem_file(path)
        except FileNotFoundError as error:
            raise NotFound(f"cannot read {path}: {reason_of(error)}") from error
        except OSError as error:
            raise InvalidKey(f"cannot read {path}: {reason_of(error)}") from error


def _configuration(path: Path | None, given: dict[str, Any]) -> ServerConfiguration:
    """Return the configuration of a file with the options over it."""
    from conda_docker.cli.declared.served import served_build
    from conda_docker.serve.configuration import InvalidConfiguration
    from conda_docker.serve.configuration_file import configuration_of, read_document

    document = {} if path is None else read_document(path)
    over: dict[str, Any] = {
        key: list(value) if isinstance(value, tuple) else value for key, value in given.items() if value
    }
    if "environments" in over:
        over["environments"] = str(Path(over["environments"]).absolute())
    try:
        if path is not None and "build" in document:
            document["build"] = served_build(click.get_current_context(), document["build"], path)
        configuration = configuration_of(document | over, Path() if path is None else path.absolute().parent)
        _check_base(configuration.base)
    except InvalidConfiguration as error:
        raise error if path is None else InvalidConfiguration(f"{path}: {error}") from None
    return configuration


def _check_base(base: str) -> None:
    """Raise `InvalidConfiguration` for a base of this machine that is not there; a registry is asked by builds."""
    from conda_docker.build_options import SCRATCH
    from conda_docker.serve.configuration import InvalidConfiguration
    from python_docker.transports import Location

    if base == SCRATCH:
        return
    try:
        path = Location.parse(base, default_transport="docker").path
    except Error as error:
        raise InvalidConfiguration(f"base: {error}") from None
    if path and not Path(path).exists():
        raise InvalidConfiguration(f"base: there is no file or folder {path}")


def _is_no_cancelled_request(record: logging.LogRecord) -> bool:
    """Return whether a record is for the log: a request that was cut off at the end is told of already."""
    import asyncio

    return record.exc_info is None or not isinstance(record.exc_info[1], asyncio.CancelledError)
