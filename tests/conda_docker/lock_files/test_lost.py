"""What the lock files of other programs do not keep is named, and nothing else is."""

from __future__ import annotations

from dataclasses import replace

from conda_docker.environment.activation_script import ActivationScript
from conda_docker.environment.locked import LockedEnvironment
from conda_docker.environment.packages.wheels import LockedWheel
from conda_docker.lock_files.lost import lost_note

WHEEL = LockedWheel(name="plain", version="1", url="https://example.org/plain-1-py3-none-any.whl")


def test_nothing_is_lost() -> None:
    assert lost_note("pixi.lock", [LockedEnvironment("linux-64", (), wheels=(WHEEL,))], []) is None


def test_all_that_is_lost_is_named() -> None:
    environment = LockedEnvironment(
        "linux-64",
        (),
        variables={"MODE": "prod", "GREETING": "hello"},
        scripts=(ActivationScript("setup.sh", "true"),),
        wheels=(replace(WHEEL, requested=True),),
    )
    assert (lost_note("pixi.lock", [environment, environment], ["base"]) or "").startswith(
        "pixi.lock has no place for variables (GREETING, MODE), activation scripts, which wheels were asked for (a "
        "file in their layers says so), --base: "
    )
