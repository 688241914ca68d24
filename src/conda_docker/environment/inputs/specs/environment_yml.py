"""`environment.yml` as conda reads it (CEP 24; conda/env/env.py), with the selectors of conda-lock and mamba."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from conda_docker.arguments.spelling import nearest
from conda_docker.environment.folder_name import folder_name
from conda_docker.environment.inputs.kind import Choice, InputFile, InputKind, ReadRequest
from conda_docker.environment.inputs.specs.requirements_file import read_requirement_lines
from conda_docker.environment.inputs.specs.selectors import applicable, key_selector, selects
from conda_docker.environment.inputs.specs.spelling import as_conda_reads
from conda_docker.environment.inputs.specs.yaml_nodes import (
    TEMPLATE,
    compose_document,
    is_empty,
    is_mapping,
    is_null,
    is_scalar,
    is_sequence,
    merged_mapping,
    read_node,
)
from conda_docker.environment.inputs.specs.yaml_scalars import is_string, value_of_plain
from conda_docker.environment.spec import EnvironmentSpec
from conda_docker.environment.subdirs import host_subdir
from conda_docker.errors import InvalidEnvironment, UnsupportedInput
from conda_docker.redaction import public_text
from conda_docker.yaml_document import YamlValue

if TYPE_CHECKING:
    from yaml import MappingNode, Node, SequenceNode

DEFAULT_CATEGORY = "main"
"""The category of a file that names none, as conda-lock has it."""

# `prefix` says where the file's author has the environment, `platforms` and `category` are for conda-lock.
_KNOWN = ("name", "prefix", "channels", "dependencies", "variables", "platforms", "category")
# Packages would be other ones, or none, without what is meant.
_DECISIVE = ("channels", "dependencies", "pip", "platforms", "variables")
# An option as YAML reads it where it is not quoted: a mapping of `--no-binary` for `- --no-binary :all:`.
_OPTION_KEY = re.compile(r"--?[a-z]")
# As recipes call what holds for packages that others bring in; mamba passes over it in an environment file.
_CONSTRAINTS = "run_constrained"
# What a shell takes for the name of a variable.
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_UNSET = re.compile(r"\$(?:\{(\w+)\}|(\w+))")


def parse_environment_yml(
    text: str,
    file_name: str = "environment.yml",
    *,
    subdir: str | None = None,
    folder: Path | None = None,
    categories: Sequence[str] = (),
) -> EnvironmentSpec:
    """Return what an environment file asks for; `file_name` names it in messages.

    `subdir` is what the environment is wanted for (None: Linux on this machine's processor): selectors choose by it,
    and `platforms` that do not name it bring a warning. Environment variables in channels are replaced, as conda does
    it. Paths in a `pip:` section are relative to `folder`. A file whose `category` is not among `categories` asks for
    nothing; when none are given, all are taken.

    Raises `InvalidEnvironment` for what is not an environment file, and `UnsupportedInput` for a part that cannot be
    installed, by name.

    >>> parse_environment_yml("channels: [conda-forge]\\ndependencies:\\n- python >=3.12  # [linux]\\n").specs
    ('python >=3.12',)
    """
    reader = _Reader(file_name, tuple(text.splitlines()), subdir or host_subdir(), folder or Path())
    root = compose_document(text, file_name)
    sections = reader.mapping(root) if root is not None and is_mapping(root) else None
    if sections is None:
        raise InvalidEnvironment(f"{file_name} is not an environment file: it should hold `dependencies:`")
    reader.warn_of_unknown(sections)
    name = reader.name(sections)
    category = reader.value(sections, "category") or DEFAULT_CATEGORY
    if categories and category not in categories:
        reader.warnings.append(f"{file_name} is left out: its category is {category!r}")
        return EnvironmentSpec(specs=(), name=name, warnings=tuple(reader.warnings))
    specs, pip = reader.dependencies(sections["dependencies"])
    return EnvironmentSpec(
        specs=specs,
        constraints=tuple(reader.constraints),
        channels=reader.channels(sections),
        variables=reader.variables(sections.get("variables")),
        name=name,
        pip=read_requirement_lines(
            (line for line, _ in pip),
            folder=reader.folder,
            origin=file_name,
            numbers=(number for _, number in pip),
        ),
        warnings=tuple(reader.warnings),
    )


@dataclass(slots=True)
class _Reader:
    """Reads the parts of one file; errors and warnings name it."""

    file_name: str
    lines: tuple[str, ...]
    subdir: str
    folder: Path
    mappings: dict[int, dict[str, Node]] = field(default_factory=dict)
    """What was found of mappings, by their nodes."""
    constraints: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)

    def invalid(self, problem: str, node: Node | None = None) -> InvalidEnvironment:
        line = f", line {node.start_mark.line + 1}" if node is not None else ""
        return InvalidEnvironment(f"{self.file_name}{line}: {problem}")

    def mapping(self, node: MappingNode) -> dict[str, Node]:
        """Return the values of a mapping's keys, with those that it merges from others (`<<: *other`)."""
        return merged_mapping(node, self.invalid, self.mappings)

    def value(self, sections: Mapping[str, Node], key: str) -> YamlValue:
        """Return the value of a section, its scalars as they are written."""
        return read_node(sections[key], self.file_name) if key in sections else None

    def warn_of_unknown(self, sections: Mapping[str, Node]) -> None:
        """Warn of keys that mean nothing.

        Raises for a file without dependencies, and for a key that decides about packages and is misspelt, with the key
        that may be meant.
        """
        unknown = [key for key in sections if key not in _KNOWN]
        names = dict.fromkeys((*_KNOWN, *_DECISIVE))
        near = {key: found for key in unknown if (found := nearest(key.lower(), names))}
        if "dependencies" not in sections:
            meant = next((key for key, known in near.items() if known == "dependencies"), None)
            hint = f"; it has `{meant[:80]}:`, did you mean that?" if meant else ", so it is not an environment file"
            raise self.invalid(f"there is no `dependencies:`{hint}")
        for key in unknown[:20]:
            if key == "pip":
                raise self.invalid("`pip:` belongs into `dependencies:`, as an item `- pip:`", sections[key])
            if near.get(key) in _DECISIVE:
                raise self.invalid(f"{key[:80]!r} is not known; did you mean `{near[key]}`?", sections[key])
            hint = f"; did you mean `{near[key]}`?" if key in near else ""
            self.warnings.append(f"{self.file_name}: {key[:80]!r} is not known and was ignored{hint}")
        platforms = self.value(sections, "platforms")
        if isinstance(platforms, list) and platforms and self.subdir not in platforms:
            named = ", ".join(str(platform)[:40] for platform in platforms[:10])
            self.warnings.append(f"{self.file_name} is for {named}; it was solved for {self.subdir}")

    def name(self, sections: Mapping[str, Node]) -> str | None:
        name = self.value(sections, "name")
        if name is None:
            return None
        if not isinstance(name, str):
            raise self.invalid("`name` should be a string", sections["name"])
        usable = folder_name(name)
        if usable != name:
            now = f"{usable!r} is used" if usable else "it is ignored"
            self.warnings.append(f"{self.file_name}: {name[:80]!r} cannot be the name of an environment; {now}")
        return usable

    def channels(self, sections: Mapping[str, Node]) -> tuple[str, ...]:
        node = sections.get("channels")
        if node is None or is_null(node):
            return ()
        if not is_sequence(node):
            raise self.invalid("`channels` should be a list of strings", node)
        wanted = [item for item in node.value if applicable(self.lines, item.start_mark.line, self.subdir)]
        return tuple(self._channel(read_node(item, self.file_name), item) for item in wanted)

    def _channel(self, channel: YamlValue, node: Node) -> str:
        if not isinstance(channel, str):
            raise self.invalid("`channels` should be a list of strings", node)
        expanded = os.path.expandvars(channel)
        if (missing := _UNSET.search(channel)) and (name := missing[1] or missing[2]) not in os.environ:
            raise self.invalid(
                f"the channel {public_text(channel)[:200]!r} needs the environment variable {name}", node
            )
        return expanded

    def dependencies(self, node: Node) -> tuple[tuple[str, ...], list[tuple[str, int]]]:
        """Return the match specs, and the lines for pip with their numbers."""
        if is_null(node):
            return (), []
        if not is_sequence(node):
            raise self.invalid(
                "`dependencies` should be a list, with a line `- PACKAGE` for each (mind the space)", node
            )
        specs: list[str] = []
        pip: list[tuple[str, int]] = []
        for item in self.selected(node):
            if is_mapping(item):
                for section, value in self.mapping(item).items():
                    selector = key_selector(section)
                    if selector is not None:
                        specs += self.selected_by_key(selector, value, item)
                    elif section == "pip":
                        pip += self.pip_lines(value)
                    elif section == _CONSTRAINTS and is_sequence(value):
                        self.constraints += [self.spec(part) for part in self.selected(value)]
                    elif not is_empty(value):
                        raise self.unknown_section(section, value)
            else:
                specs.append(self.spec(item))
        return tuple(spec for spec in specs if spec), pip

    def unknown_section(self, section: str, value: Node) -> UnsupportedInput:
        name = public_text(section)[:80]
        meant = f"; did you mean `- {name}={public_text(value.value)[:80]}`?" if is_scalar(value) else ""
        return UnsupportedInput(
            f"{self.file_name} has a section {name!r} in its dependencies ({', '.join(self.shown(value))}), "
            f"which cannot be put into an image{meant}"
        )

    def selected(self, node: SequenceNode) -> Iterator[Node]:
        """Yield the items of a list that are wanted for the platform. One whose content is a comment is nothing."""
        for item in node.value:
            if is_scalar(item) and is_null(item):
                self.warnings.append(f"{self.file_name}, line {item.start_mark.line + 1}: an empty item was ignored")
            elif applicable(self.lines, item.start_mark.line, self.subdir):
                yield item

    def selected_by_key(self, expression: str, value: Node, item: Node) -> list[str]:
        chosen = selects(expression, self.subdir)
        if chosen is None:
            raise self.invalid(f"`sel({expression[:80]})` is not a selector such as sel(linux) or sel(unix)", item)
        if not chosen:
            return []
        return [self.spec(part) for part in (self.selected(value) if is_sequence(value) else [value])]

    def spec(self, node: Node) -> str:
        if not is_scalar(node) or is_null(node) or not (node.style or is_string(node.value)):
            raise self.invalid("an item of `dependencies` should be a string such as `numpy >=2`", node)
        text = str(node.value).strip()
        if "{{" in text:
            raise self.invalid(f"{public_text(text)[:100]!r} is not a package; {TEMPLATE}", node)
        read, warning = as_conda_reads(text, f"{self.file_name}, line {node.start_mark.line + 1}")
        self.warnings += [warning] if warning else []
        return read

    def pip_lines(self, node: Node) -> list[tuple[str, int]]:
        if is_null(node):
            return []
        items = list(self.selected(node)) if is_sequence(node) else [node]
        for item in items:
            if is_mapping(item) and item.value and _OPTION_KEY.match(str(item.value[0][0].value)):
                option = public_text(self.lines[item.start_mark.line].strip().removeprefix("- "))[:100]
                raise self.invalid(f"the option is read as a YAML mapping; put it in quotes: - {option!r}", item)
            if not is_scalar(item) or is_null(item):
                raise self.invalid("an item of the `pip` section should be a string such as `flask >=3`", item)
        return [(str(item.value), item.start_mark.line + 1) for item in items]

    def shown(self, node: Node) -> list[str]:
        """Return some of what a section holds, for a message."""
        items = node.value if is_sequence(node) else [node]
        texts = [public_text(str(item.value))[:100] for item in items if is_scalar(item)]
        return texts[:5] + ([f"and {len(texts) - 5} more"] if len(texts) > 5 else []) or ["something"]

    def variables(self, node: Node | None) -> dict[str, str]:
        if node is None or is_null(node):
            return {}
        if not is_mapping(node):
            raise self.invalid("`variables` should be names with values", node)
        variables = {}
        for name, value in self.mapping(node).items():
            if not _VARIABLE.fullmatch(name):
                raise self.invalid(f"{name[:80]!r} cannot be the name of a variable", value)
            if not is_scalar(value):
                raise self.invalid(f"the variable {name} should be a string", value)
            if "\0" in value.value:
                raise self.invalid(f"the variable {name} holds a NUL character", value)
            text, changed = (str(value.value), None) if value.style else value_of_plain(str(value.value))
            if changed is not None:
                self.warnings.append(
                    f"{self.file_name}: the variable {name} {changed}; quote the value to keep it as it is written"
                )
            variables[name] = text
        return variables


def _is_environment_yml(file: InputFile) -> bool:
    return "dependencies" in file.keys or file.path.suffix in (".yml", ".yaml", ".json")


def _read(request: ReadRequest) -> EnvironmentSpec:
    found = parse_environment_yml(
        request.text,
        request.file_name,
        subdir=request.target,
        folder=request.folder,
        categories=request.categories,
    )
    if found.specs or found.pip is None or not request.alone:
        return found
    # conda adds it wherever it is missing, and a warning (conda/env/env.py, `validate_keys`); where other packages may
    # bring a Python, it is not needed here.
    warning = f"{request.file_name} asks pip for packages and lists no other: pip is added, and with it Python"
    return replace(found, specs=("pip",), warnings=(*found.warnings, warning))


KIND = InputKind("an environment.yml", _is_environment_yml, _read, frozenset({Choice.CATEGORIES}))
