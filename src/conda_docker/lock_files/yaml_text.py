"""YAML as text: the values of JSON, so that every reader takes strings for strings."""

from __future__ import annotations

from typing import Any


def yaml_text(document: dict[str, Any]) -> str:
    """Return a document as YAML in block style, keys in their order.

    >>> print(yaml_text({"version": 1, "packages": [{"name": "x", "version": "1.10"}]}), end="")
    version: 1
    packages:
    - name: x
      version: '1.10'
    """
    import yaml

    class Dumper(getattr(yaml, "CSafeDumper", yaml.SafeDumper)):  # type: ignore[misc]
        def ignore_aliases(self, data: object) -> bool:
            return True

    text: str = yaml.dump(document, Dumper=Dumper, sort_keys=False, allow_unicode=True, width=10_000)
    return text
