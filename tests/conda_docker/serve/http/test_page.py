"""The page of a server, as a browser shows it."""

from __future__ import annotations

import json
import urllib.request

import pytest

from tests.conda_docker.serve.running import RunningServer, server, start_server
from tests.peers import Browser
from tests.peers.browser import Page

__all__ = ["server", "start_server"]


def opened(browser: Browser, server: RunningServer, query: str = "", **window: int | bool) -> Page:
    page = browser.open(f"http://{server.host}/{query}", **window)  # type: ignore[arg-type]
    page.wait_until("document.getElementById('about').textContent !== ''")
    return page


def text(page: Page, name: str) -> str:
    found = page.evaluate(f"document.getElementById({name!r}).innerText")
    assert isinstance(found, str)
    return found


def test_packages_are_typed_and_their_plan_is_shown(browser: Browser, server: RunningServer) -> None:
    page = opened(browser, server)
    assert page.evaluate("document.activeElement.id") == "packages"
    page.type("flask, click")
    page.press("Enter")
    page.wait_until("!document.getElementById('plan').hidden")
    assert text(page, "command") == f"docker pull {server.host}/click/flask:latest"
    assert "werkzeug" in text(page, "contents")
    assert "BSD-3-Clause" in text(page, "contents")
    assert page.evaluate("location.search") == "?q=flask%2C+click"
    assert page.errors == []
    assert {url.split("/")[2] for url in page.requests if not url.startswith("data:")} == {server.host}


def test_why_there_is_no_such_image_is_shown_whole(browser: Browser, server: RunningServer) -> None:
    page = opened(browser, server, "?q=flask=99")
    page.wait_until("!document.getElementById('failure').hidden")
    assert "there is no flask=99; available:" in text(page, "reason")
    assert page.evaluate("document.getElementById('pull').hidden") is True


def test_markup_in_an_address_is_text(browser: Browser, server: RunningServer) -> None:
    page = opened(browser, server, "?q=%3Cimg%20src=x%20onerror=alert(1)%3E")
    page.wait_until("!document.getElementById('failure').hidden")
    assert "<img" in text(page, "reason")
    assert page.evaluate("document.querySelectorAll('img').length") == 0


def test_markup_that_a_channel_has_in_its_packages_is_text(browser: Browser, server: RunningServer) -> None:
    page = opened(browser, server)
    markup = "<img src=x onerror=alert(1)>" + "x" * 500
    named = dict.fromkeys(("name", "version", "build", "channel", "license"), markup)
    layer = {"kind": "packages", "packages": [markup], "known": False, "digest": None, "size": None, "made_from": None}
    plan = {"platform": markup, "packages": [named | {"size": 1}], "layers": [layer], "base": [], "notes": [markup]}
    page.evaluate(f"showPlan({json.dumps(plan)})")
    assert text(page, "plan").count("<img") == 8
    assert page.evaluate("document.querySelectorAll('img').length") == 0
    assert page.evaluate("document.documentElement.scrollWidth") <= 1280


def test_recent_images_lead_to_their_plans(browser: Browser, server: RunningServer) -> None:
    with urllib.request.urlopen(f"http://{server.host}/v2/click/manifests/latest", timeout=120) as answer:
        answer.read()
    page = opened(browser, server)
    page.wait_until("!document.getElementById('recent').hidden")
    page.evaluate("document.querySelector('#recent a').click()")
    page.wait_until("document.getElementById('plan') && !document.getElementById('plan').hidden")
    assert text(page, "command") == f"docker pull {server.host}/click:latest"


def test_a_day_that_is_not_over_cannot_be_chosen(browser: Browser, server: RunningServer) -> None:
    page = opened(browser, server)
    assert page.evaluate("document.getElementById('day').max < new Date().toISOString().slice(0, 10)")


def test_the_command_is_copied(browser: Browser, server: RunningServer) -> None:
    page = opened(browser, server, "?q=flask")
    page.wait_until("!document.getElementById('plan').hidden")
    browser.call("Browser.grantPermissions", permissions=["clipboardReadWrite", "clipboardSanitizedWrite"])
    page.call("Emulation.setFocusEmulationEnabled", enabled=True)
    page.evaluate("document.getElementById('copy').click()")
    page.wait_until("document.getElementById('copy').textContent === 'Copied'")


def test_the_keyboard_reaches_everything(browser: Browser, server: RunningServer) -> None:
    page = opened(browser, server, "?q=flask")
    page.wait_until("!document.getElementById('plan').hidden")
    reached = []
    for _ in range(14):
        reached.append(page.evaluate("document.activeElement.id || document.activeElement.type"))
        page.press("Tab")
    assert {"packages", "submit", "platform", "day", "command", "copy"} <= set(reached)


@pytest.mark.parametrize("width", [360, 1200])
def test_nothing_is_wider_than_the_window(browser: Browser, server: RunningServer, width: int) -> None:
    page = opened(browser, server, "?q=flask", width=width, dark=True)
    page.wait_until("!document.getElementById('plan').hidden")
    assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_why_the_last_pull_failed_is_shown_with_the_plan(browser: Browser, server: RunningServer) -> None:
    page = opened(browser, server)
    plan = {"name": "tool", "tag": "latest", "platform": "linux/amd64", "packages": [], "layers": [], "base": []}
    page.evaluate(f"showPlan({json.dumps(plan | {'notes': [], 'failure': 'it took <b>long</b>'})})")
    assert text(page, "failed") == "The last pull failed: it took <b>long</b>."
    page.evaluate(f"showPlan({json.dumps(plan | {'notes': [], 'failure': None})})")
    assert page.evaluate("document.getElementById('failed').hidden") is True
