"""Options on which packages may be in an image at all."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from conda_docker.cli.parameters import FilePath, Option

if TYPE_CHECKING:
    from datetime import datetime, timedelta

    from conda_docker.policy.advisories.sources import AdvisorySource
    from conda_docker.policy.rules import Policy

POLICY = "Which packages are allowed"
POLICY_VARIABLE = "CONDA_DOCKER_POLICY"


_PATH = FilePath()


def _age(name: str, text: str) -> timedelta:
    from conda_docker.arguments.amounts import parse_duration

    with _naming(name):
        return parse_duration(text)


def _moment(name: str, text: str) -> datetime:
    from conda_docker.policy.rules import to_moment

    with _naming(name):
        return to_moment(text)


@contextmanager
def _naming(name: str) -> Iterator[None]:
    """Have what is wrong with a value begin with the name of its option."""
    try:
        yield
    except ValueError as error:
        raise ValueError(f"{name}: {error}") from None


def to_words(name: str, values: Sequence[str]) -> tuple[str, ...]:
    """Return values without the blanks around them. Raises `ValueError` for an empty one, which would rule nothing."""
    if not values:
        return ()
    from conda_docker.policy import rules

    with _naming(name):
        return rules.to_words(values)


def to_licenses(name: str, values: Sequence[str]) -> tuple[str, ...]:
    """Return patterns of licenses. Raises `ValueError`, also for those that would match none."""
    if not values:
        return ()
    from conda_docker.policy import rules

    with _naming(name):
        return rules.to_licenses(values)


def to_sources(name: str, values: Sequence[str]) -> tuple[AdvisorySource, ...]:
    """Return the sources of advisories that strings name. Raises `InvalidPolicy`."""
    if not values:
        return ()
    from conda_docker.policy.advisories.sources import AdvisorySource

    return tuple(AdvisorySource.parse(text) for text in to_words(name, values))


OPTIONS = (
    Option(
        "--deny-license",
        metavar="GLOB",
        multiple=True,
        convert=to_licenses,
        panel=POLICY,
        help="Refuse packages under such a license, such as 'AGPL-*', unless they offer another; none refuses "
        "packages that state no license; repeatable.",
    ),
    Option(
        "--allow-channel",
        metavar="URL",
        multiple=True,
        convert=to_words,
        panel=POLICY,
        help="Refuse conda packages of other channels, and wheels from other places (pypi: allow all wheels); "
        "repeatable.",
    ),
    Option(
        "--max-age",
        metavar="DURATION",
        convert=_age,
        once=True,
        panel=POLICY,
        help="Refuse conda packages that were built longer ago, such as 2y or 180d.",
    ),
    Option("--require-hash", is_flag=True, panel=POLICY, help="Refuse packages without a stated SHA-256."),
    Option(
        "--exclude-newer",
        metavar="DATE",
        convert=_moment,
        once=True,
        panel=POLICY,
        help="Choose among packages that existed on this day, such as 2026-03-30, and refuse newer ones in lock files.",
    ),
    Option(
        "--advisories",
        metavar="SOURCE",
        multiple=True,
        convert=to_sources,
        panel=POLICY,
        help="Refuse Python packages with an advisory in osv:PATH (a folder or zip archive of OSV files), grype or "
        "grype:PATH (Grype's database), or pip-audit:SERVICE (pypi, osv or a URL, which is asked; without, what "
        "pip-audit has cached); repeatable.",
    ),
    Option(
        "--ignore-advisory",
        metavar="ID",
        multiple=True,
        convert=to_words,
        panel=POLICY,
        help="Allow packages with this advisory; repeatable.",
    ),
    Option(
        "--policy",
        "policy_file",
        metavar="FILE",
        type=_PATH,
        multiple=True,
        panel=POLICY,
        help=f"Obey the rules in this TOML file too, and in the one that {POLICY_VARIABLE} names; repeatable.",
    ),
)


LOCKED_RULES = "locked_rules"
"""Where the values of a build keep those of the policy options that its lock file records."""


def policy_of(given: Mapping[str, Any]) -> Policy:
    """Return the rules of options, files, the variable and the lock file, all of which must be obeyed.

    Raises `InvalidPolicy`.
    """
    from conda_docker.policy.rules import Policy, read_policy
    from conda_docker.user_files import user_path

    policy = Policy(
        deny_licenses=tuple(given["deny_license"]),
        allow_channels=tuple(given["allow_channel"]),
        max_age=given["max_age"],
        require_hash=bool(given["require_hash"]),
        exclude_newer=given["exclude_newer"],
        advisories=tuple(given["advisories"]),
        ignore_advisories=tuple(given["ignore_advisory"]),
    )
    for file in filter(None, (*given["policy_file"], os.environ.get(POLICY_VARIABLE))):
        policy = policy.and_also(read_policy(user_path(file)))
    locked = given.get(LOCKED_RULES)
    return policy.and_also(policy_of(locked)) if locked else policy
