"""Sources of advisories: how they are named, and which module knows each."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING

from conda_docker.errors import InvalidPolicy
from conda_docker.user_files import user_path
from python_docker.argument_types import check_optional, check_type

if TYPE_CHECKING:
    from conda_docker.policy.advisories.advisory import Advisory, Distributions


@dataclass(frozen=True, slots=True)
class AdvisorySource:
    """A source of advisories. `place` is the path of a database, or the service that a program asks, if it is named.

    >>> str(AdvisorySource.parse("osv:all.zip")), AdvisorySource.parse("grype").place
    ('osv:all.zip', None)
    """

    kind: str
    place: str | None = None

    def __post_init__(self) -> None:
        if self.kind not in tuple(_FORMS):
            raise InvalidPolicy(f"kind must be one of {', '.join(_FORMS)}, not {repr(self.kind)[:80]}")
        check_optional("place", self.place, str)

    def __str__(self) -> str:
        return self.kind if self.place is None else f"{self.kind}:{self.place}"

    @classmethod
    def parse(cls, text: str) -> AdvisorySource:
        """Return the source that a string such as `osv:PATH` or `grype` names. Raises `InvalidPolicy`."""
        check_type("text", text, str, "such as 'osv:PATH'")
        kind, colon, place = text.partition(":")
        form = _FORMS.get(kind)
        if form is None:
            hint = f"; did you mean osv:{text} or grype:{text}?" if Path(text).exists() else ""
            raise InvalidPolicy(f"{text!r} is not a source of advisories, which are {_named()}{hint}")
        if colon and not place:
            raise InvalidPolicy(f"expected something after {text!r}: {form.usage}")
        if not place and form.needs_place:
            raise InvalidPolicy(f"{text} needs to know where its database is: {form.usage}")
        if place and not form.is_path:
            from conda_docker.policy.advisories.pip_audit import check_service

            check_service(place)
        return cls(kind, place or None)

    def with_path(self, change: Callable[[str], str]) -> AdvisorySource:
        """Return the source with its path, if it has one, changed."""
        if self.place is None or not _FORMS[self.kind].is_path:
            return self
        return replace(self, place=change(self.place))

    def find(self, distributions: Distributions, *, offline: bool = False) -> Iterable[Advisory]:
        """Return the advisories that some distributions match. Raises `InvalidPolicy` where the source cannot say."""
        return _FORMS[self.kind].find(self.place, distributions, offline)


_Find = Callable[[str | None, "Distributions", bool], "Iterable[Advisory]"]


@dataclass(frozen=True, slots=True)
class _Form:
    usage: str
    find: _Find
    is_path: bool = True
    needs_place: bool = False


def _find_in_osv(place: str | None, distributions: Distributions, offline: bool) -> Iterable[Advisory]:
    from conda_docker.policy.advisories import osv

    return osv.find(user_path(place or ""), distributions)


def _find_in_grype(place: str | None, distributions: Distributions, offline: bool) -> Iterable[Advisory]:
    from conda_docker.policy.advisories import grype

    return grype.find(None if place is None else user_path(place), distributions)


def _find_by_pip_audit(place: str | None, distributions: Distributions, offline: bool) -> Iterable[Advisory]:
    from conda_docker.policy.advisories import pip_audit

    return pip_audit.find(place, distributions, offline=offline)


# To add a source: a module that finds advisories, and a row.
_FORMS: Mapping[str, _Form] = MappingProxyType(
    {
        "osv": _Form("osv:PATH, a folder or zip archive of OSV files", _find_in_osv, needs_place=True),
        "grype": _Form("grype, or grype:PATH", _find_in_grype),
        "pip-audit": _Form("pip-audit, or pip-audit:SERVICE", _find_by_pip_audit, is_path=False),
    }
)


def _named() -> str:
    return "; ".join(form.usage for form in _FORMS.values())
