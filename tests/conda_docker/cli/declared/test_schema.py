"""The schema that is shipped, and what it accepts."""

from __future__ import annotations

import json
from importlib.resources import files
from typing import Any

import jsonschema
import pytest

from conda_docker.cli.declared.schema import schema
from conda_docker.cli.options.declarable import DECLARABLE, key_of
from conda_docker.cli.parameters import Argument, Option
from tests.conda_docker.cli.declared.test_values import sample


def test_the_schema_that_is_shipped_is_that_of_the_options() -> None:
    shipped = files("conda_docker.cli.declared").joinpath("conda-docker.schema.json").read_text()
    assert json.loads(shipped) == schema(), "`make docs` writes it anew"


def test_it_is_a_schema() -> None:
    jsonschema.Draft202012Validator.check_schema(schema())


@pytest.mark.parametrize("param", DECLARABLE, ids=key_of)
def test_it_accepts_what_can_be_declared(param: Option | Argument) -> None:
    value, _ = sample(param)
    jsonschema.validate({key_of(param): value}, schema())
    jsonschema.validate({"images": {"app": {"extends": "other", key_of(param): value}}}, schema())


@pytest.mark.parametrize(
    "document", [{"exlude": []}, {"trim": "yes"}, {"max-layers": "7"}, {"images": {"a": {"x": 1}}}]
)
def test_it_refuses_what_is_refused(document: dict[str, Any]) -> None:
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(document, schema())
