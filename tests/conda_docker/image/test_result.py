"""What is reported of a build."""

from __future__ import annotations

from dataclasses import replace

import pytest

from conda_docker.environment.locked import LockedEnvironment
from conda_docker.environment.packages.wheels import LockedWheel
from conda_docker.image.base.system import LOADERS, BaseSystem
from conda_docker.image.result import layer_notes, report_layer, system_notes
from conda_docker.layers.clobbers import Clobber
from conda_docker.layers.facts import LayerFacts
from conda_docker.layers.made import MadeLayer
from tests.python_docker.registry.contents import opaque_layer

LAYER = opaque_layer(b"layer")
SIX = LockedWheel(name="six", version="1", url="file:///six-1-py3-none-any.whl")
MADE = MadeLayer(0, (SIX,), LAYER, LayerFacts(), cached=False, seconds=1.5)
LINUX = LockedEnvironment("linux-64", ())


def test_a_layer_and_its_packages() -> None:
    found = report_layer(LAYER, [SIX], cached=True, seconds=1.5)
    assert (found.packages, found.digest, found.size, found.cached) == (("six",), LAYER.digest, 5, True)
    assert report_layer(LAYER).packages == ()
    assert (report_layer(LAYER).always, report_layer(LAYER, always=True).always) == (False, True)


@pytest.mark.parametrize(
    ("made", "note"),
    [
        (replace(MADE, extracted=True), "1 package was read from an unpacked folder"),
        (replace(MADE, overwritten={"a-1-0": 1}), "1 file of the conda package a-1-0 is overwritten by pip packages"),
        (replace(MADE, overwritten={"a-1-0": 2}), "2 files of the conda package a-1-0 are overwritten"),
        (replace(MADE, outside=("x",)), "x is a folder in one package and a link out of the environment"),
        (replace(MADE, met=("x",)), "x is a folder in one package and a file in another"),
        (replace(MADE, clobbers=(Clobber("b", "a", 1, "x"),)), "1 file of packages is replaced by another package's"),
        (replace(MADE, clobbers=(Clobber("b", "a", 1, "x"), Clobber("d", "c", 2, "y"))), "d over c (y and 1 more), b"),
        (replace(MADE, clobbers=tuple(Clobber(n, "a", 1, n) for n in "bcdef")), "d over a (d) and 2 more pairs"),
        (replace(MADE, facts=LayerFacts(notes=("heed this",))), "heed this"),
        (replace(MADE, facts=LayerFacts(uncompiled=tuple("abcde"))), "do not compile: a, b, c and 2 more"),
    ],
)
def test_notes_about_layers(made: MadeLayer, note: str) -> None:
    [found] = layer_notes([MADE, made])
    assert note in found


def test_programs_without_a_loader() -> None:
    programs = replace(MADE, facts=LayerFacts(programs=True))
    [note] = system_notes(LINUX, BaseSystem(), [programs])
    assert LOADERS["linux-64"] in note
    assert not list(system_notes(LINUX, BaseSystem(), [MADE]))
    assert not list(system_notes(LINUX, BaseSystem(loaders=(LOADERS["linux-64"],)), [programs]))
    assert not list(system_notes(LINUX, BaseSystem(problem="unknown"), [programs]))
    assert not list(system_notes(LockedEnvironment("osx-64", ()), BaseSystem(), [programs]))
