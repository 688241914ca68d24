"""`conda-docker bake`."""

from __future__ import annotations

import json
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from xml.etree import ElementTree as ET

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from conda_docker.cli.exit_codes import ExitCode
from conda_docker.cli.options import attest
from python_docker.transports import open_image
from python_docker.validation import validate
from tests.conda_docker.channel import SyntheticChannel, SyntheticPackage
from tests.conda_docker.channel_server import ChannelServer
from tests.conda_docker.cli.conftest import Run
from tests.peers import Registry
from tests.processes import LONG, ended_with_us

PYTHONS = [SyntheticPackage(name="python", version=version) for version in ("3.11.1", "3.12.1")]

TOTALS = {"name", "tests", "failures", "errors", "time"}
JUNIT = {
    "testsuites": TOTALS,
    "testsuite": TOTALS | {"skipped"},
    "testcase": {"name", "classname", "time"},
    "failure": {"type", "message"},
    "skipped": {"type", "message"},
    "system-out": set(),
}
"""Elements, and attributes that they may have by Jenkins's junit-10.xsd."""


@pytest.fixture
def modules(synthetic_channel: SyntheticChannel, tmp_path: Path) -> Path:
    """Return a folder of environments in the style of nf-core."""
    synthetic_channel.add(
        *PYTHONS,
        SyntheticPackage(name="zlib"),
        SyntheticPackage(name="samtools", depends=["zlib"]),
        SyntheticPackage(name="picard", depends=["zlib"]),
    )
    for tool, spec in (("samtools/sort", "samtools"), ("samtools/view", "samtools"), ("picard/sort", "picard")):
        write(tmp_path / "modules" / tool / "environment.yml", synthetic_channel, spec)
    (tmp_path / "modules" / "samtools" / "sort" / "meta.yml").write_text("name: samtools_sort\ntools: []\n")
    return tmp_path / "modules"


def write(path: Path, channel: SyntheticChannel, spec: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"channels: ['{channel.url}']\ndependencies: ['{spec}']\n")


def test_a_folder_of_environments(conda_docker: Run, modules: Path, tmp_path: Path) -> None:
    result = conda_docker("bake", "modules", "-b", "scratch", "-o", "out", "-j1")
    assert result.returncode == 0, result.stderr
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == [
        "picard-sort",
        "samtools-sort",
        "samtools-view",
    ]
    assert result.stdout.splitlines()[-1].startswith("3 images, 3 distinct packages in 3 layers, 3 made, each once (")


def test_images_that_go_nowhere(conda_docker: Run, modules: Path) -> None:
    result = conda_docker("bake", "modules", "-b", "scratch")
    assert result.returncode == ExitCode.USAGE
    assert result.stderr.startswith("error: say where the images go: -o DIR")


def test_what_fails_all_images_is_said_once(conda_docker: Run, modules: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda folder: SimpleNamespace(free=1))
    result = conda_docker("bake", "modules", "-b", "scratch", "-o", "out", "-j1")
    [said] = [line for line in result.stderr.splitlines() if line.startswith("error: ")]
    assert said.startswith("error: picard-sort, samtools-sort, samtools-view: the disk of ")


def test_processes_that_solve_find_relative_files(conda_docker: Run, modules: Path) -> None:
    result = conda_docker("bake", "modules", "-b", "scratch", "-o", "out", "-j2")
    assert result.returncode == 0, result.stderr


def test_the_report_for_programs_and_what_it_is_good_for(conda_docker: Run, modules: Path, tmp_path: Path) -> None:
    first = conda_docker("bake", "modules", "-b", "scratch", "-o", "out", "-j1", "--json")
    report = json.loads(first.stdout)
    assert report["packages"] == 3
    assert report["layers"] == {"made": 3, "known": 0, "made_bytes": report["layers"]["made_bytes"]}
    by_name = {image["name"]: image for image in report["images"]}
    assert by_name["picard-sort"]["digest"] == open_image(f"oci:{tmp_path}/out/picard-sort").digest
    (tmp_path / "earlier.json").write_text(first.stdout)
    again = conda_docker("bake", "modules", "-b", "scratch", "-o", "out", "-j1", "--json", "--since", "earlier.json")
    assert {image["outcome"] for image in json.loads(again.stdout)["images"]} == {"unchanged"}


def test_reports_for_ci(conda_docker: Run, modules: Path, tmp_path: Path) -> None:
    (modules / "bad" / "tool").mkdir(parents=True)
    (modules / "bad" / "tool" / "environment.yml").write_text("channels: [nodefaults]\ndependencies: [")
    result = conda_docker(
        *(
            "bake",
            "modules",
            "-b",
            "scratch",
            "-o",
            "out",
            "-j1",
            "--junit",
            "junit.xml",
            "--metadata-file",
            "meta.json",
        ),
        *("--since", "meta.json"),
    )
    assert result.returncode == ExitCode.INVALID_INPUT
    suites = ET.parse(tmp_path / "junit.xml").getroot()
    [suite] = suites
    assert (suite.get("tests"), suite.get("failures"), suite.get("skipped")) == ("4", "1", "0")
    [failure] = suite.iter("failure")
    assert "bad/tool/environment.yml" in (failure.text or "")
    for element in suites.iter():
        assert set(element.keys()) <= JUNIT[element.tag], element.tag
    metadata = json.loads((tmp_path / "meta.json").read_text())
    assert sorted(metadata) == ["picard-sort", "samtools-sort", "samtools-view"]
    assert metadata["picard-sort"]["image.name"] == "picard-sort:latest"
    again = conda_docker("bake", "modules", "-b", "scratch", "-o", "out", "-j1", "--since", "meta.json", "--json")
    outcomes = [image["outcome"] for image in json.loads(again.stdout)["images"]]
    assert sorted(outcomes) == ["failed", "unchanged", "unchanged", "unchanged"]


def test_a_dry_run_shows_what_is_shared(conda_docker: Run, modules: Path, tmp_path: Path) -> None:
    result = conda_docker("bake", "modules", "-b", "scratch", "--dry-run", "-j1", "--json")
    report = json.loads(result.stdout)
    assert report["packages"]["distinct"] == 3
    assert report["packages"]["size"] < report["packages"]["size_one_by_one"]
    assert report["layers"]["distinct"] == 3
    assert report["layers"]["known"] == 0
    assert {each["name"]: each["images"] for each in report["shared"]} == {"zlib": 3, "samtools": 2}
    assert conda_docker("bake", "modules", "-b", "scratch", "-o", "out", "-j1").returncode == 0
    known = json.loads(conda_docker("bake", "modules", "-b", "scratch", "--dry-run", "-j1", "--json").stdout)
    assert known["layers"] == {"distinct": 3, "known": 3, "made_from": 0}
    text = conda_docker("bake", "modules", "-b", "scratch", "--dry-run", "-j1").stdout
    assert "3 distinct layers: 3 known, none to be made" in text


def test_a_matrix(conda_docker: Run, modules: Path, synthetic_channel: SyntheticChannel, tmp_path: Path) -> None:
    result = conda_docker(
        *("bake", "modules", "--only", "picard-*", "--matrix", "python=3.11,3.12,3.99", "-b", "scratch", "-j1"),
        *("-i", "org/{name}:{tag}", "-o", "out", "--json"),
    )
    assert result.returncode == ExitCode.UNSOLVABLE
    images = {image["image"]: image["outcome"] for image in json.loads(result.stdout)["images"]}
    assert images == {
        "org/picard-sort:py3.11": "built",
        "org/picard-sort:py3.12": "built",
        "org/picard-sort:py3.99": "failed",
    }


def test_what_a_project_declares(
    conda_docker: Run, modules: Path, synthetic_channel: SyntheticChannel, tmp_path: Path
) -> None:
    (tmp_path / "conda-docker.toml").write_text(
        f"base = 'scratch'\nchannel = ['{synthetic_channel.url}']\n"
        "[images.first]\nspecs = ['samtools']\nenv = { MODE = 'a' }\n"
        "[images.second]\nextends = 'first'\nspecs = ['picard']\noutput = ['second.tar']\n"
    )
    result = conda_docker("bake", "-j1", "-o", "out")
    assert result.returncode == 0, result.stderr
    assert open_image(f"oci:{tmp_path}/out/second").config.environment["MODE"] == "a"
    one = conda_docker("bake", "conda-docker.toml", "--only", "second", "-j1", "--quiet")
    assert one.stdout == f"second {open_image(f'oci:{tmp_path}/out/second').digest}\n" or one.returncode == 0
    assert (tmp_path / "second.tar").is_file()


def test_a_bill_of_materials_goes_with_each(conda_docker: Run, modules: Path, tmp_path: Path) -> None:
    result = conda_docker("bake", "modules", "-b", "scratch", "-o", "out", "-j1", "--sbom", "spdx", "--provenance")
    assert result.returncode == 0, result.stderr
    index = json.loads((tmp_path / "out" / "picard-sort" / "index.json").read_text())
    assert len(index["manifests"]) > 1


def test_a_key_is_read_once_for_all(
    conda_docker: Run, modules: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    pem = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    (tmp_path / "key.pem").write_bytes(pem)
    read: list[Path] = []
    original = attest.read_private_key
    monkeypatch.setattr(attest, "read_private_key", lambda path: (read.append(path), original(path))[1])  # type: ignore[func-returns-value]
    result = conda_docker("bake", "modules", "-b", "scratch", "-o", "out", "-j1", "--sign-key", "key.pem")
    assert result.returncode == 0, result.stderr
    assert len(read) == 1
    index = json.loads((tmp_path / "out" / "samtools-view" / "index.json").read_text())
    assert len(index["manifests"]) > 1


@pytest.mark.parametrize(
    ("args", "code", "said"),
    [
        (["nowhere.yml"], ExitCode.NOT_FOUND, "there is no file or folder nowhere.yml"),
        (["nothing/*.yml"], ExitCode.NOT_FOUND, "no file matches nothing/*.yml"),
        (["empty"], ExitCode.NOT_FOUND, "nothing in empty describes an environment"),
        (["zlib=1.3"], ExitCode.NOT_FOUND, "packages are given to `build`"),
        (["-"], ExitCode.NOT_FOUND, "`build -f -` builds one"),
        (["modules", "--push"], ExitCode.USAGE, "--push needs a registry in the names"),
        ([], ExitCode.USAGE, "give files, folders or patterns"),
        (["modules", "--only", "nobody"], ExitCode.NOT_FOUND, "no image has this name (there are: picard-sort, "),
        (["modules", "-i", "demo:1.0", "--push"], ExitCode.USAGE, "would both be written to docker://"),
        (["modules", "-o", "oci:{name}/../../x"], ExitCode.USAGE, "would both be written to oci:"),
        (
            ["modules", "-i", "demo/{nmae}"],
            ExitCode.USAGE,
            "there is no {nmae}; did you mean 'name'? (names may have {name}",
        ),
        (["modules", "-i", "demo/{python}"], ExitCode.USAGE, "{python} needs a matrix of python"),
        (["modules", "--matrix", "cuda=12"], ExitCode.USAGE, "expected KEY=VALUE,VALUE with one of python, platform"),
        (["modules", "-o", "images/{name}.tar"], 4, "there is no folder"),
        (["modules", "--memory", "much"], ExitCode.USAGE, "expected a size such as 500MB or 4GB, got 'much'"),
        (["modules", "--jobs", "0"], ExitCode.USAGE, "--jobs must be at least 1"),
        (["modules", "--since", "missing.json"], ExitCode.NOT_FOUND, "missing.json"),
        (
            ["modules", "--junit", "r", "--metadata-file", "./r"],
            ExitCode.USAGE,
            "--junit r and --metadata-file r would",
        ),
        (
            ["modules/picard/sort/environment.yml", "--junit", "modules/picard/./sort/environment.yml"],
            ExitCode.USAGE,
            "--junit modules/picard/sort/environment.yml would overwrite an input: modules/picard",
        ),
        (["modules/picard", "-o", "a.tar", "--junit", "a.tar"], ExitCode.USAGE, "--junit a.tar and sort: -o"),
        (["modules", "--junit", "nowhere/junit.xml"], 4, "there is no folder"),
        (["modules", "-o", "out", "--scheduler", "tcp://127.0.0.1:1"], ExitCode.USAGE, "name one with --cache-to"),
        (
            ["modules", "-o", "out", "--scheduler", "tcp://127.0.0.1:1", "--cache-to", "localhost:1/layers"],
            ExitCode.USAGE,
            "use --push",
        ),
    ],
)
def test_what_cannot_be_done_is_said(
    conda_docker: Run, modules: Path, tmp_path: Path, args: list[str], code: int, said: str
) -> None:
    (tmp_path / "empty").mkdir()
    output = [] if {"-o", "--push"} & {*args} else ["-o", "out"]
    result = conda_docker("bake", "-j1", *args, *output, "-b", "scratch")
    assert said in result.stderr
    assert result.returncode == code
    assert len(result.stderr.split("error: ")) == 2
    assert not (tmp_path / "out").exists()


def test_files_of_one_name_are_called_after_their_folders(conda_docker: Run, modules: Path, tmp_path: Path) -> None:
    files = [f"modules/{tool}/environment.yml" for tool in ("samtools/sort", "picard/sort")]
    result = conda_docker("bake", *files, "-b", "scratch", "-o", "out", "-j1")
    assert result.returncode == 0, result.stderr
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["picard-sort", "samtools-sort"]


def test_a_base_that_is_out_of_reach_fails_the_images_on_it(
    conda_docker: Run, modules: Path, synthetic_channel: SyntheticChannel, tmp_path: Path
) -> None:
    (tmp_path / "conda-docker.toml").write_text(
        f"base = 'scratch'\nchannel = ['{synthetic_channel.url}']\nspecs = ['zlib']\n"
        "[images.good]\n[images.bad]\nbase = 'localhost:1/base:1'\n"
    )
    result = conda_docker("bake", "-o", "out", "-j2", "--quiet")
    assert result.returncode == ExitCode.NETWORK
    assert result.stdout.startswith("good sha256:")
    assert "bad: cannot read localhost:1/base:1: cannot connect to localhost:1" in result.stderr


def test_a_place_that_cannot_be_written_is_an_error_of_its_image(
    conda_docker: Run, modules: Path, tmp_path: Path
) -> None:
    (tmp_path / "file").touch()
    result = conda_docker("bake", "modules", "--only", "picard-sort", "-b", "scratch", "-j1", "-o", "file/out")
    assert "picard-sort: cannot write to the OCI layout file/out/picard-sort" in result.stderr


def test_files_that_are_not_text_are_passed_over(conda_docker: Run, modules: Path, tmp_path: Path) -> None:
    (modules / "image.yml").write_bytes(b"\xff\xfe\x00")
    (modules / "again").symlink_to(modules, target_is_directory=True)
    result = conda_docker("bake", "modules", "-b", "scratch", "-j1", "--dry-run", "--json")
    assert len(json.loads(result.stdout)["images"]) == 3


@pytest.fixture
def server(synthetic_channel: SyntheticChannel) -> Iterator[ChannelServer]:
    """Return a server of the channel."""
    running = ChannelServer(synthetic_channel.folder).start()
    yield running
    running.stop()


def test_ctrl_c_leaves_nothing_half_written(
    modules: Path,
    tmp_path: Path,
    synthetic_channel: SyntheticChannel,
    environment: dict[str, str],
    server: ChannelServer,
) -> None:
    for path in modules.glob("*/*/environment.yml"):
        path.write_text(path.read_text().replace(synthetic_channel.url, server.url))
    server.held["samtools-1.0-0.conda"] = threading.Event()
    command = [
        str(Path(sys.executable).with_name("conda-docker")),
        "bake",
        "modules",
        "-b",
        "scratch",
        "-o",
        "out",
        "-j2",
        "--since",
        "images.json",
        "--metadata-file",
        "images.json",
        "--junit",
        "junit.xml",
    ]
    process = subprocess.Popen(
        command, cwd=tmp_path, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    with ended_with_us(process):
        assert process.stderr is not None
        assert any(line.startswith("image picard-sort: built") for line in process.stderr)
        process.send_signal(signal.SIGINT)
        table, said = process.communicate(timeout=LONG)
    assert not server.held["samtools-1.0-0.conda"].is_set(), "it did not wait for the package"
    server.held["samtools-1.0-0.conda"].set()
    assert process.returncode == ExitCode.SIGINT
    assert said.endswith("error: interrupted\n")
    assert [row.split()[:2] for row in table.splitlines()[1:4]] == [
        ["picard-sort", "built"],
        ["samtools-sort", "interrupted"],
        ["samtools-view", "interrupted"],
    ]
    assert "2 of them interrupted" in table
    assert [*json.loads((tmp_path / "images.json").read_text())] == ["picard-sort"]
    cases = ET.parse(tmp_path / "junit.xml").findall(".//testcase")
    assert [[child.get("message") for child in case.findall("skipped")] for case in cases] == [
        [],
        ["interrupted"],
        ["interrupted"],
    ]
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["picard-sort"]
    assert not validate(open_image(f"oci:{tmp_path}/out/picard-sort")).problems
    again = subprocess.run(
        command, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=LONG, check=False
    )
    assert again.returncode == 0
    assert [row.split()[1] for row in again.stdout.splitlines()[1:4]] == ["unchanged", "built", "built"]
    assert len(list((tmp_path / "out").iterdir())) == 3
    assert sum("zlib-1.0" in path for _, path in server.requests) == 1


@pytest.mark.parametrize("option", ["--metadata-file", "--junit"])
def test_a_folder_in_place_of_a_result_file_is_refused_before_anything_is_built(
    option: str, conda_docker: Run, modules: Path, tmp_path: Path
) -> None:
    (tmp_path / "results").mkdir()
    result = conda_docker("bake", "modules", "-b", "scratch", "-o", "out", option, "results", "-j1")
    assert "cannot write results: it is a folder" in result.stderr
    assert result.returncode == ExitCode.USAGE
    assert not (tmp_path / "out").exists()


def test_how_a_worker_is_started(conda_docker: Run) -> None:
    result = conda_docker("bake", "--print-dask-worker", "--scheduler", "tcp://host:8786")
    assert "dask worker tcp://host:8786" in result.stdout


def test_a_record_keeps_what_was_not_built(conda_docker: Run, modules: Path, tmp_path: Path) -> None:
    record = ("--since", "d.json", "--metadata-file", "d.json", "-b", "scratch", "-o", "out", "-j1")
    assert conda_docker("bake", "modules", *record).returncode == 0
    before = json.loads((tmp_path / "d.json").read_text())
    assert conda_docker("bake", "modules", "--only", "picard-sort", *record).returncode == 0
    assert json.loads((tmp_path / "d.json").read_text()) == before
    (modules / "picard" / "sort" / "environment.yml").write_text("dependencies: [")
    assert conda_docker("bake", "modules", *record).returncode != 0
    assert json.loads((tmp_path / "d.json").read_text()) == before


def test_a_comment_gives_a_tag_of_the_content_that_is_written(
    conda_docker: Run, modules: Path, tmp_path: Path, registry: Registry, repository: str
) -> None:
    name = f"{registry.host}/{repository}/{{name}}:{{content}}"
    options = ("modules", "--only", "picard-sort", "-b", "scratch", "-j1", "--push", "-i", name)
    record = ("--since", "d.json", "--metadata-file", "d.json", "--json")
    tags = set()
    for text in ("", "# why\n"):
        file = modules / "picard" / "sort" / "environment.yml"
        file.write_text(file.read_text() + text)
        result = conda_docker("bake", *options, *record)
        assert result.returncode == 0, result.stderr
        entry = json.loads((tmp_path / "d.json").read_text())["picard-sort"]
        assert open_image(f"docker://{entry['image.name']}").digest == entry["containerimage.digest"]
        tags.add(entry["image.name"])
    assert len(tags) == 2
    [again] = json.loads(conda_docker("bake", *options, *record).stdout)["images"]
    assert again["outcome"] == "unchanged"


def test_a_name_in_another_script_is_shown_with_its_file(
    conda_docker: Run, modules: Path, synthetic_channel: SyntheticChannel
) -> None:
    write(modules / "данные" / "environment.yml", synthetic_channel, "zlib")
    options = ("bake", "modules", "--only", "image-*", "-b", "scratch", "-j1")
    for more in (("--dry-run",), ("-o", "out")):
        assert "(modules/данные/environment.yml)" in conda_docker(*options, *more).stdout


def test_what_was_cancelled_did_not_fail(
    conda_docker: Run, modules: Path, synthetic_channel: SyntheticChannel, tmp_path: Path
) -> None:
    (tmp_path / "conda-docker.toml").write_text(
        f"base = 'scratch'\nchannel = ['{synthetic_channel.url}']\nspecs = ['zlib']\n"
        "[images.bad]\nbase = 'localhost:1/base:1'\n[images.one]\n[images.two]\n"
    )
    result = conda_docker("bake", "-o", "out", "-j1", "--fail-fast")
    assert "3 images, 1 of them failed, 2 of them cancelled" in result.stdout


def test_a_matrix_that_is_declared(
    conda_docker: Run, modules: Path, synthetic_channel: SyntheticChannel, tmp_path: Path
) -> None:
    (tmp_path / "conda-docker.toml").write_text(
        f"base = 'scratch'\nchannel = ['{synthetic_channel.url}']\nimage = 'org/{{name}}:{{tag}}'\n"
        "output = 'oci:out/{name}-{tag}'\n[matrix]\npython = ['3.11', '3.12']\n"
        "[images.sort]\nspecs = ['samtools']\n[images.one]\nspecs = ['picard']\nmatrix = {}\n"
    )
    result = conda_docker("bake", "-j1", "--json")
    assert result.returncode == 0, result.stderr
    images = {each["name"]: each["image"] for each in json.loads(result.stdout)["images"]}
    assert images == {
        "sort-py3.11": "org/sort:py3.11",
        "sort-py3.12": "org/sort:py3.12",
        "one": "org/one:latest",
    }
    built = conda_docker("build", "--target", "sort-py3.12", "--json")
    assert built.returncode == 0, built.stderr
    digest = open_image(f"oci:{tmp_path}/out/sort-py3.12").digest
    assert {each["name"]: each["digest"] for each in json.loads(result.stdout)["images"]}["sort-py3.12"] == digest
    both = conda_docker("build", "--target", "sort", "--quiet")
    assert len(both.stdout.splitlines()) == 2
    other = conda_docker("bake", "-j1", "--json", "--matrix", "python=3.11", "--only", "one*")
    assert [each["name"] for each in json.loads(other.stdout)["images"]] == ["one-py3.11"]


def test_tags_by_content(conda_docker: Run, modules: Path, synthetic_channel: SyntheticChannel) -> None:
    def images() -> dict[str, str]:
        options = ("-b", "scratch", "-j1", "--dry-run", "--json", "-i", "org/{name}:{content}")
        report = json.loads(conda_docker("bake", "modules", *options).stdout)
        return {each["name"]: each["image"] for each in report["images"]}

    first = images()
    assert len(first["picard-sort"].partition(":")[2]) == 16
    assert first["samtools-sort"].partition(":")[2] == first["samtools-view"].partition(":")[2]
    write(modules / "picard" / "sort" / "environment.yml", synthetic_channel, "zlib")
    second = images()
    assert {name for name in first if first[name] != second[name]} == {"picard-sort"}


def test_layers_of_replaced_images_are_used_again(
    conda_docker: Run, modules: Path, tmp_path: Path, registry: Registry, repository: str
) -> None:
    options = ("bake", "modules", "-b", "scratch", "-j1", "--push", "-i", f"{registry.host}/{repository}/{{name}}")
    first = conda_docker(*options, "--cache-image", "--json")
    assert first.returncode == 0, first.stderr
    bare = ("--cache-dir", str(tmp_path / "bare"), "--json")
    again = json.loads(conda_docker(*options, "--cache-image", *bare).stdout)
    assert again["layers"]["made"] == 0
    assert {each["known"] for each in again["images"]} == {2}
    digests = [each["digest"] for each in again["images"]]
    assert digests == [each["digest"] for each in json.loads(first.stdout)["images"]]
    assert not list((tmp_path / "bare").glob("packages/*"))
    refused = conda_docker("bake", "modules", "-b", "scratch", "-o", "{name}.tar", "--cache-image")
    assert refused.returncode == ExitCode.USAGE
    assert "--cache-image: the image in" in refused.stderr


def test_a_limit_of_the_disk(conda_docker: Run, modules: Path, tmp_path: Path) -> None:
    options = ("bake", "modules", "-b", "scratch", "-o", "out", "-j1")
    refused = conda_docker(*options, "--disk", "10B")
    assert refused.returncode == ExitCode.FAILED
    assert "samtools-sort, samtools-view: --disk allows 10 B, and the layers of the image take" in refused.stderr
    assert conda_docker(*options, "--disk", "1MB").returncode == 0
