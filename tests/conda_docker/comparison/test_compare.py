"""What differs between two sides."""

from __future__ import annotations

from conda_docker.comparison.compare import Change, Documents, Layer, Package, Side, compare

FORGE = "https://conda.example.org/forge/"
OTHER = "https://conda.example.org/other/"


def side(*packages: Package, layers: tuple[Layer, ...] | None = None, **documents: int) -> Side:
    return Side("x", "image", "linux/amd64", packages, layers, Documents(documents))


def conda(name: str, version: str = "1", build: str | None = "0", channel: str | None = FORGE) -> Package:
    return Package("conda", name, version, build, channel)


def test_added_removed_changed_and_the_same() -> None:
    old = side(conda("gone"), conda("same"), conda("newer"), conda("rebuilt"), conda("moved"))
    new = side(
        conda("same"),
        conda("newer", "2"),
        conda("rebuilt", build="1"),
        conda("moved", channel=OTHER),
        Package("pypi", "same", "1"),
    )
    found = compare(old, new)
    assert found.added == (Package("pypi", "same", "1"),)
    assert found.removed == (conda("gone"),)
    assert [change.after for change in found.changed or ()] == [
        conda("moved", channel=OTHER),
        conda("newer", "2"),
        conda("rebuilt", build="1"),
    ]
    assert (found.same, found.differs) == (1, True)


def test_what_one_side_does_not_say_is_no_difference() -> None:
    old = side(conda("a", channel=None), conda("b", build=None), conda("c", channel=FORGE.rstrip("/")))
    found = compare(old, side(conda("a"), conda("b"), conda("c")))
    assert (found.added, found.removed, found.changed, found.same) == ((), (), (), 3)
    assert not found.differs


def test_layers_and_what_is_downloaded() -> None:
    a, b, c = Layer("sha256:a", 1), Layer("sha256:b", 10), Layer("sha256:c", 100, ("x",))
    found = compare(side(layers=(a, b), one=1000), side(layers=(a, c, c), one=1000, two=10_000)).layers
    assert found is not None
    assert (found.shared, found.new, found.gone) == ((a,), (c,), (b,))
    assert found.download == 10_100


def test_an_image_against_a_file_has_no_layers_to_compare() -> None:
    assert compare(side(layers=()), side()).layers is None


def test_packages_that_are_not_known() -> None:
    unknown = Side("x", "image", "linux/amd64", None, (Layer("sha256:a", 1),))
    found = compare(unknown, side(conda("a"), layers=()))
    assert (found.added, found.changed, found.same) == (None, None, None)
    assert found.layers is not None
    assert found.differs


def test_a_change_holds_both() -> None:
    [change] = compare(side(conda("a")), side(conda("a", "2"))).changed or ()
    assert change == Change(conda("a"), conda("a", "2"))
