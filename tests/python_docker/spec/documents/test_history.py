"""Which entries of a history belong to which layer."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from python_docker.spec.documents.history import join_history, split_history
from python_docker.spec.documents.image_config import History

STEP = History(created_by="step", empty_layer=True)
ENTRIES = st.lists(
    st.builds(History, created_by=st.sampled_from("abc"), empty_layer=st.sampled_from([True, False, None])), max_size=8
)


def layer(name: str) -> History:
    return History(created_by=name)


def test_each_layer_has_its_entry_and_the_steps_after_it() -> None:
    leading, per_layer = split_history([STEP, layer("a"), STEP, STEP, layer("b")], 2)
    assert leading == (STEP,)
    assert per_layer == [(layer("a"), STEP, STEP), (layer("b"),)]


@given(ENTRIES)
def test_a_history_that_fits_is_put_together_again(entries: list[History]) -> None:
    layers = sum(1 for entry in entries if not entry.empty_layer)
    leading, per_layer = split_history(entries, layers)
    assert len(per_layer) == layers
    assert join_history(leading, per_layer) == (entries or None)


@given(ENTRIES, st.integers(0, 6))
def test_there_are_always_as_many_entries_as_layers(entries: list[History], layers: int) -> None:
    leading, per_layer = split_history(entries, layers)
    assert len(per_layer) == layers
    joined = join_history(leading, per_layer)
    assert joined is None or sum(1 for entry in joined if not entry.empty_layer) == layers


def test_no_history_stays_none() -> None:
    assert split_history(None, 2) == ((), [(), ()])
    assert join_history((), [(), ()]) is None


def test_layers_without_an_entry_get_an_empty_one_beside_others() -> None:
    assert join_history((), [(), (layer("b"),)]) == [History(), layer("b")]
