"""Advisories from pip-audit itself, which asks a service of these tests, or nobody."""

from __future__ import annotations

import json
import os
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from conda_docker.errors import InvalidPolicy
from conda_docker.policy.advisories.advisory import Advisory
from conda_docker.policy.advisories.pip_audit import check_service, find


class Service:
    """A service that answers as OSV's does, and a proxy that notes what it is asked for."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, str]] = []
        self.answer: bytes | None = None
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self.url = f"http://127.0.0.1:{self._server.server_port}/v1/query"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def says(self, name: str, version: str) -> dict[str, Any]:
        self.asked.append((name, version))
        if (name, version) != ("jinja2", "3.1.2"):
            return {}
        affected = {
            "package": {"name": "jinja2", "ecosystem": "PyPI"},
            "ranges": [{"type": "ECOSYSTEM", "events": [{"introduced": "0"}, {"fixed": "3.1.3"}]}],
        }
        return {"vulns": [{"id": "GHSA-1", "details": "", "aliases": ["CVE-1"], "affected": [affected]}]}

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()


def _handler(service: Service) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            query = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            content = service.answer or json.dumps(service.says(query["package"]["name"], query["version"])).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def do_CONNECT(self) -> None:
            service.asked.append(("proxy", self.path))
            self.send_error(502)

        def log_message(self, format: str, *args: object) -> None: ...

    return Handler


@pytest.fixture
def service(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Service]:
    """Return the service; pip-audit has a cache of its own, without answers."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("PATH", f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}")
    started = Service()
    yield started
    started.stop()


def test_the_service_that_is_named_is_asked(service: Service) -> None:
    found = list(find(service.url, {("jinja2", "3.1.2"), ("jinja2", "3.1.6"), ("six", "1.16.0")}))
    [one] = found
    assert (one.name, one.version, one.names) == ("jinja2", "3.1.2", frozenset({"GHSA-1", "CVE-1"}))
    assert sorted(service.asked) == [("jinja2", "3.1.2"), ("jinja2", "3.1.6"), ("six", "1.16.0")]


@pytest.mark.parametrize("variable", ["HTTPS_PROXY", "https_proxy", "ALL_PROXY"])
def test_nobody_is_asked_without_a_service(variable: str, service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    """Not even through the proxy that the user has: it would see the names of packages."""
    monkeypatch.setenv(variable, service.url.removesuffix("/v1/query"))
    monkeypatch.setenv("PIP_AUDIT_VULNERABILITY_SERVICE", "osv")
    with pytest.raises(InvalidPolicy, match="nothing is sent unless you say to whom: `--advisories pip-audit:pypi`"):
        list(find(None, {("jinja2", "3.1.2")}))
    assert service.asked == []


def test_a_service_is_not_asked_offline(service: Service) -> None:
    with pytest.raises(InvalidPolicy, match="asks a service, which --offline does not allow"):
        list(find(service.url, {("jinja2", "3.1.2")}, offline=True))
    assert service.asked == []


@pytest.mark.parametrize("answer", [b"<html>", b'{"vulns": 7}'])
def test_an_answer_that_cannot_be_read_allows_nothing(answer: bytes, service: Service) -> None:
    service.answer = answer
    with pytest.raises(InvalidPolicy, match=r"pip-audit:http://127\.0\.0\.1:.* has no answer: "):
        list(find(service.url, {("jinja2", "3.1.2")}))


def test_a_version_that_is_not_one_of_pythons(service: Service, caplog: pytest.LogCaptureFixture) -> None:
    assert list(find(service.url, {("app", "1.0-custom_build")})) == []
    assert "pip-audit is not asked about app 1.0-custom_build" in caplog.text
    assert service.asked == []


def test_it_is_not_installed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(sys, "executable", str(tmp_path / "python"))
    with pytest.raises(InvalidPolicy, match="pip-audit is not installed"):
        list(find("pypi", {("app", "1.0")}))


@pytest.mark.parametrize("lines", ["", "echo '{}'", "echo '{\"dependencies\": []}'", "exit 3"])
def test_a_program_of_that_name_that_says_nothing(lines: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    program = tmp_path / "pip-audit"
    program.write_text(f"#!/bin/sh\n{lines}\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    with pytest.raises(InvalidPolicy, match="pip-audit"):
        list(find("pypi", {("app", "1.0")}))


def test_what_the_index_does_not_know_is_said(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    program = tmp_path / "pip-audit"
    said = [{"name": "own", "skip_reason": "Dependency not found on PyPI: own (1.0)"}]
    said += [{"name": "six", "version": "1.0", "vulns": []}]  # type: ignore[dict-item]
    program.write_text(f"#!/bin/sh\necho '{json.dumps({'dependencies': said, 'fixes': []})}'\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    assert list(find("pypi", {("own", "1.0"), ("six", "1.0")})) == []
    assert "own (1.0)" in caplog.text
    program.write_text(f"#!/bin/sh\necho '{json.dumps({'dependencies': said[:1], 'fixes': []})}'\n")
    with pytest.raises(InvalidPolicy, match="pip-audit:pypi knows none of the packages, such as own"):
        list(find("pypi", {("own", "1.0")}))


@pytest.mark.parametrize("service", ["pypi", "osv", "https://osv.example.com/v1/query"])
def test_services(service: str) -> None:
    assert check_service(service) == service


@pytest.mark.parametrize("service", ["esms", "ftp://example.com", "https://", "https://me:secret@example.com/"])
def test_what_is_not_a_service(service: str) -> None:
    with pytest.raises(InvalidPolicy) as caught:
        check_service(service)
    assert "secret" not in str(caught.value)


def test_an_advisory_has_the_version_that_was_asked_for(service: Service) -> None:
    assert next(iter(find(service.url, {("jinja2", "3.1.2")}))) == Advisory("jinja2", "3.1.2", "CVE-1", ("GHSA-1",))
