"""Arguments of public functions, checked at the door: an error names the argument, not an attribute that it lacks."""

from __future__ import annotations

from os import PathLike


def check_type(name: str, value: object, kind: type | tuple[type, ...], hint: str = "") -> None:
    """Raise `TypeError` unless `value`, the argument called `name`, is a `kind`; `hint` says where one comes from.

    >>> check_type("image", "ubuntu", int)
    Traceback (most recent call last):
    ...
    TypeError: image must be int, not str: 'ubuntu'
    """
    if not isinstance(value, kind):
        kinds = kind if isinstance(kind, tuple) else (kind,)
        raise _wrong(name, " or ".join(each.__name__ for each in kinds), value, hint)


def check_optional(name: str, value: object, kind: type | tuple[type, ...], hint: str = "") -> None:
    """Raise `TypeError` unless `value` is None or a `kind`; see `check_type`."""
    if value is not None:
        check_type(name, value, kind, hint)


def check_path(name: str, value: object) -> None:
    """Raise `TypeError` unless `value` is a path, and `ValueError` for one that no file can have."""
    check_type(name, value, (str, PathLike))
    text = str(value)
    if "\0" in text or any("\ud800" <= character < "\udc80" or "\udcff" < character <= "\udfff" for character in text):
        raise ValueError(f"{name} cannot be a path: {repr(value)[:80]}")


def check_number(name: str, value: object, *, least: float, whole: bool = True) -> None:
    """Raise `TypeError` unless `value` is a number, a `whole` one as a rule, and `ValueError` below `least`.

    >>> check_number("attempts", 0, least=1)
    Traceback (most recent call last):
    ...
    ValueError: attempts must be at least 1, not 0
    """
    if isinstance(value, bool) or not isinstance(value, int if whole else (int, float)):
        raise _wrong(name, "a whole number" if whole else "a number", value)
    if not value >= least:  # what is not a number (NaN) is not greater than anything
        raise ValueError(f"{name} must be at least {least}, not {value}")


def check_method(name: str, value: object, method: str, hint: str = "") -> None:
    """Raise `TypeError` unless `value` has a method of that name: protocols are not checked further.

    >>> check_method("progress", None, "start")
    Traceback (most recent call last):
    ...
    TypeError: progress must be an object with start(), not NoneType: None
    """
    if not callable(getattr(value, method, None)):
        raise _wrong(name, f"an object with {method}()", value, hint)


def check_callable(name: str, value: object) -> None:
    """Raise `TypeError` unless `value` is None or can be called."""
    if value is not None and not callable(value):
        raise _wrong(name, "a function", value)


def _wrong(name: str, expected: str, value: object, hint: str = "") -> TypeError:
    advice = f"; {hint}" if hint else ""
    return TypeError(f"{name} must be {expected}, not {type(value).__name__}: {repr(value)[:80]}{advice}")
