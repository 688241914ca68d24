"""Files that are added, as docker's own command would send them to a build."""

from __future__ import annotations

import io
import tarfile
from pathlib import Path

import pytest

from conda_docker.build_options import BuildOptions
from conda_docker.errors import UnsupportedInput
from conda_docker.image.base.accounts import User
from conda_docker.image.base.system import BaseSystem
from conda_docker.image.content.added_files import add_files, owner_of
from conda_docker.image.runtime.users import container_user
from conda_docker.image.tree import ImageTree
from python_docker.errors import InvalidPath, NotFound
from python_docker.image import Image
from python_docker.tar import EntryType, TarEntry
from tests.peers import DockerEngine

PATHS = (
    "README.md",
    "a.log",
    "app/main.py",
    "app/a.log",
    "app/data/x.csv",
    "app/data/keep/y.csv",
    "build/out",
    "docs/a.md",
    "docs/deep/b.md",
    "node_modules/x/index.js",
    "src/node_modules/y.js",
    "temp1",
    "tempa",
    "keep.tmp",
    "other.tmp",
    "#odd",
    ".env",
)
IGNORED = """
# a comment
*.log
**/node_modules
/build/
docs/**/*.md
!docs/a.md
app/data
!app/data/keep
temp?
*.tmp
!keep.tmp
[#]odd
.dockerignore
"""


def write_tree(folder: Path, ignored: str | None = None) -> Path:
    for path in PATHS:
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(path)
    if ignored is not None:
        (folder / ".dockerignore").write_text(ignored)
    return folder


def added(folder: Path, system: BaseSystem | None = None, **options: object) -> dict[str, TarEntry]:
    """Return what is added of a folder at /srv, by paths in it."""
    image = Image()
    given = BuildOptions(add=[(folder, "/srv")], **options)  # type: ignore[arg-type]
    layer = add_files(image, given, system or BaseSystem(), None, ImageTree())
    return {entry.path.removeprefix("srv/"): entry for entry, _ in layer.entries() if entry.path != "srv"}


def files(entries: dict[str, TarEntry]) -> set[str]:
    return {path for path, entry in entries.items() if entry.type.name == "FILE"}


def test_a_folder_without_a_dockerignore(tmp_path: Path) -> None:
    assert files(added(write_tree(tmp_path))) == set(PATHS)


def test_what_a_dockerignore_leaves_out(tmp_path: Path) -> None:
    assert files(added(write_tree(tmp_path, IGNORED))) == {
        "README.md",
        "app/main.py",
        "app/a.log",
        "app/data/keep/y.csv",
        "docs/a.md",
        "keep.tmp",
        ".env",
    }


@pytest.mark.parametrize("ignored", [IGNORED, "*\n!app\n", "**\n!*.md\n", "app/*/\n!app/data/x.csv", "./docs/../app\n"])
def test_docker_leaves_out_the_same(
    docker_engine: DockerEngine, tmp_path: Path, ignored: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    context = write_tree(tmp_path / "context", f"{ignored}\nDockerfile\n")
    (context / "Dockerfile").write_text("FROM scratch\nCOPY . /srv\n")
    monkeypatch.setenv("DOCKER_BUILDKIT", "0")
    docker_engine.docker("build", "--tag", "ignored:v1", context)
    saved = docker_engine.save(tmp_path / "saved.tar", "ignored:v1")
    theirs: set[str] = set()
    with tarfile.open(saved) as archive:
        for name in archive.getnames():
            if name.endswith("layer.tar"):
                layer = archive.extractfile(name)
                assert layer is not None
                with tarfile.open(fileobj=io.BytesIO(layer.read())) as content:
                    theirs |= {member.name.removeprefix("srv/") for member in content if member.isfile()}
    assert files(added(context)) == theirs


def test_the_mode_of_files_and_folders(tmp_path: Path) -> None:
    entries = added(write_tree(tmp_path), chmod="640")
    assert (entries["app/main.py"].mode, entries["app"].mode) == (0o640, 0o750)


@pytest.mark.parametrize(("place", "path"), [("/srv/", "srv/x.csv"), ("/srv", "srv"), ("/", "x.csv")])
def test_a_file_goes_into_a_place_that_ends_in_a_slash(tmp_path: Path, place: str, path: str) -> None:
    (tmp_path / "x.csv").write_text("x")
    layer = add_files(Image(), BuildOptions(add=[(tmp_path / "x.csv", place)]), BaseSystem(), None, ImageTree())
    assert [entry.path for entry, _ in layer.entries() if entry.type.name == "FILE"] == [path]


def placed(tree: ImageTree, *pairs: tuple[Path, str]) -> dict[str, str]:
    """Return the kinds of what is added to an image with the paths of `tree`, by its own paths."""
    layer = add_files(Image(), BuildOptions(add=pairs), BaseSystem(), None, tree)
    return {entry.path: entry.type.name for entry, _ in layer.entries() if entry.type is not EntryType.DIRECTORY}


def test_a_file_goes_into_a_folder_of_the_image(tmp_path: Path) -> None:
    (tmp_path / "x").write_text("x")
    tree = ImageTree([TarEntry("etc/passwd"), TarEntry("conf", EntryType.SYMLINK, link_target="/etc")])
    for place in ("/etc", "/conf"):
        assert placed(tree, (tmp_path / "x", place)) == {"etc/x": "FILE"}


def test_a_file_goes_into_a_folder_that_is_added_before_it(tmp_path: Path) -> None:
    write_tree(tmp_path / "app")
    (tmp_path / "x").write_text("x")
    assert {"srv/x", "srv/.env"} < placed(ImageTree(), (tmp_path / "app", "/srv"), (tmp_path / "x", "/srv")).keys()


def test_a_file_replaces_a_file(tmp_path: Path) -> None:
    (tmp_path / "x").write_text("x")
    assert placed(ImageTree([TarEntry("etc/passwd")]), (tmp_path / "x", "/etc/passwd")) == {"etc/passwd": "FILE"}


HOME = TarEntry("home/me", EntryType.DIRECTORY, 0o700, 0, 5, uid=1000, gid=100)


@pytest.mark.parametrize("place", ["/home/me/x", "/home/me/", "/home/me/deep/er/x"])
def test_folders_of_the_image_keep_their_owners(tmp_path: Path, place: str) -> None:
    (tmp_path / "x").write_text("x")
    layer = add_files(Image(), BuildOptions(add=[(tmp_path / "x", place)]), BaseSystem(), None, ImageTree([HOME]))
    entries = {entry.path: entry for entry, _ in layer.entries()}
    assert entries["home/me"] == HOME


def test_a_folder_that_is_put_over_one_of_the_image_leaves_its_owner(tmp_path: Path) -> None:
    write_tree(tmp_path)
    layer = add_files(Image(), BuildOptions(add=[(tmp_path, "/home/me")]), BaseSystem(), None, ImageTree([HOME]))
    entries = {entry.path: entry for entry, _ in layer.entries()}
    assert (entries["home/me"], entries["home/me/app"].uid) == (HOME, 0)


@pytest.mark.parametrize("place", ["/srv", "/srv/", "/srv/x"])
def test_links_of_the_image_stay_links(tmp_path: Path, place: str) -> None:
    (tmp_path / "x").write_text("x")
    tree = ImageTree(
        [TarEntry("var/srv", EntryType.DIRECTORY), TarEntry("srv", EntryType.SYMLINK, link_target="var/srv")]
    )
    layer = add_files(Image(), BuildOptions(add=[(tmp_path / "x", place)]), BaseSystem(), None, tree)
    assert [entry.path for entry, _ in layer.entries()] == ["var", "var/srv", "var/srv/x"]


def test_a_folder_follows_the_links_of_the_image(tmp_path: Path) -> None:
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "x").write_text("x")
    tree = ImageTree([TarEntry("usr/bin/sh"), TarEntry("bin", EntryType.SYMLINK, link_target="usr/bin")])
    layer = add_files(Image(), BuildOptions(add=[(tmp_path, "/")]), BaseSystem(), None, tree)
    assert [entry.path for entry, _ in layer.entries()] == ["usr", "usr/bin", "usr/bin/x"]


@pytest.mark.parametrize(
    ("source", "place", "message"),
    [
        ("app", "/bin/sh", "/bin/sh is a file in the image"),
        ("app/main.py", "/bin/sh/x", "/bin/sh is a file in the image"),
        ("app/main.py", "/bin/sh/", "/bin/sh is a file in the image"),
        ("app/main.py", "/srv", "/srv/main.py, which is a folder in the image"),
        ("app", "/srv", "/srv/main.py, which is a folder in the image"),
    ],
)
def test_no_folder_is_put_over_a_file_and_no_file_over_a_folder(
    tmp_path: Path, source: str, place: str, message: str
) -> None:
    tree = ImageTree([TarEntry("bin/sh"), TarEntry("srv/main.py", EntryType.DIRECTORY)])
    with pytest.raises(InvalidPath, match=message):
        placed(tree, (write_tree(tmp_path) / source, place))


def test_a_link_that_is_named_itself_is_followed(tmp_path: Path) -> None:
    (tmp_path / "a.sh").write_text("a")
    (tmp_path / "link").symlink_to("a.sh")
    assert placed(ImageTree(), (tmp_path / "link", "/srv/")) == {"srv/link": "FILE"}


def test_a_link_that_leads_nowhere_cannot_be_added(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to("gone")
    with pytest.raises(NotFound, match="leads nowhere"):
        placed(ImageTree(), (tmp_path / "link", "/srv/a"))


def test_links_are_added_as_links(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "link").symlink_to("folder")
    entries = added(tmp_path, chmod=0o600)
    assert (entries["link"].type.name, entries["link"].link_target) == ("SYMLINK", "folder")


def test_whose_files_are(tmp_path: Path) -> None:
    system = BaseSystem(users={"web": User(33, 44, "/var/www")}, groups={"staff": 50})
    entries = added(write_tree(tmp_path), system, chown="web:staff")
    assert {(entry.uid, entry.gid) for entry in entries.values()} == {(33, 50)}


@pytest.mark.parametrize(
    ("text", "numbers"), [("web", (33, 44)), ("1000", (1000, 1000)), ("1:2", (1, 2)), ("root", (0, 0))]
)
def test_owners(text: str, numbers: tuple[int, int]) -> None:
    assert owner_of(text, BaseSystem(users={"web": User(33, 44, "/var/www")}), None) == numbers


def test_the_user_that_is_added_to_the_base() -> None:
    assert owner_of("app", BaseSystem(), container_user("1234", BaseSystem())) == (1234, 1234)


def test_a_user_that_nobody_has() -> None:
    with pytest.raises(UnsupportedInput, match="--chown ghost: the image has no user 'ghost'"):
        owner_of("ghost", BaseSystem(), None)


def test_owner_and_mode_are_those_of_added_files() -> None:
    with pytest.raises(ValueError, match="chown needs add"):
        BuildOptions(chown="1000")
