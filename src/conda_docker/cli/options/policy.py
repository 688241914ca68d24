"""Options on which packages may be in an image at all."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from conda_docker.cli.parameters import Option

if TYPE_CHECKING:
    from datetime import datetime, timedelta

    from conda_docker.policy.rules import Policy

POLICY = "Which packages are allowed"
POLICY_VARIABLE = "CONDA_DOCKER_POLICY"
_PATH = click.Path(path_type=Path)


def _age(name: str, text: str) -> timedelta:
    from conda_docker.policy.rules import to_age

    return to_age(text)


def _moment(name: str, text: str) -> datetime:
    from conda_docker.policy.rules import to_moment

    return to_moment(text)


OPTIONS = (
    Option(
        "--deny-license",
        metavar="GLOB",
        multiple=True,
        panel=POLICY,
        help="Refuse packages under such a license, such as 'AGPL-*', unless they offer another; none: packages that "
        "state none; repeatable.",
    ),
    Option(
        "--allow-channel",
        metavar="URL",
        multiple=True,
        panel=POLICY,
        help="Refuse conda packages of other channels, and wheels from other places (pypi: allow all wheels); "
        "repeatable.",
    ),
    Option(
        "--max-age",
        metavar="DURATION",
        convert=_age,
        panel=POLICY,
        help="Refuse conda packages that were built longer ago, such as 2y or 180d.",
    ),
    Option("--require-hash", is_flag=True, panel=POLICY, help="Refuse packages without a stated SHA-256."),
    Option(
        "--exclude-newer",
        metavar="DATE",
        convert=_moment,
        panel=POLICY,
        help="Choose among what was there on this day, such as 2026-03-30, and refuse newer packages of lock files.",
    ),
    Option(
        "--osv-database",
        metavar="PATH",
        type=_PATH,
        panel=POLICY,
        help="Refuse Python packages with an advisory in this folder or zip archive of OSV files.",
    ),
    Option(
        "--ignore-advisory",
        metavar="ID",
        multiple=True,
        panel=POLICY,
        help="Allow packages with this advisory; repeatable.",
    ),
    Option(
        "--policy",
        "policy_file",
        metavar="FILE",
        type=_PATH,
        panel=POLICY,
        help=f"Obey the rules in this TOML file too [default: the file that {POLICY_VARIABLE} names]",
    ),
)


def policy_of(given: Mapping[str, Any]) -> Policy:
    """Return the rules of the options and of the file, both of which must be obeyed. Raises `InvalidPolicy`."""
    from conda_docker.policy.rules import Policy, read_policy
    from conda_docker.user_files import user_path

    asked = Policy(
        deny_licenses=tuple(given["deny_license"]),
        allow_channels=tuple(given["allow_channel"]),
        max_age=given["max_age"],
        require_hash=given["require_hash"],
        exclude_newer=given["exclude_newer"],
        osv_database=given["osv_database"],
        ignore_advisories=tuple(given["ignore_advisory"]),
    )
    file = given["policy_file"] or os.environ.get(POLICY_VARIABLE)
    return asked.and_also(read_policy(user_path(file))) if file else asked
