"""Lists that a registry gives in pages: its repositories, and the tags of one (distribution-spec, "Listing Tags")."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from python_docker.errors import InvalidDocument, RegistryError
from python_docker.http.headers import next_link
from python_docker.registry.auth.scope import CATALOG, repository_scope
from python_docker.spec.strict_json import parse_json

if TYPE_CHECKING:
    from python_docker.http.response import Response
    from python_docker.registry.session import RegistrySession

_MAX_PAGES = 10_000
_MAX_SIZE = 32 << 20  # bytes of one page; some registries know no pages


@dataclass(frozen=True, slots=True)
class NameList:
    """A list of names: where it is, its field in the answer, what asking for it is called, and the scope for it."""

    target: str
    field: str
    action: str
    scope: str


REPOSITORIES = NameList("/v2/_catalog", "repositories", "list its repositories", CATALOG)


def tags_of(path: str) -> NameList:
    """Return the list of a repository's tags."""
    return NameList(f"/v2/{path}/tags/list", "tags", f"list the tags of {path}", repository_scope(path, "pull"))


def pages(session: RegistrySession, names: NameList, page_size: int | None, last: str | None) -> Iterator[list[str]]:
    """Yield a list after `last`, in pages of `page_size` names (the registry's own number when it is None).

    Raises `RegistryError` for a list without an end and for one that continues elsewhere, `InvalidDocument` for what is
    not a list.
    """
    host, action = session.address.host, names.action
    query = [f"n={page_size}"] if page_size is not None else []
    query += [f"last={quote(last, safe='')}"] if last is not None else []
    target = names.target + ("?" + "&".join(query) if query else "")
    for response in paged_answers(session, target, action, names.scope, _MAX_SIZE):
        answer: Any = parse_json(response.content(_MAX_SIZE), f"the answer of {host}", limit=_MAX_SIZE)
        # Null for none, say some.
        page = (answer.get(names.field) or []) if isinstance(answer, dict) else None
        if not isinstance(page, list) or not all(isinstance(name, str) for name in page):
            raise InvalidDocument(f"{host}: cannot {action}: its answer is malformed at {names.field}")
        yield page


def paged_answers(session: RegistrySession, target: str, action: str, scope: str, limit: int) -> Iterator[Response]:
    """Yield the answers to a question that is answered in pages, each of at most `limit` bytes.

    Raises `RegistryError` for pages without an end and for those that continue elsewhere.
    """
    host = session.address.host
    url = target
    seen: set[str] = set()
    while url not in seen:
        if len(seen) >= _MAX_PAGES:
            raise RegistryError(f"{host}: cannot {action}: the list has no end")
        seen.add(url)
        response = session.request("GET", url, action=action, scopes=[scope], limit=limit)
        yield response
        link = next_link(response.header_values("link"))
        if link is None:
            return
        url = session.resolve(response, link)
        if not session.is_own(url):
            raise RegistryError(f"{host}: cannot {action}: its list continues at another host")
    raise RegistryError(f"{host}: cannot {action}: its pages form a circle")


def next_names(pages: Iterable[list[str]], n: int | None, last: str | None) -> list[str]:
    """Return the first `n` names after `last`, from pages of a registry that may not know of either.

    >>> next_names([["b", "a"], ["d", "c"]], n=2, last="a")
    ['b', 'c']
    """
    names: list[str] = []
    knows_last = True
    for page in pages:
        names += page
        if last is not None and not (knows_last := knows_last and last not in page):
            names = sorted(name for name in names if name > last)
        if n is not None and len(names) >= n:
            break
    return sorted(names)[:n] if n is not None and len(names) > n else names
