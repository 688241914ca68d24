"""Variants of a build: each combination of platforms, Python versions and bases, and the names of their images."""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from conda_docker.arguments.spelling import did_you_mean
from conda_docker.baking.targets.environments import usable_name

AXES = ("python", "platform", "base")
"""What a matrix can range over, in the order in which the values are named."""

_PLACEHOLDER = re.compile(r"\{([^{}]*)\}")


@dataclass(frozen=True, slots=True)
class Variant:
    """One combination; what the matrix does not range over is None."""

    python: str | None = None
    platform: str | None = None
    base: str | None = None

    @property
    def tag(self) -> str:
        """What tells the variant from the others, as a tag: `latest` for the only one.

        >>> Variant("3.12", "linux/arm64", "ghcr.io/org/base:1").tag, Variant().tag
        ('py3.12-arm64-base-1', 'latest')
        """
        parts = []
        if self.python is not None:
            parts.append(f"py{_tag(self.python)}")
        if self.platform is not None:
            parts.append(usable_name(self.platform.removeprefix("linux/").removeprefix("linux-")))
        if self.base is not None:
            parts.append(_tag(self.base.rpartition("/")[2]))
        return "-".join(parts) or "latest"

    def name(self, name: str) -> str:
        """Return the name of a target in this variant."""
        return name if self == Variant() else f"{name}-{self.tag}"

    def fill(self, template: str, name: str, content: Callable[[], str] | None = None) -> str:
        """Return a template with its placeholders filled in: {name}, {tag}, {content}, {python}, {platform}, {base}.

        `content` returns a digest of what describes the environment. Raises `ValueError` for another placeholder, and
        for one that the matrix does not range over.

        >>> Variant("3.12").fill("ghcr.io/org/{name}:{tag}", "numpy")
        'ghcr.io/org/numpy:py3.12'
        """
        values: dict[str, str | None] = {
            "name": name,
            "tag": self.tag,
            "content": "",
            "python": self.python,
            "platform": None if self.platform is None else usable_name(self.platform),
            "base": None if self.base is None else _tag(self.base.rpartition("/")[2]),
        }

        def value(match: re.Match[str]) -> str:
            key = match[1]
            if key == "content" and content is not None:
                return content()
            if key not in values or key == "content":
                known = ", ".join(f"{{{each}}}" for each in values)
                hint = did_you_mean(key, values)
                raise ValueError(f"{template!r}: there is no {{{key}}}{hint} (names may have {known})")
            found = values[key]
            if found is None:
                raise ValueError(f"{template!r}: {{{key}}} needs a matrix of {key}, such as --matrix {key}=VALUE,...")
            return found

        return _PLACEHOLDER.sub(value, template)


def combinations(axes: Mapping[str, Sequence[str]]) -> list[Variant]:
    """Return all combinations of the values of some axes; of none, the one variant that changes nothing.

    Raises `ValueError` for an axis that there is not, or that has no values.

    >>> [variant.tag for variant in combinations({"python": ["3.11", "3.12"]})]
    ['py3.11', 'py3.12']
    """
    for key, values in axes.items():
        if key not in AXES:
            raise ValueError(f"a matrix has {', '.join(AXES)}, and no {key!r}{did_you_mean(key, AXES)}")
        if not values:
            raise ValueError(f"{key} has no values")
    distinct = {key: list(dict.fromkeys(values)) for key, values in axes.items()}
    return [Variant(*values) for values in itertools.product(*(distinct.get(key, [None]) for key in AXES))]


def read_matrix(texts: Sequence[str]) -> list[Variant]:
    """Return all combinations of `KEY=VALUE,VALUE` texts; of none, the one variant that changes nothing.

    Raises `ValueError` for a key that there is not, is given twice, or has no values.

    >>> [variant.tag for variant in read_matrix(["python=3.11,3.12", "platform=linux/arm64"])]
    ['py3.11-arm64', 'py3.12-arm64']
    """
    axes: dict[str, list[str]] = {}
    for text in texts:
        key, equals, rest = text.partition("=")
        key = key.strip().lower()
        if key not in AXES or not equals:
            raise ValueError(f"expected KEY=VALUE,VALUE with one of {', '.join(AXES)}, got {text!r}")
        if key in axes:
            raise ValueError(f"{key} is given twice; write its values as {key}=A,B")
        axes[key] = [value.strip() for value in rest.split(",") if value.strip()]
    return combinations(axes)


def _tag(text: str) -> str:
    """Return a text as part of a tag, in which dots may be."""
    return re.sub(r"[^A-Za-z0-9_.]+", "-", text).strip("-.") or "x"
