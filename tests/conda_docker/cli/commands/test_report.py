"""`conda-docker report`."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

import pytest

from conda_docker.report.page import GENERATOR
from tests.conda_docker.channel import SyntheticChannel, SyntheticPackage
from tests.conda_docker.cli.conftest import Run
from tests.images import layer_tar, write_oci_layout
from tests.pseudo_terminal import run_on_terminal
from tests.slow_registry import slow_registry


@pytest.fixture
def images(conda_docker: Run, synthetic_channel: SyntheticChannel) -> tuple[str, str]:
    """Build two images of two packages each, which share one; gives their places."""
    synthetic_channel.add(
        *(
            SyntheticPackage(
                name=name,
                version=version,
                noarch="generic",
                index={"license": license_},
                files={f"share/{name}": "x" * 5000},
            )
            for name, version, license_ in (("a", "1.0", "MIT"), ("b", "1.0", "ISC"), ("b", "2.0", "ISC"))
        )
    )
    for tag, specs in (("v1", ["a", "b=1"]), ("v2", ["a", "b=2"])):
        options = ["-b", "scratch", "-c", synthetic_channel.url, "--override-channels"]
        done = conda_docker("build", "-o", f"oci:{tag}:{tag}", "-i", f"app:{tag}", *options, *specs)
        assert done.returncode == 0, done.stderr
    return "oci:v1:v1", "oci:v2:v2"


def test_a_page_is_written(conda_docker: Run, archive: str, tmp_path: Path) -> None:
    done = conda_docker("report", archive)
    assert (done.returncode, done.stdout) == (0, "report.html: hello:latest, 2 layers, 30.7 kB\n"), done.stderr
    assert (tmp_path / "report.html").read_text().startswith("<!DOCTYPE html>")
    # And again, over itself.
    assert conda_docker("report", "-q", archive).stdout == "report.html\n"


def test_what_is_not_a_report_stays(conda_docker: Run, archive: str, tmp_path: Path) -> None:
    (tmp_path / "notes.html").write_text("mine")
    done = conda_docker("report", archive, "-o", "notes.html")
    assert (done.returncode, (tmp_path / "notes.html").read_text()) == (1, "mine")
    assert "notes.html is not a report" in done.stderr
    assert conda_docker("report", archive, "-o", "notes.html", "--force").returncode == 0


@pytest.mark.parametrize(
    ("target", "read"),
    [
        ("hello.tar", "SRC docker-archive:hello.tar"),
        ("layout/oci-layout", "--against oci:layout"),
        ("layout", "--against oci:layout"),
    ],
)
def test_what_is_drawn_is_not_overwritten(
    conda_docker: Run, archive: str, layout: str, tmp_path: Path, target: str, read: str
) -> None:
    done = conda_docker("report", archive, "--against", layout, "-o", target, "--force")
    assert done.returncode == 2
    assert f"--output {target} would overwrite an input: {read};" in done.stderr
    assert (tmp_path / "layout/oci-layout").read_text().startswith("{")
    assert conda_docker("validate", archive).returncode == 0


def test_standard_output(conda_docker: Run, archive: str, tmp_path: Path) -> None:
    done = conda_docker("report", archive, "-o", "-")
    assert done.stdout.startswith("<!DOCTYPE html>")
    assert done.stdout.endswith("</html>\n")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["hello.tar", "home"]


def test_packages_with_licenses_and_what_is_shared(conda_docker: Run, images: tuple[str, str], tmp_path: Path) -> None:
    done = conda_docker("report", "--json", images[1], "--against", images[0])
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout)
    assert [(each["name"], each["version"], each["license"]) for each in report["packages"]] == [
        ("a", "1.0", "MIT"),
        ("b", "2.0", "ISC"),
    ]
    assert all(each["requested"] and each["size"] > 5000 for each in report["packages"])
    [difference] = json.loads(conda_docker("diff", "--json", *images).stdout)["platforms"]
    assert report["comparison"] == difference | {"after": report["comparison"]["after"]}
    assert not (tmp_path / "report.html").exists()


def test_json_and_a_page(conda_docker: Run, archive: str, tmp_path: Path) -> None:
    done = conda_docker("report", "--json", "-o", "page.html", archive)
    assert json.loads(done.stdout)["name"] == "hello:latest"
    assert (tmp_path / "page.html").exists()
    assert conda_docker("report", "--json", "-o", "-", archive).returncode == 2


@pytest.mark.parametrize("name", ["page.pdf", "page.JSON"])
def test_a_page_is_not_called_what_it_is_not(conda_docker: Run, archive: str, name: str, tmp_path: Path) -> None:
    done = conda_docker("report", "-o", name, archive)
    assert (done.returncode, (tmp_path / name).exists()) == (2, False)
    assert "the page is HTML" in done.stderr


def test_documents_alone_know_the_packages(conda_docker: Run, images: tuple[str, str], tmp_path: Path) -> None:
    manifest = json.loads((tmp_path / "v1/index.json").read_text())["manifests"][0]["digest"].partition(":")[2]
    for layer in json.loads((tmp_path / "v1/blobs/sha256" / manifest).read_text())["layers"]:
        (tmp_path / "v1/blobs/sha256" / layer["digest"].partition(":")[2]).write_bytes(bytes(layer["size"]))
    done = conda_docker("report", "--no-layers", "--json", images[0])
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout)
    assert [(each["name"], each["license"], each["size"]) for each in report["packages"]] == [
        ("a", None, None),
        ("b", None, None),
    ]
    assert conda_docker("report", images[0]).returncode == 7


@pytest.mark.parametrize("bill_format", ["cyclonedx", "spdx"])
def test_documents_alone_know_licenses_by_an_attached_bill(
    bill_format: str, conda_docker: Run, synthetic_channel: SyntheticChannel
) -> None:
    synthetic_channel.add(
        SyntheticPackage(name="a", noarch="generic", index={"license": "MIT"}),
        SyntheticPackage(name="b", noarch="generic", index={"license": "See LICENSE"}),
        SyntheticPackage(name="c", noarch="generic"),
    )
    options = ["-b", "scratch", "-c", synthetic_channel.url, "--override-channels", "--sbom", bill_format]
    done = conda_docker("build", "-o", "oci:app:v1", *options, "a", "b", "c")
    assert done.returncode == 0, done.stderr
    report = json.loads(conda_docker("report", "--no-layers", "--json", "oci:app:v1").stdout)
    assert [each["license"] for each in report["packages"]] == ["MIT", "See LICENSE", None]
    assert "licenses" not in report["notes"][0]


def test_a_lock_file_to_compare_with(
    conda_docker: Run, images: tuple[str, str], synthetic_channel: SyntheticChannel
) -> None:
    options = ["-b", "scratch", "-c", synthetic_channel.url, "--override-channels"]
    assert conda_docker("lock", "-o", "app.lock", *options, "a").returncode == 0
    found = json.loads(conda_docker("report", "--json", images[0], "--against", "app.lock").stdout)["comparison"]
    assert ([each["name"] for each in found["added"]], found["layers"]) == (["b"], None)


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["missing.tar"], 4, "missing.tar"),
        (["hello.tar", "-o", "home"], 2, "is a folder"),
        (["hello.tar", "-o", "/dev/full"], 1, "No space left"),
        (["hello.tar", "--depth", "0"], 2, "--depth"),
        (["hello.tar", "--platform", "linux/s390x"], 4, "linux/s390x"),
        (["hello.tar", "--against", "missing.lock"], 4, "missing.lock"),
    ],
)
def test_what_cannot_be_had(conda_docker: Run, archive: str, arguments: list[str], code: int, said: str) -> None:
    done = conda_docker("report", *arguments)
    assert done.returncode == code
    assert said in done.stderr
    assert "Traceback" not in done.stderr


def test_a_layout_is_progress_by_names(conda_docker: Run, images: tuple[str, str]) -> None:
    assert {line.partition(":")[0] for line in conda_docker("report", images[0]).stderr.splitlines()} == {
        "read a",
        "read b",
        "read environment",
    }


def test_ctrl_c_leaves_nothing(tmp_path: Path, environment: dict[str, str]) -> None:
    write_oci_layout(tmp_path / "layout", [layer_tar({"noise": os.urandom(200_000)})])
    (tmp_path / "report.html").write_text(GENERATOR)
    with slow_registry(tmp_path / "layout", rate=1000) as name:
        session = run_on_terminal(
            [Path(sys.executable).with_name("conda-docker"), "report", name],
            env=environment,
            cwd=tmp_path,
            columns=100,
            interrupt_when=lambda screen: any(line.startswith("read ") for line in screen),
        )
    assert (session.code, session.cursor_hidden) == (130, False)
    assert [line.removeprefix("^C") for line in session.lines] == ["error: interrupted"]
    assert (tmp_path / "report.html").read_text() == GENERATOR
    assert sorted(path.name for path in tmp_path.iterdir()) == ["home", "layout", "report.html"]
