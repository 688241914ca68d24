"""Options on what a build says of its images: provenance, signatures, and in which forms."""

from __future__ import annotations

import errno
import os
import re
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from conda_docker.cli.options.common import BILLS
from conda_docker.cli.parameters import FilePath, Option
from python_docker.errors import InvalidKey, NotFound, reason_of

if TYPE_CHECKING:
    from conda_docker.attestation.slsa import Run
    from python_docker.signing.keys import SigningKey, VerifyingKey
    from python_docker.signing.signer import ImageSigner

TRUST = "Provenance and signatures"
PASSWORD_VARIABLES = ("CONDA_DOCKER_SIGN_PASSWORD", "COSIGN_PASSWORD")
_FILE = FilePath()
# A path has lost one of the slashes.
_ELSEWHERE = r"(?P<scheme>[a-z][a-z0-9]+):/+(?P<name>.+)"


def to_builder(name: str, value: str) -> str:
    """Return the URI of a builder. Raises `ValueError`: SLSA wants one, which readers compare as it is.

    >>> to_builder("--builder-id", "https://ci.example.org/team/app")
    'https://ci.example.org/team/app'
    """
    scheme, colon, rest = value.partition(":")
    if (
        not colon
        or not re.fullmatch(r"[A-Za-z][A-Za-z0-9+.-]*", scheme)
        or not re.fullmatch(r"[!#-;=?-Z_a-z~\[\]@%]+", rest)
    ):
        raise ValueError(f"{name} must be a URI, such as https://ci.example.org/team/app; got {value!r}")
    if scheme.lower() in ("http", "https") and not re.fullmatch(r"//[^/?#]+.*", rest):
        raise ValueError(f"{name} must name a host after {scheme}://; got {value!r}")
    return value


OPTIONS = (
    Option(
        "--sbom-files",
        is_flag=True,
        panel=BILLS,
        help="List every file of the packages in the bills of --sbom, with its SHA-256.",
    ),
    Option(
        "--provenance",
        is_flag=True,
        panel=TRUST,
        help="Attach a statement of what the image was built from, and how (SLSA 1.0).",
    ),
    Option(
        "--provenance-times",
        is_flag=True,
        panel=TRUST,
        help="State when the build started and finished too; two builds then differ in that.",
    ),
    Option(
        "--builder-id",
        metavar="URI",
        convert=to_builder,
        once=True,
        panel=TRUST,
        help="The builder that the provenance names, such as the URL of a CI workflow [default: conda-docker]",
    ),
    Option(
        "--sign-key",
        metavar="FILE",
        type=FilePath(),
        once=True,
        panel=TRUST,
        help="Sign the image, and what is attached to it, with this private key (PEM, or cosign's; env://NAME in a "
        f"variable), as cosign does; its password comes from {PASSWORD_VARIABLES[0]}, or is asked for.",
    ),
    Option(
        "--sign",
        is_flag=True,
        panel=TRUST,
        help="Sign with the identity that the CI system gives this job, or that of SIGSTORE_ID_TOKEN, by Sigstore, in "
        "place of a key.",
    ),
    Option(
        "--trust-config",
        metavar="FILE",
        type=_FILE,
        panel=TRUST,
        help="With --sign: the Sigstore to ask, from a client trust configuration [default: the public one]",
    ),
    Option(
        "--signature-tag",
        is_flag=True,
        panel=TRUST,
        help="Sign in cosign's older form too, under the tag sha256-DIGEST.sig; needs --sign-key or --sign.",
    ),
    Option(
        "--buildkit-attestations",
        is_flag=True,
        panel=TRUST,
        help="Put provenance, and the bill of --sbom spdx, into an index with the image too, where `docker buildx "
        "imagetools` and `docker scout` look.",
    ),
)


def check(given: Mapping[str, Any]) -> None:
    """Raise a usage error for options that do not go together."""
    for option, needed in (("provenance_times", "provenance"), ("builder_id", "provenance")):
        if given[option] and not given[needed]:
            raise click.UsageError(f"--{option.replace('_', '-')} needs --{needed}")
    if given["sbom_files"] and not given["sbom"]:
        raise click.UsageError("--sbom-files needs --sbom")
    if given["sign"] and given["sign_key"]:
        raise click.UsageError("--sign and --sign-key are mutually exclusive: sign with an identity, or with a key")
    if given["trust_config"] and not given["sign"]:
        raise click.UsageError("--trust-config needs --sign")
    if given["signature_tag"] and not (given["sign_key"] or given["sign"]):
        raise click.UsageError("--signature-tag needs --sign-key or --sign")
    if given["buildkit_attestations"] and not (given["provenance"] or "spdx" in given["sbom"]):
        raise click.UsageError("--buildkit-attestations needs something to put there: --provenance or --sbom spdx")
    if given["sign_key"] or given["sign"]:
        check_libraries("cryptography" if given["sign_key"] else "sigstore")


def asked(given: Mapping[str, Any]) -> bool:
    """Return whether something is to be attached, apart from bills of materials."""
    return bool(given["provenance"] or given["sign_key"] or given["sign"])


def check_libraries(*names: str) -> None:
    """Raise `MissingExtra` unless the libraries of these names are installed."""
    from importlib.util import find_spec

    from conda_docker.errors import MissingExtra

    if missing := [name for name in names if find_spec(name) is None]:
        extra = "sigstore" if "sigstore" in missing else "sign"
        raise MissingExtra(
            f"signatures need libraries that are not installed ({', '.join(missing)}): install them with "
            f"`pip install 'conda-docker[{extra}]'`"
        )


def run_of(given: Mapping[str, Any], started: float, finished: float) -> Run | None:
    """Return what provenance states of the run; the times are in seconds since 1970. None without provenance."""
    if not given["provenance"]:
        return None
    from conda_docker.attestation.slsa import BUILDER, Run
    from python_docker.spec.timestamps import rfc3339

    times = (rfc3339(int(started)), rfc3339(int(finished))) if given["provenance_times"] else (None, None)
    return Run(given["builder_id"] or BUILDER, *times)


def signer_of(key: SigningKey | None, trust_config: Path | None = None) -> ImageSigner:
    """Return what signs: a key, or the identity of the environment.

    Raises `SigningFailed` where there is no identity, and for a file that does not say which Sigstore to ask.
    """
    if key is not None:
        from python_docker.signing.signer import KeySigner

        return KeySigner(key)
    from python_docker.signing.keyless import IdentitySigner, identity_token, read_trust_config

    trust = None if trust_config is None else read_trust_config(trust_config)
    identity_token()  # to say now that there is none; the one that counts is asked for when it is needed
    return IdentitySigner(trust)


def read_private_key(path: Path) -> SigningKey:
    """Return the key in a file, which may be encrypted. Raises `InvalidKey`, and `NotFound` where there is none."""
    from python_docker.signing.keys import read_signing_key

    return read_signing_key(_content(path), _password_of(path), f"the key {shown_key(path)}")


def read_public_key(path: Path) -> VerifyingKey:
    """Return the public key in a file. Raises `InvalidKey`, and `NotFound` for one that is not there."""
    from python_docker.signing.keys import read_verifying_key

    return read_verifying_key(_content(path), f"the key {shown_key(path)}")


def shown_key(path: Path) -> str:
    """Return what a key is called in messages: as it was written."""
    place = re.fullmatch(_ELSEWHERE, path.as_posix())
    return str(path) if place is None else f"{place['scheme']}://{place['name']}"


def _content(path: Path) -> bytes:
    from conda_docker.user_files import read_named
    from python_docker.signing.keys import MAX_KEY_FILE

    if (place := re.fullmatch(_ELSEWHERE, path.as_posix())) is not None and not path.exists():
        return _content_elsewhere(place["scheme"], place["name"])
    try:
        return read_named(path, MAX_KEY_FILE)
    except FileNotFoundError as error:
        raise NotFound(f"cannot read the key {path}: {reason_of(error)}") from None
    except OSError as error:
        if error.errno == errno.EFBIG:
            raise InvalidKey(f"{path} is too large to be a key") from None
        raise InvalidKey(f"cannot read the key {path}: {reason_of(error)}") from None


def _content_elsewhere(scheme: str, name: str) -> bytes:
    """Return a key in a variable, `env://NAME` as cosign has it; keys of key services cannot be used."""
    if scheme != "env":
        raise InvalidKey(f"keys in {scheme} cannot be used: give a PEM file, or env://NAME for a key in a variable")
    if name not in os.environ:
        raise NotFound(f"the variable {name}, which should hold the key, is not set")
    if not os.environ[name]:
        raise InvalidKey(f"the variable {name}, which should hold the key, is empty")
    return os.environ[name].encode()


def _password_of(path: Path) -> Callable[[], bytes]:
    def password() -> bytes:
        for variable in PASSWORD_VARIABLES:
            if variable in os.environ:
                return os.environ[variable].encode()
        if not sys.stdin.isatty():
            raise InvalidKey(
                f"the key {shown_key(path)} is encrypted: give its password in the variable {PASSWORD_VARIABLES[0]}"
            )
        from getpass import getpass

        return getpass(f"Password of {path}: ").encode()

    return password
