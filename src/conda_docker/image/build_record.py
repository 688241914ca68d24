"""BuildRecord: how the layers of an environment were made, kept in the image's history so that they can be made again.

The packages' own entries name them by URL and hash; this is the rest of what the bytes of layers depend on. All of it
is what the user chose or what the base image says: nothing of the machine that built, and no secret.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from conda_docker.build_options import Activate, BuildOptions, LinkScripts
from conda_docker.layers.recipe import LAYER_FORMAT, Recipe
from python_docker.streams.compression import Compression

if TYPE_CHECKING:
    from conda_docker.image.runtime.users import ContainerUser

ENVIRONMENT_FORMAT = 4
"""To be raised whenever the same inputs give another layer of an environment's own."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BuildRecord:
    """How the layers of one environment were made.

    `layer_format` and `environment_format` are those of the release that made them. The fields of `Recipe` and
    `BuildOptions` have the meaning that they have there; `extracted` says that some packages were read from extracted
    folders, whose files come in another order than an archive's.
    """

    layer_format: int = LAYER_FORMAT
    environment_format: int = ENVIRONMENT_FORMAT
    bytecode: str | None = None
    compression: Compression = Compression.GZIP
    level: int | None = None
    trim: bool = False
    exclude: tuple[str, ...] = ()
    place: str | None = None
    activate: Activate = Activate.AUTO
    user: str | None = None
    user_name: str | None = None
    home: str | None = None
    frozen: bool = False
    extracted: bool = False
    link_scripts_network: bool = False
    activated: Mapping[str, Any] = field(default_factory=dict)
    """What `Activation.to_json` says."""

    @classmethod
    def of(
        cls,
        recipe: Recipe,
        options: BuildOptions,
        *,
        extracted: bool = False,
        activated: Mapping[str, Any] | None = None,
        account: ContainerUser | None = None,
    ) -> BuildRecord:
        """Return the record of a build by this release.

        `account` is the user that the options come to on the base image. It is what is recorded, where it is known, so
        that options which say the same in other words make the same image.
        """
        user, user_name, home = options.user, options.user_name, options.home
        if account is not None and account.added:
            user, user_name, home = account.number, account.name, account.home
        elif account is not None:
            user, user_name, home = f"{account.name}:{account.gid}", None, account.home if account.moved else None
        return cls(
            bytecode=recipe.bytecode,
            compression=recipe.compression,
            level=recipe.level,
            trim=recipe.trim,
            exclude=recipe.exclude,
            place=recipe.place,
            activate=options.activate,
            user=user,
            user_name=user_name,
            home=home,
            frozen=options.frozen,
            extracted=extracted,
            link_scripts_network=options.link_scripts is LinkScripts.RUN and options.link_scripts_network,
            activated=activated or {},
        )

    def recipe(self, prefix: str, python_version: str | None, site_packages: str | None) -> Recipe:
        """Return how the packages became layers, in an environment at `prefix` with this Python.

        Raises what `Recipe` raises for values that cannot be.
        """
        return Recipe(
            prefix=prefix,
            python_version=python_version,
            site_packages=site_packages,
            bytecode=self.bytecode,
            compression=self.compression,
            level=self.level,
            trim=self.trim,
            exclude=self.exclude,
            place=self.place,
        )

    def to_json(self) -> dict[str, Any]:
        """Return the record as JSON values; what is as it is by default is left out.

        >>> BuildRecord(bytecode="3.12.1", level=6).to_json()
        {'layerFormat': 5, 'environmentFormat': 4, 'bytecode': '3.12.1', 'compression': 'gzip', 'level': 6}
        """
        value: dict[str, Any] = {
            "layerFormat": self.layer_format,
            "environmentFormat": self.environment_format,
            "bytecode": self.bytecode,
            "compression": str(self.compression),
            "level": self.level,
        }
        others = {
            "trim": self.trim,
            "exclude": list(self.exclude),
            "place": self.place,
            "activate": None if self.activate is Activate.AUTO else str(self.activate),
            "user": self.user,
            "userName": self.user_name,
            "home": self.home,
            "frozen": self.frozen,
            "extracted": self.extracted,
            "linkScriptsNetwork": self.link_scripts_network,
            "activated": dict(self.activated),
        }
        return value | {name: other for name, other in others.items() if other}

    @classmethod
    def from_json(cls, value: Any) -> BuildRecord | None:
        """Return what `to_json` wrote; None for anything else, such as nothing at all.

        >>> BuildRecord.from_json({"layerFormat": "x"}) is None
        True
        """
        if not isinstance(value, Mapping):
            return None
        try:
            return cls(
                layer_format=int(value["layerFormat"]),
                environment_format=int(value["environmentFormat"]),
                bytecode=_text(value.get("bytecode")),
                compression=Compression(value["compression"]),
                level=None if value.get("level") is None else int(value["level"]),
                trim=bool(value.get("trim")),
                exclude=tuple(map(str, value.get("exclude", ()))),
                place=_text(value.get("place")),
                activate=Activate(value.get("activate", Activate.AUTO)),
                user=_text(value.get("user")),
                user_name=_text(value.get("userName")),
                home=_text(value.get("home")),
                frozen=bool(value.get("frozen")),
                extracted=bool(value.get("extracted")),
                link_scripts_network=bool(value.get("linkScriptsNetwork")),
                activated=dict(value.get("activated", {})),
            )
        except (KeyError, TypeError, ValueError):
            return None


def _text(value: object) -> str | None:
    if value is None:
        return None
    if not isinstance(value, str):
        raise TypeError(f"{value!r} is not a string")
    return value
