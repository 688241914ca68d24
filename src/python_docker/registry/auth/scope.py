"""Scopes: what a token allows (distribution, docs/content/spec/auth/scope.md)."""

from __future__ import annotations

from collections.abc import Iterable

CATALOG = "registry:catalog:*"
"""The scope to list all repositories."""


def repository_scope(path: str, *actions: str) -> str:
    """Return the scope for actions on one repository.

    >>> repository_scope("team/app", "pull", "push")
    'repository:team/app:pull,push'
    """
    return f"repository:{path}:{','.join(actions)}"


def permissions(scopes: Iterable[str]) -> frozenset[tuple[str, str]]:
    """Return the single permissions in scopes, as pairs of resource and action; one string may hold several scopes.

    >>> sorted(permissions(["repository:a:pull,push repository:b:pull"]))
    [('repository:a', 'pull'), ('repository:a', 'push'), ('repository:b', 'pull')]
    """
    found: set[tuple[str, str]] = set()
    for text in scopes:
        for scope in text.split():
            # A name may hold a colon (a host's port): the actions come after the last.
            resource, _, actions = scope.rpartition(":")
            found.update((resource, action) for action in actions.split(","))
    return frozenset(found)


def merge_scopes(scopes: Iterable[str]) -> list[str]:
    """Return the same permissions with one scope for each resource, in the order in which they first come.

    >>> merge_scopes(["repository:a:pull", "repository:b:pull", "repository:a:push"])
    ['repository:a:pull,push', 'repository:b:pull']
    """
    merged: dict[str, dict[str, None]] = {}
    for text in scopes:
        for scope in text.split():
            resource, _, actions = scope.rpartition(":")
            merged.setdefault(resource, {}).update(dict.fromkeys(actions.split(",")))
    return [f"{resource}:{','.join(actions)}" for resource, actions in merged.items()]
