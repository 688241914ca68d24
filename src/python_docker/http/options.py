"""HttpOptions: how to talk HTTP, to a registry or a channel alike, where there is a choice."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Self

from python_docker.argument_types import check_number, check_optional, check_type


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class HttpOptions:
    """How to talk HTTP. Times are in seconds.

    >>> HttpOptions(read_timeout=5).with_fields(attempts=1).read_timeout
    5
    """

    insecure: bool = False
    """Do not verify TLS certificates, and use plain HTTP where there is no TLS."""
    ca_bundle: str | os.PathLike[str] | None = None
    """File or folder of certificates (PEM) to trust instead of the system's."""
    connect_timeout: float = 30.0
    """How long a connection may take, and how long the other side may take nothing of what is sent."""
    read_timeout: float = 60.0
    """How long the other side may send nothing, or next to nothing, before the connection counts as broken."""
    attempts: int = 6
    """How often something is tried in all before it fails; progress in between starts the count anew."""
    backoff: float = 0.5
    """The wait before the second attempt; it doubles each time, with some chance in it."""
    max_backoff: float = 20.0
    max_wait: float = 120.0
    """The longest wait (Retry-After) that a server may ask for; when it asks for more, that is a refusal."""
    environ: Mapping[str, str] = field(default_factory=lambda: os.environ, compare=False)
    """The environment variables that proxies, credential files and the home folder are found by."""

    def __post_init__(self) -> None:
        check_type("insecure", self.insecure, bool)
        check_optional("ca_bundle", self.ca_bundle, (str, os.PathLike))
        check_number("attempts", self.attempts, least=1)
        for name in ("connect_timeout", "read_timeout", "backoff", "max_backoff", "max_wait"):
            check_number(name, getattr(self, name), least=0, whole=False)
        check_type("environ", self.environ, Mapping)

    @property
    def transport(self) -> tuple[object, ...]:
        """What is the same for clients that may share connections; `environ` aside, which does not compare."""
        waits = self.attempts, self.backoff, self.max_backoff, self.max_wait
        return self.insecure, self.ca_bundle, self.connect_timeout, self.read_timeout, *waits

    def __repr__(self) -> str:
        # Neither a secret nor a name may get into a log by way of its options.
        return f"{type(self).__name__}(...)"

    def with_fields(self, **fields: Any) -> Self:
        """Return the same options but for `fields`."""
        return replace(self, **fields)
