"""Arguments of public functions, checked at the door: an error names the argument, not an attribute that it lacks."""

from __future__ import annotations


def check_type(name: str, value: object, kind: type, hint: str = "") -> None:
    """Raise `TypeError` unless `value`, the argument called `name`, is a `kind`; `hint` says where one comes from.

    >>> check_type("image", "ubuntu", int)
    Traceback (most recent call last):
    ...
    TypeError: image must be int, not str: 'ubuntu'
    """
    if not isinstance(value, kind):
        advice = f"; {hint}" if hint else ""
        raise TypeError(f"{name} must be {kind.__name__}, not {type(value).__name__}: {repr(value)[:80]}{advice}")


def check_optional(name: str, value: object, kind: type, hint: str = "") -> None:
    """Raise `TypeError` unless `value` is None or a `kind`; see `check_type`."""
    if value is not None:
        check_type(name, value, kind, hint)
