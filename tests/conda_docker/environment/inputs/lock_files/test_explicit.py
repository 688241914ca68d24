"""@EXPLICIT lists name exact packages."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from conda_docker.environment.inputs.kind import InputFile, ReadRequest
from conda_docker.environment.inputs.lock_files.explicit import KIND, parse_explicit
from conda_docker.errors import InvalidEnvironment, UnsupportedInput
from conda_docker.user_files import read_text
from tests.conda_docker.environment.real_files import real_files

MD5 = "d7c89558ba9fa0495403155b64376d81"
SHA256 = "fe51de6107f9edc7aa4f786a70f4a883943bc9d39b3bb7307c04c41410990726"
HOST = "https://conda.anaconda.org/conda-forge"
EXAMPLE = f"""# This file may be used to create an environment using:
# $ conda create --name <env> --file <this file>
# platform: linux-64

@EXPLICIT
{HOST}/linux-64/_libgcc_mutex-0.1-conda_forge.tar.bz2#{MD5}

# a comment between
  {HOST}/noarch/tzdata-2025b-h78e105d_0.conda#sha256:{SHA256}
{HOST}/linux-64/zlib-1.3-h1_0.conda#{SHA256}
{HOST}/linux-64/xz-5.8-h1_0.conda
"""


def test_everything() -> None:
    found = parse_explicit(EXAMPLE)
    assert found.subdir == "linux-64"
    assert [package.name for package in found.packages] == ["_libgcc_mutex", "tzdata", "zlib", "xz"]
    assert [package.md5 for package in found.packages] == [MD5, None, None, None]
    assert [package.sha256 for package in found.packages] == [None, SHA256, SHA256, None]
    assert [package.subdir for package in found.packages] == ["linux-64", "noarch", "linux-64", "linux-64"]
    assert found.channels == (f"{HOST}/",)
    assert not found.complete


def test_upper_case_hashes() -> None:
    assert parse_explicit(f"@EXPLICIT\n{HOST}/linux-64/a-1-0.conda#{MD5.upper()}").packages[0].md5 == MD5


def test_windows_line_ends() -> None:
    assert len(parse_explicit(EXAMPLE.replace("\n", "\r\n")).packages) == 4


def test_the_comment_of_our_own_lists() -> None:
    comment = '# conda-docker: {"requested": ["zlib >=1"], "variables": {"A": "b"}}\n'
    found = parse_explicit(comment + EXAMPLE)
    assert (found.requested, found.variables) == (("zlib>=1",), {"A": "b"})


@pytest.mark.parametrize("request_", ["{", "{}", '{"requested": 1}', '{"variables": []}', '{"requested": {"a": 1}}'])
def test_such_a_comment_that_is_damaged_is_a_comment(request_: str) -> None:
    found = parse_explicit(f"# conda-docker: {request_}\n{EXAMPLE}")
    assert (found.requested, found.variables) == ((), {})


def test_credentials_are_kept_for_the_download_alone() -> None:
    found = parse_explicit("@EXPLICIT\nhttps://me:s3cret@host/t/tk-s3cret/c/linux-64/a-1-0.conda")
    assert "s3cret" in found.packages[0].url
    assert "s3cret" not in str(found.packages[0].record) + found.packages[0].public_url + str(found.channels)


def test_paths_and_file_urls(tmp_path: Path) -> None:
    (tmp_path / "a-1-0.conda").touch()
    (tmp_path / "b-1-0.conda").touch()
    url = (tmp_path / "b-1-0.conda").as_uri()
    found = parse_explicit(f"@EXPLICIT\n./a-1-0.conda#{MD5}\n{url}\n", subdir="linux-aarch64", folder=tmp_path)
    assert [package.source for package in found.packages] == [tmp_path / "a-1-0.conda", tmp_path / "b-1-0.conda"]
    assert found.packages[0].md5 == MD5
    assert found.subdir == "linux-aarch64"


@pytest.mark.parametrize(
    ("lines", "wanted", "subdir"),
    [
        ("# platform: linux-aarch64\n@EXPLICIT\n{0}/noarch/a-1-0.conda", None, "linux-aarch64"),
        ("@EXPLICIT\n{0}/linux-s390x/a-1-0.conda", None, "linux-s390x"),
        ("@EXPLICIT\n{0}/noarch/a-1-0.conda", "linux-ppc64le", "linux-ppc64le"),
        ("@EXPLICIT\n", "linux-64", "linux-64"),
    ],
)
def test_what_it_is_for(lines: str, wanted: str | None, subdir: str) -> None:
    assert parse_explicit(lines.format(HOST), subdir=wanted).subdir == subdir


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        ("{0}/linux-64/a-1-0.conda", "no line @EXPLICIT"),
        ("@EXPLICIT\nnumpy=1.26", "line 2 of list.txt: 'numpy=1.26' is neither the URL of a package nor a file"),
        ("@EXPLICIT\n{0}/linux-64/a-1-0.zip", "line 2 of list.txt: .* is not a conda package's URL"),
        ("@EXPLICIT\n{0}/linux-64/a-1-0.conda#abc", "neither an MD5 nor a SHA-256: 'abc'"),
        (
            "@EXPLICIT\n{0}/linux-64/a-1-0.conda\n{0}/linux-64/a-2-0.conda",
            "line 3 of .* names the package a again: .*a-2-0.conda; line 2 of .* has .*a-1-0.conda",
        ),
        ("@EXPLICIT\n{0}/linux-64/a-1-0.conda\n{0}/osx-64/b-1-0.conda", "mixes packages for linux-64, osx-64"),
        (
            "# platform: linux-aarch64\n@EXPLICIT\n{0}/linux-64/a-1-0.conda",
            "mixes packages for linux-64, linux-aarch64",
        ),
        ("@EXPLICIT\n{0}/linux-aarch64/a-1-0.conda", "a list for linux-aarch64, and linux-64 was asked for"),
    ],
)
def test_what_is_refused(lines: str, message: str) -> None:
    with pytest.raises(InvalidEnvironment, match=message):
        parse_explicit(lines.format(HOST), "list.txt", subdir="linux-64")


def test_a_line_twice_is_one_package() -> None:
    line = f"{HOST}/linux-64/a-1-0.conda#{MD5}\n"
    assert len(parse_explicit(f"@EXPLICIT\n{line}{line}").packages) == 1


@pytest.mark.parametrize("hash_", [f"#sha256={SHA256}", f" --hash=sha256:{SHA256}"])
def test_what_pip_installs(hash_: str) -> None:
    """conda-lock writes it as comments, which conda passes over."""
    comment = f"# pip Ruamel.YAML[x] @ https://me:s3cret@host/ruamel.yaml-0.18+cu-cp312-cp312-linux.whl{hash_}\n"
    (wheel,) = parse_explicit(EXAMPLE + comment).wheels
    assert (wheel.name, wheel.version, wheel.sha256) == ("ruamel-yaml", "0.18+cu", SHA256)
    assert wheel.public_url == "https://host/ruamel.yaml-0.18+cu-cp312-cp312-linux.whl"


@pytest.mark.parametrize("comment", ["# pip install requests", "# pip packages follow at the end", "#pip"])
def test_a_comment_about_pip_is_a_comment(comment: str) -> None:
    assert parse_explicit(f"{comment}\n{EXAMPLE}").wheels == ()


def test_what_pip_would_build_is_left_to_it() -> None:
    comment = "# pip app @ git+https://host/app.git@1f\n"
    pip = parse_explicit(EXAMPLE + comment, "list.txt").pip
    assert pip is not None
    assert (pip.requirements, pip.origin) == (("app @ git+https://host/app.git@1f",), "list.txt")


def test_missing_hashes_are_said_once() -> None:
    assert parse_explicit(EXAMPLE, "list.txt").warnings == (
        "list.txt has no hash for 1 package, which cannot be verified: xz",
    )


def test_hidden_tokens_are_left_out() -> None:
    found = parse_explicit("@EXPLICIT\nhttps://host/t/<TOKEN>/c/linux-64/a-1-0.conda")
    assert found.packages[0].url == "https://host/c/linux-64/a-1-0.conda"


@given(st.text(alphabet="ahtps:/.-#@ \n\t%~[]conda0", max_size=60))
def test_any_text_is_a_list_or_an_error(text: str) -> None:
    try:
        parse_explicit("@EXPLICIT\n" + text)
    except (InvalidEnvironment, UnsupportedInput):
        return


@pytest.mark.parametrize("path", real_files("explicit"), ids=lambda path: path.name)
def test_real_files(path: Path) -> None:
    text = read_text(path)
    found = parse_explicit(text, path.name)
    assert len(found.packages) == text.count("\nhttp")
    assert found.subdir == "linux-64"
    for package in found.packages:
        assert package.public_url in text
        assert package.stem in package.url


@pytest.mark.parametrize("line", ["a" * 5000, "file:///" + "a" * 5000 + "-1-0.conda", "a" * 5000 + ".conda"])
def test_names_that_are_too_long(line: str) -> None:
    with suppress(InvalidEnvironment):
        parse_explicit(f"@EXPLICIT\n{line}\n")


def test_a_list_for_another_system(tmp_path: Path) -> None:
    text = "@EXPLICIT\nhttps://conda.example.org/c/win-64/a-1-0.conda\n"
    file = InputFile.of(tmp_path / "list.txt", text)
    with pytest.raises(UnsupportedInput, match=r"lists packages for win-64, which do not run in a Linux image"):
        KIND.read(ReadRequest(file=file))


@pytest.mark.parametrize("text", ["@EXPLICIT\n", "# platform: linux-64\n@EXPLICIT\n\n# nothing\n"])
def test_a_list_without_packages_is_warned_of(text: str) -> None:
    assert parse_explicit(text, "empty.txt").warnings == (
        "empty.txt lists no packages: there is nothing after @EXPLICIT",
    )
    assert not any("lists no" in warning for warning in parse_explicit(EXAMPLE).warnings)
