"""Policy: the rules that packages of an image must obey, from options and from a file."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, fields, replace
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from conda_docker.arguments.amounts import parse_duration
from conda_docker.arguments.toml_document import toml_document
from conda_docker.arguments.values import Conversion, convert_fields, to_flag, to_texts, wrong_type
from conda_docker.errors import InvalidEnvironment, InvalidPolicy, MissingExtra, PolicyNotFound
from conda_docker.user_files import read_text, user_path
from python_docker.errors import NotFound

if TYPE_CHECKING:
    from conda_docker.policy.advisories.sources import AdvisorySource


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """Rules for conda packages and wheels; without any, everything is allowed.

    `deny_licenses` are patterns such as `AGPL-*` that no license may match which cannot be avoided by choosing another
    of an expression; `none` stands for a package that states none. `allow_channels` are URLs, or names on the usual
    host, that conda packages must be from, and the beginnings of URLs that wheels must have, or `pypi` for any.
    `max_age` and `exclude_newer` are about when conda packages were built. With `require_hash` each package needs a
    SHA-256. `advisories` are sources of advisories, of which no Python package may match any but those in
    `ignore_advisories`. Strings mean what they mean to the command line.

    Raises `TypeError`, `ValueError` or `InvalidPolicy` for what is no rule: it would otherwise allow everything.

    >>> Policy(deny_licenses="AGPL-*", max_age="30d")  # doctest: +ELLIPSIS
    Policy(deny_licenses=('AGPL-*',), allow_channels=(), max_age=datetime.timedelta(days=30), ...)
    """

    deny_licenses: tuple[str, ...] = ()
    allow_channels: tuple[str, ...] = ()
    max_age: timedelta | None = None
    require_hash: bool = False
    exclude_newer: datetime | None = None
    advisories: tuple[AdvisorySource, ...] = ()
    ignore_advisories: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        convert_fields(self, _CONVERSIONS)

    def __bool__(self) -> bool:
        return self != Policy()

    def and_also(self, other: Policy) -> Policy:
        """Return the policy that obeys both: of two times the stricter, of two lists of channels what both allow.

        >>> Policy(allow_channels=("a", "b")).and_also(Policy(allow_channels=("b", "c"))).allow_channels
        ('b',)
        """
        channels = self.allow_channels or other.allow_channels
        if self.allow_channels and other.allow_channels:
            channels = tuple(channel for channel in self.allow_channels if channel in other.allow_channels)
            if not channels:
                raise InvalidPolicy("the rules that must all be obeyed have no channel in common (--allow-channel)")
        return Policy(
            deny_licenses=tuple(dict.fromkeys((*self.deny_licenses, *other.deny_licenses))),
            allow_channels=channels,
            max_age=min(filter(None, (self.max_age, other.max_age)), default=None),
            require_hash=self.require_hash or other.require_hash,
            exclude_newer=min(filter(None, (self.exclude_newer, other.exclude_newer)), default=None),
            advisories=tuple(dict.fromkeys((*self.advisories, *other.advisories))),
            ignore_advisories=tuple(dict.fromkeys((*self.ignore_advisories, *other.ignore_advisories))),
        )


def read_policy(path: Path) -> Policy:
    """Return the policy in a TOML file, whose keys are the options without their dashes.

    Raises `PolicyNotFound`, and `InvalidPolicy` for a file that cannot be read, a key that is not known, and a value
    that cannot be meant: a rule that is misspelt would otherwise allow everything.

        deny-license = ["AGPL-*", "none"]
        allow-channel = ["conda-forge"]
        require-hash = true
    """
    try:
        value = toml_document(read_text(path), f"the policy {path}")
    except NotFound:
        raise PolicyNotFound(f"there is no policy {path}") from None
    except InvalidEnvironment as error:
        raise InvalidPolicy(str(error)) from None
    unknown = sorted(value.keys() - _KEYS.keys())
    if unknown:
        raise InvalidPolicy(f"the policy {path} has unknown keys: {', '.join(unknown)}; there are: {', '.join(_KEYS)}")
    policy = Policy()
    for key, item in value.items():
        name, convert = _KEYS[key]
        try:
            policy = replace(policy, **{name: convert(item)})
        except (ValueError, TypeError) as error:
            raise InvalidPolicy(f"the policy {path}: {key}: {error}") from None
    folder = path.absolute().parent
    sources = [source.with_path(lambda place: str(folder / user_path(place))) for source in policy.advisories]
    return replace(policy, advisories=tuple(sources))


def to_moment(text: object) -> datetime:
    """Return a moment: a day (all of it), a time with its zone, or a duration before now. Raises `ValueError`.

    >>> to_moment("2026-03-30").isoformat()
    '2026-03-31T00:00:00+00:00'
    """
    from conda_docker.arguments.cutoff import parse_cutoff

    if isinstance(text, datetime):
        text = text.isoformat()
    elif not isinstance(text, str):
        text = str(text)  # a date of TOML
    try:
        return parse_cutoff(text)
    except ValueError:
        raise ValueError(f"expected a date such as 2026-03-30 or 2026-03-30T12:00:00Z, got {text[:80]!r}") from None


def to_words(texts: Sequence[str]) -> tuple[str, ...]:
    """Return strings without the blanks around them. Raises `ValueError` for an empty one, which would rule nothing.

    >>> to_words(["MIT ", "AGPL-*"])
    ('MIT', 'AGPL-*')
    """
    words = tuple(text.strip() for text in texts)
    if not all(words):
        raise ValueError("the value is empty")
    return words


def to_licenses(texts: Sequence[str]) -> tuple[str, ...]:
    """Return patterns of licenses. Raises `ValueError`, and `InvalidPolicy` for those that would match none.

    Without the library that knows licenses they are checked where they are used.
    """
    from conda_docker.policy.licenses import check_patterns

    words = to_words(texts)
    with suppress(MissingExtra):
        check_patterns(words)
    return words


def _texts(value: object) -> tuple[str, ...]:
    items = [value] if isinstance(value, str) else value
    if not isinstance(items, list) or not all(isinstance(item, str) for item in items):
        raise TypeError("expected a list of strings")
    return to_words(items)


def _channels(value: object) -> tuple[str, ...]:
    channels = _texts(value)
    if not channels:
        raise ValueError("an empty list would allow every channel: name those that are allowed, or leave out the key")
    return channels


def _flag(value: object) -> bool:
    if not isinstance(value, bool):
        raise TypeError("expected true or false")
    return value


def _sources(value: object) -> tuple[AdvisorySource, ...]:
    from conda_docker.policy.advisories.sources import AdvisorySource

    return tuple(AdvisorySource.parse(text) for text in _texts(value))


def _to_rules(name: str, value: object) -> tuple[str, ...]:
    try:
        return to_words(to_texts(name, value))
    except ValueError as error:
        raise ValueError(f"{name}: {error}") from None


def _to_age(name: str, value: object) -> timedelta | None:
    if value is None or isinstance(value, timedelta):
        return value
    if not isinstance(value, str):
        raise wrong_type(name, "a duration such as '90d'", value)
    try:
        return parse_duration(value)
    except ValueError as error:
        raise ValueError(f"{name}: {error}") from None


def _to_moment(name: str, value: object) -> datetime | None:
    if value is None:
        return None
    if not isinstance(value, str | date):
        raise wrong_type(name, "a date such as '2026-03-30'", value)
    if isinstance(value, datetime) and value.tzinfo is not None:
        return value
    try:
        return to_moment(value)
    except ValueError as error:
        raise ValueError(f"{name}: {error}") from None


def _to_sources(name: str, value: object) -> tuple[AdvisorySource, ...]:
    if not value and isinstance(value, tuple):
        return ()
    from conda_docker.policy.advisories.sources import AdvisorySource

    if isinstance(value, str | AdvisorySource):
        value = (value,)
    if not isinstance(value, Iterable) or isinstance(value, bytes | Mapping):
        raise wrong_type(name, "sources of advisories such as 'osv:PATH'", value)
    sources = []
    for item in value:
        if not isinstance(item, str | AdvisorySource):
            raise wrong_type(name, "sources of advisories such as 'osv:PATH'", item, "one of them is")
        sources.append(AdvisorySource.parse(item) if isinstance(item, str) else item)
    return tuple(sources)


_CONVERSIONS: Mapping[str, Conversion] = {
    "deny_licenses": _to_rules,
    "allow_channels": _to_rules,
    "max_age": _to_age,
    "require_hash": to_flag,
    "exclude_newer": _to_moment,
    "advisories": _to_sources,
    "ignore_advisories": _to_rules,
}

_KEYS: Mapping[str, tuple[str, Callable[[Any], Any]]] = {
    "deny-license": ("deny_licenses", lambda value: to_licenses(_texts(value))),
    "allow-channel": ("allow_channels", _channels),
    "max-age": ("max_age", lambda text: parse_duration(str(text))),
    "require-hash": ("require_hash", _flag),
    "exclude-newer": ("exclude_newer", to_moment),
    "advisories": ("advisories", _sources),
    "ignore-advisory": ("ignore_advisories", _texts),
}
assert {name for name, _ in _KEYS.values()} == {field.name for field in fields(Policy)}
