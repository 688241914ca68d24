"""The order of options in the help."""

from __future__ import annotations

from conda_docker.cli.options import attest, build, policy
from conda_docker.cli.options.order import in_order
from conda_docker.cli.parameters import Argument, Option


def test_panels_are_whole_and_arguments_come_first() -> None:
    given = (*build.OPTIONS, *policy.OPTIONS, *attest.OPTIONS)
    first, *options = in_order(given)
    assert isinstance(first, Argument)
    panels = [option.panel for option in options if isinstance(option, Option)]
    seen = list(dict.fromkeys(panels))
    assert seen[:3] == ["Packages", "What else goes into the image", "Where the image goes"]
    assert panels == sorted(panels, key=seen.index)
    assert len(options) + 1 == len(given)
