"""What conda's configuration says of the packages to choose: pins, those that are not allowed, and how new they may be.

pinned_packages      constraints of every solve: they hold for packages that something else brings in
disallowed_packages  refused once they are chosen, as conda refuses them
exclude_newer        packages that were published later do not count
"""

from __future__ import annotations

import logging
import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from conda_docker.arguments.amounts import parse_duration
from conda_docker.arguments.cutoff import end_of_day_or_moment
from conda_docker.arguments.listing import first_of
from conda_docker.environment.solve.match_specs import RequestedSpec, match_spec, read_specs
from conda_docker.errors import InvalidEnvironment, InvalidSpec, Unsolvable
from conda_docker.redaction import public_url

if TYPE_CHECKING:
    from conda_docker.channels.configuration import CondaConfiguration
    from conda_docker.environment.locked import LockedPackage

_log = logging.getLogger("conda_docker")
_ISO_DURATION = r"P(?:(\d+)W)?(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?(?:(\d+)S)?)?"
_LISTED = 20


def pins(configuration: CondaConfiguration) -> list[RequestedSpec]:
    """Return the match specs of `pinned_packages`. Raises `InvalidEnvironment` for what is not one."""
    specs = _specs("pinned_packages", configuration.pinned_packages, configuration)
    with _specs_of("pinned_packages"):
        for spec in specs:
            match_spec(spec.spec, spec.text)
    return specs


def note_defaults(configuration: CondaConfiguration, requested: Iterable[RequestedSpec]) -> None:
    """Warn of `create_default_packages` that are not asked for: conda would add them, an image has what is named."""
    asked = {spec.name for spec in requested}
    specs = _specs("create_default_packages", configuration.create_default_packages, configuration)
    missing = [spec.text for spec in specs if spec.name not in asked]
    if missing:
        _log.warning(
            "create_default_packages of the conda configuration is passed over: %s %s not asked for",
            ", ".join(missing[:_LISTED]),
            "is" if len(missing) == 1 else "are",
        )


def check_allowed(packages: Iterable[LockedPackage], configuration: CondaConfiguration) -> None:
    """Raise `Unsolvable` for packages that `disallowed_packages` names, and `InvalidEnvironment` for what names none.

    As in conda, the list does not steer the solver: it refuses what was chosen, also by a lock file.
    """
    if not configuration.disallowed_packages:
        return
    disallowed = _specs("disallowed_packages", configuration.disallowed_packages, configuration)
    refused = [
        f"{package.stem} (by {spec.text!r})"
        for package in packages
        if (spec := next((spec for spec in disallowed if _matches(spec, package)), None)) is not None
    ]
    if refused:
        raise Unsolvable(
            f"disallowed_packages of the conda configuration does not allow {first_of(refused, _LISTED)}; ask "
            "for other packages or versions, or change the configuration"
        )


def configured_cutoff(configuration: CondaConfiguration, *, now: datetime | None = None) -> datetime | None:
    """Return the moment after which packages do not count: a day (all of it), a moment, or a duration before `now`.

    The solver knows one moment for all packages, so `exclude_newer_package` is passed over, with a warning. Raises
    `InvalidEnvironment`.
    """
    text = configuration.exclude_newer
    if text is None:
        return None
    if configuration.exclude_newer_package:
        _log.warning(
            "exclude_newer_package of the conda configuration is passed over: exclude_newer (%s) is for all packages",
            text[:80],
        )
    now = now or datetime.now(UTC)
    try:
        if re.fullmatch(r"\d+(?:\.\d+)?", text):  # also of digits alone, such as 20260401
            return now - timedelta(seconds=float(text))
        if (duration := re.fullmatch(_ISO_DURATION, text, re.IGNORECASE)) and any(duration.groups()):
            weeks, days, hours, minutes, seconds = (int(number or 0) for number in duration.groups())
            return now - timedelta(weeks=weeks, days=days, hours=hours, minutes=minutes, seconds=seconds)
        if re.match(r"\d+\s*[A-Za-z]", text):
            return now - parse_duration(text)
        moment = end_of_day_or_moment(text)
    except (ValueError, OverflowError):
        raise InvalidEnvironment(
            f"exclude_newer of the conda configuration is {text[:80]!r}; it should be a duration such as 7d or P7D, a "
            "day such as 2026-04-01, or a moment such as 2026-04-01T12:00:00Z"
        ) from None
    return moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)


def _specs(key: str, texts: Iterable[str], configuration: CondaConfiguration) -> list[RequestedSpec]:
    with _specs_of(key):
        return read_specs(texts, configuration)


@contextmanager
def _specs_of(key: str) -> Iterator[None]:
    """Name the setting in errors of its specs, and raise them as `InvalidEnvironment`."""
    try:
        yield
    except InvalidSpec as error:
        raise InvalidEnvironment(f"{key} of the conda configuration: {error}") from error


def _matches(spec: RequestedSpec, package: LockedPackage) -> bool:
    from conda_docker.environment.solve.kept import kept_record

    with _specs_of("disallowed_packages"):
        matched = match_spec(spec.spec, spec.text, exact_names_only=False)
    if spec.channels and not package.public_url.startswith(tuple(f"{public_url(url)}/" for url in spec.channels)):
        return False
    record = kept_record(package)
    if license := package.record.get("license"):
        record.license = str(license)
    return matched.matches(record)
