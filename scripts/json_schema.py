"""Print the schema of all `--json` reports, from the tables of docs/json.md.

A heading of the second level is a command, one of the third level a value in its report. Below it is a table of
fields with their types, or a line `Form: TYPE`. A type is `string`, `integer`, `number`, `boolean`, `digest`,
`object`, `null`, a literal in backticks, `list of TYPE`, `object of TYPE`, the name of a value, or several of these,
as in `a, b or null`. What a list or an object holds is in the plural. The values of the same command come first, then
those of the command without options; names of others must be unique.
"""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path
from typing import Any
from urllib.parse import quote

PAGE = Path(__file__).parent.parent / "docs" / "json.md"

Schema = dict[str, Any]

_BASIC: dict[str, Schema] = {
    **{name: {"type": name} for name in ("string", "integer", "number", "boolean", "object", "null")},
    "digest": {"type": "string", "pattern": "^[a-z0-9]+:[0-9a-f]{32,}$"},
}
_HEADING = re.compile(r"(##|###) (.+)")
_FIELD = re.compile(r"\| `(\w+)` \| (.+?) \| .*\|")


def _reference(name: str) -> Schema:
    return {"$ref": f"#/$defs/{quote(name)}"}


def definitions(page: str, *, closed: bool = False) -> dict[str, Schema]:
    """Return the schema of each report and value on the page, by names such as `build` and `build layer`.

    `closed` ones allow no other fields. Raises `ValueError` for a type that nothing defines.
    """
    found: dict[str, dict[str, str] | str] = {}
    command = name = ""
    for line in page.splitlines():
        if heading := _HEADING.fullmatch(line):
            command = heading[2] if heading[1] == "##" else command
            name = command if heading[1] == "##" else f"{command} {heading[2]}"
            if name in found:
                raise ValueError(f"{name} is described twice")
        elif name and line.startswith("Form: "):
            found[name] = line.removeprefix("Form: ")
        elif name and (field := _FIELD.fullmatch(line)):
            fields = found.setdefault(name, {})
            assert isinstance(fields, dict)
            fields[field[1]] = field[2]
    commands = re.findall(r"^## (.+)$", page, re.MULTILINE)
    owner = {
        each: max((one for one in commands if each == one or each.startswith(f"{one} ")), key=len) for each in found
    }

    def typed(text: str, command: str) -> Schema:
        parts = [part for part in re.split(r", | or ", text) if part]
        literals = [part.strip("`") for part in parts if part.startswith("`")]
        others = [one_type(part, command) for part in parts if not part.startswith("`")]
        choices = ([{"enum": literals}] if literals else []) + others
        return choices[0] if len(choices) == 1 else {"anyOf": choices}

    def one_type(text: str, command: str, *, several: bool = False) -> Schema:
        for kind, key in (("list", "items"), ("object", "additionalProperties")):
            if (rest := re.fullmatch(rf"{kind}s? of (.+)", text)) is not None:
                many = one_type(rest[1], command, several=True)
                return {"type": "array" if kind == "list" else kind, key: many}
        single = re.sub(r"s\b(?= of |$)", "", text) if several else text
        if single in _BASIC:
            return _BASIC[single]
        above = [one for one in commands if command.startswith(f"{one} ")]
        named = [f"{one} {single}" for one in (command, *above) if f"{one} {single}" in found]
        named = named[:1] or [each for each in found if each in (single, f"{owner[each]} {single}")]
        if len(named) != 1:
            raise ValueError(f"{command}: nothing says what {text!r} is")
        return _reference(named[0])

    def defined(name: str, form: dict[str, str] | str) -> Schema:
        if isinstance(form, str):
            return typed(form, owner[name])
        properties = {field: typed(text, owner[name]) for field, text in form.items()}
        value: Schema = {"type": "object", "properties": properties, "required": list(properties)}
        return value | {"additionalProperties": False} if closed else value

    return {name: defined(name, form) for name, form in found.items()}


def schema() -> Schema:
    """Return the schema that is published: any report, with a definition for each."""
    page = PAGE.read_text(encoding="utf-8")
    reports = re.findall(r"^## (.+)$", page, re.MULTILINE)
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Reports of conda-docker --json",
        "anyOf": [_reference(name) for name in reports],
        "$defs": definitions(page),
    }


if __name__ == "__main__":
    sys.stdout.write(json.dumps(schema(), indent=2) + "\n")
