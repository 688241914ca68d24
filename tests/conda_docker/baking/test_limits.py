"""How much a bake does at once."""

from __future__ import annotations

import pytest

from conda_docker.baking.limits import LAYER_MEMORY, OWN_MEMORY, Limits


@pytest.mark.parametrize(("memory", "layers"), [(None, 8), (OWN_MEMORY + 3 * LAYER_MEMORY, 3), (1, 1)])
def test_less_memory_means_less_at_once(memory: int | None, layers: int) -> None:
    assert Limits(8, memory).layers_at_once == layers


@pytest.mark.parametrize("limits", [{"jobs": 0}, {"jobs": 1, "memory": 0}, {"jobs": 1, "disk": -1}])
def test_less_than_one_is_refused(limits: dict[str, int]) -> None:
    with pytest.raises(ValueError, match="must be at least 1"):
        Limits(**limits)
