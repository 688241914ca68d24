"""RuntimeConfig: a dictionary whose absent fields can be read and added to."""

from __future__ import annotations

import copy
import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from python_docker.errors import InvalidDocument
from python_docker.spec.documents.runtime_config import RuntimeConfig
from tests.python_docker.documents import JSON


@pytest.mark.parametrize("fields", [{}, {"Env": None}, {"Env": []}, None])
def test_variables_can_be_appended_whatever_the_base_has(fields: dict[str, Any] | None) -> None:
    config = RuntimeConfig(fields)
    config["Env"].append("FOO=BAR")
    assert config.to_json()["Env"] == ["FOO=BAR"]


@pytest.mark.parametrize("fields", [{}, {"Labels": None, "ExposedPorts": None, "Volumes": None}])
def test_labels_ports_and_volumes_can_be_set_whatever_the_base_has(fields: dict[str, Any]) -> None:
    config = RuntimeConfig(fields)
    config["Labels"]["a"] = "b"
    config["ExposedPorts"]["80/tcp"] = {}
    config["Volumes"]["/data"] = {}
    assert config.to_json() == {"Labels": {"a": "b"}, "ExposedPorts": {"80/tcp": {}}, "Volumes": {"/data": {}}}


def test_absent_fields_read_as_empty() -> None:
    config = RuntimeConfig({"User": None})
    assert (config["User"], config["WorkingDir"], config["StopSignal"]) == ("", "", "")
    assert (config["Cmd"], config["Entrypoint"], config["Labels"]) == ([], [], {})
    assert config.to_json() == {"User": None}


def test_a_field_set_to_none_reads_as_empty_and_is_absent_in_the_file() -> None:
    config = RuntimeConfig({"Cmd": ["sh"]})
    config["Cmd"] = None
    assert config["Cmd"] == []
    assert config.to_json() == {}


def test_a_field_set_to_an_empty_list_stays() -> None:
    config = RuntimeConfig({"Cmd": ["sh"]})
    config["Cmd"] = []
    assert config.to_json() == {"Cmd": []}


def test_fields_nobody_knows_are_absent_as_in_any_dictionary() -> None:
    config = RuntimeConfig()
    with pytest.raises(KeyError, match="Unknown"):
        config["Unknown"]
    assert "Env" not in config
    assert config.get("Env") is None
    assert list(config) == []


@given(st.dictionaries(st.text(max_size=8) | st.sampled_from(["Env", "Cmd", "Labels", "User"]), JSON, max_size=5))
def test_fields_survive_as_they_are(fields: dict[str, Any]) -> None:
    config = RuntimeConfig(fields)
    assert config.to_json() == fields
    assert config.copy() == fields
    assert copy.deepcopy(config) == fields


def test_copies_are_independent() -> None:
    fields = {"Env": ["A=1"], "Labels": {"a": "b"}}
    config = RuntimeConfig(fields)
    twin = config.copy()
    twin["Env"].append("B=2")
    twin["Labels"]["c"] = "d"
    config.to_json()["Env"].append("C=3")
    assert config == {"Env": ["A=1"], "Labels": {"a": "b"}} == fields


def test_a_copy_does_not_keep_what_only_reading_has_made() -> None:
    config = RuntimeConfig()
    config["Env"]
    assert config.copy().to_json() == {}


def test_the_environment_by_name() -> None:
    config = RuntimeConfig({"Env": ["A=1", "B=x=y", "A=2", "EMPTY="]})
    assert config.environment == {"A": "2", "B": "x=y", "EMPTY": ""}
    assert RuntimeConfig({"Env": None}).environment == {}
    assert RuntimeConfig({"Env": ["", "=x", "A=1\0", "B\0=1", "C"]}).environment == {"C": ""}


@pytest.mark.parametrize("variables", ["A=1", [1], {"A": "1"}, [None]])
def test_an_environment_of_another_form_is_refused(variables: Any) -> None:
    config = RuntimeConfig({"Env": variables})
    with pytest.raises(InvalidDocument, match="Env"):
        print(config.environment)


def test_setting_a_variable_keeps_its_place() -> None:
    config = RuntimeConfig({"Env": ["A=1", "B=2", "A=3", "AB=4"]})
    config.set_variable("A", "5")
    config.set_variable("C", "6")
    assert config["Env"] == ["A=5", "B=2", "AB=4", "C=6"]


def test_setting_variables_one_after_another_or_at_once_is_the_same() -> None:
    values = {"D": "4", "A": "5", "AB": "6", "C": "7"}
    one, other = (RuntimeConfig({"Env": ["A=1", "B=2", "A=3", "AB=4"]}) for _ in range(2))
    for name, value in values.items():
        one.set_variable(name, value)
    other.set_variables(values)
    assert one["Env"] == other["Env"] == ["A=5", "B=2", "AB=6", "D=4", "C=7"]


def test_many_variables_take_no_time() -> None:
    config = RuntimeConfig()
    begun = time.process_time()
    config.set_variables({f"V{number}": "x" for number in range(100_000)})
    assert len(config.environment) == 100_000
    assert time.process_time() - begun < 5


@pytest.mark.parametrize("name", ["Entrypoint", "Cmd", "Shell"])
def test_a_command_that_is_a_string_is_one_word(name: str) -> None:
    assert RuntimeConfig.from_document({name: "sh -c"})[name] == ["sh -c"]
    assert RuntimeConfig.from_document({name: ""})[name] == []


def test_null_among_strings_is_an_empty_one() -> None:
    found = RuntimeConfig.from_document({"Entrypoint": [None, "a"], "Env": [None], "Labels": {"a": None}})
    assert found.to_json() == {"Entrypoint": ["", "a"], "Env": [""], "Labels": {"a": ""}}


@pytest.mark.parametrize(
    ("fields", "text"),
    [
        ({"Env": "A=1"}, "Env: not a list of strings"),
        ({"Env": ["A=1", 2]}, "Env: not a list of strings"),
        ({"Cmd": {"sh": 1}}, "Cmd: not a list of strings"),
        ({"Labels": ["a"]}, "Labels: not an object of strings"),
        ({"Labels": {"a": 1}}, "Labels: not an object of strings"),
        ({"Volumes": "/data"}, "Volumes: not an object"),
        ({"User": 1000}, "User: not a string"),
    ],
)
def test_what_no_engine_reads_is_refused(fields: dict[str, Any], text: str) -> None:
    with pytest.raises(InvalidDocument, match=f"malformed at {text}"):
        RuntimeConfig.from_document(fields)


def test_what_is_absent_or_null_or_not_known_is_no_fault() -> None:
    fields = {"Env": None, "Labels": None, "User": None, "Healthcheck": {"Test": ["NONE"]}, "Own": 1}
    assert RuntimeConfig.from_document(fields).to_json() == fields
    assert RuntimeConfig.from_document(None) == {}


def test_what_cannot_be_a_variable_is_refused() -> None:
    config = RuntimeConfig()
    with pytest.raises(ValueError, match="name must be"):
        config.set_variable("A=B", "x")
    with pytest.raises(TypeError, match="value must be str, not int: 5"):
        config.set_variable("A", 5)  # type: ignore[arg-type]
    assert config == {}
