"""check_policy: whether the packages of an environment obey the rules, and which do not."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from conda_docker.errors import PolicyViolated
from conda_docker.policy.channels import foreign_packages, origins
from conda_docker.policy.rules import Policy
from python_docker.progress import SILENT, Progress

if TYPE_CHECKING:
    from conda_docker.environment.locked import LockedEnvironment, LockedPackage
    from conda_docker.environment.packages.wheels import LockedWheel

_LISTED = 50


def check_policy(
    environment: LockedEnvironment,
    policy: Policy,
    cache_dir: Path,
    *,
    offline: bool = False,
    download: bool = True,
    now: datetime | None = None,
    progress: Progress = SILENT,
) -> LockedEnvironment:
    """Return an environment whose packages obey a policy, with what could be learned of them on the way.

    What the environment's description does not say (licenses and times, in an explicit list) is taken from the
    packages, which are downloaded for it unless `download` is False. Raises `PolicyViolated` with every package that
    breaks a rule, `InvalidPolicy` for a source of advisories that cannot say, and `DownloadError`.
    """
    if not policy:
        return environment
    if policy.deny_licenses or policy.max_age or policy.exclude_newer:
        from conda_docker.package.fetch.complete import complete_environment

        environment = complete_environment(
            environment, cache_dir, offline=offline, download=download, progress=progress
        )
    refusals = [
        *foreign_packages(origins((*environment.packages, *environment.wheels)), policy.allow_channels),
        *_hashes(environment, policy),
        *_times(environment, policy, now or datetime.now(UTC)),
        *_licenses(environment, policy, cache_dir, offline=offline or not download),
        *_advisories(environment, policy, cache_dir, offline=offline, download=download),
    ]
    if refusals:
        more = f"\nand {len(refusals) - _LISTED} more" if len(refusals) > _LISTED else ""
        lines = "\n".join(f"  {refusal}" for refusal in refusals[:_LISTED])
        raise PolicyViolated(f"the policy does not allow these packages:\n{lines}{more}")
    return environment


def _hashes(environment: LockedEnvironment, policy: Policy) -> Iterator[str]:
    members: tuple[LockedPackage | LockedWheel, ...] = (*environment.packages, *environment.wheels)
    for member in members if policy.require_hash else ():
        if not member.sha256:
            yield f"{member.stem}: --require-hash needs its SHA-256, which is not recorded"


def _times(environment: LockedEnvironment, policy: Policy, now: datetime) -> Iterator[str]:
    """Check when conda packages were built. Wheels do not say when; uv sees to those that it chooses."""
    if policy.max_age is None and policy.exclude_newer is None:
        return
    for package in environment.packages:
        if package.timestamp is None:
            yield f"{package.stem}: --max-age and --exclude-newer need its build time, which is not recorded"
            continue
        built = datetime.fromtimestamp(package.timestamp / 1000, UTC)
        day = built.date().isoformat()
        if policy.max_age is not None and now - built > policy.max_age:
            yield f"{package.stem}: it was built on {day}, and --max-age allows {_length(policy.max_age)}"
        published = _published(package, built)
        if policy.exclude_newer is not None and published > policy.exclude_newer:
            day = published.date().isoformat()
            yield f"{package.stem}: it is of {day}, and --exclude-newer is {policy.exclude_newer.isoformat()}"


def _length(age: timedelta) -> str:
    """Return a length of time in whole days, or in hours where it is not even one.

    >>> _length(timedelta(days=1)), _length(timedelta(hours=5))
    ('1 day', '5 hours')
    """
    number, unit = (age.days, "day") if age.days else (age.seconds // 3600, "hour")
    return f"{number} {unit}" if number == 1 else f"{number} {unit}s"


def _published(package: LockedPackage, built: datetime) -> datetime:
    """Return when a package came into its channel, where the channel says so, as solvers do; else when it was built."""
    indexed = package.record.get("indexed_timestamp")
    return datetime.fromtimestamp(indexed / 1000, UTC) if isinstance(indexed, int) and indexed > 0 else built


def _licenses(environment: LockedEnvironment, policy: Policy, cache_dir: Path, *, offline: bool) -> Iterator[str]:
    if not policy.deny_licenses:
        return
    from conda_docker.policy.licenses import check_patterns, denial
    from conda_docker.pypi.wheel_license import wheel_licenses

    check_patterns(policy.deny_licenses)
    stated: list[tuple[LockedPackage | LockedWheel, str | None]] = []
    for package in environment.packages:
        found = package.record.get("license")
        stated.append((package, found if isinstance(found, str) else None))
    stated += wheel_licenses(environment.wheels, cache_dir, offline=offline)
    for member, license_ in stated:
        pattern = denial(license_, policy.deny_licenses)
        if pattern is not None:
            which = f"its license {license_!r}" if license_ else "it states no license, which"
            yield f"{member.stem}: {which} is denied by --deny-license {pattern}"


def _advisories(
    environment: LockedEnvironment, policy: Policy, cache_dir: Path, *, offline: bool, download: bool
) -> Iterator[str]:
    """Look up wheels, and what conda packages bring to pip: no source knows the names of conda packages."""
    if not policy.advisories:
        return
    from conda_docker.pypi.distributions import provided_distributions

    members = [(wheel.stem, wheel.name, wheel.version) for wheel in environment.wheels]
    replaced = {distribution.name for distribution in environment.replaced}
    members += [
        (one.package, one.name, one.version)
        for one in provided_distributions(environment.packages, cache_dir, offline=offline or not download)
        if one.name not in replaced
    ]
    said: dict[tuple[str, str], dict[str, list[str]]] = {}
    for source in policy.advisories:
        for advisory in source.find({(name, version) for _, name, version in members}, offline=offline):
            if not advisory.names.intersection(policy.ignore_advisories):
                sources = said.setdefault((advisory.name, advisory.version), {}).setdefault(advisory.identifier, [])
                sources += [] if str(source) in sources else [str(source)]
    for stem, name, version in members:
        for identifier, sources in sorted(said.get((name, version), {}).items()):
            where = " and ".join(sources)
            yield f"{stem}: {name} {version} has the advisory {identifier} in {where} (--ignore-advisory allows it)"
