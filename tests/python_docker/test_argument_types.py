"""Arguments of the wrong type are named."""

from __future__ import annotations

import pytest

from python_docker.argument_types import check_optional, check_type


def test_a_value_of_another_type_is_named_with_where_one_comes_from() -> None:
    check_type("image", "x", str)
    with pytest.raises(TypeError, match=r"^image must be int, not str: 'x'; look there$"):
        check_type("image", "x", int, "look there")


def test_none_is_for_what_is_optional() -> None:
    check_optional("platform", None, str)
    with pytest.raises(TypeError, match=r"^platform must be str, not int: 5$"):
        check_optional("platform", 5, str)
    with pytest.raises(TypeError, match="not NoneType"):
        check_type("platform", None, str)
