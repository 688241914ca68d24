"""The page, as a browser shows it."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from conda_docker.comparison.side import side_of_image
from conda_docker.report.gather import gather_report
from conda_docker.report.page import render
from python_docker.image import Image
from python_docker.transports import Location
from tests.conda_docker.report.test_gather import conda_record
from tests.peers import Browser, Page

PLACE = Location("docker", "", "example.com/app:1.0")
HOSTILE = "</script><script>document.title = 'taken'</script><img src=x onerror=alert(1)>"

Show = Callable[..., Page]


def example() -> Image:
    """Return an image with a base, three packages of conda and one of pip in one layer, and something on top."""
    image = Image("app", "1.0")
    image.add_layer_contents({"/usr/lib/libc.so": b"c" * 9000, "/usr/bin/sh": b"s" * 4000})
    contents: dict[str, bytes] = {"/srv/data": b"d" * 3000}
    for name, license_, size in (("alpha", "MIT", 20_000), ("beta", "MIT", 8000), ("gamma", "BSD-3-Clause", 4000)):
        contents[f"/opt/conda/lib/{name}/core.so"] = name.encode() * (size // len(name))
        contents[f"/opt/conda/lib/{name}/more.so"] = name[::-1].encode() * (size // 2 // len(name))
        record = conda_record(name, files=(f"lib/{name}/core.so", f"lib/{name}/more.so"), license=license_)
        contents |= {f"/{path}": content for path, content in record.items()}
    info = "/opt/conda/lib/python3.12/site-packages/delta-2.dist-info"
    contents |= {f"{info}/METADATA": b"Name: delta\nVersion: 2\nLicense: ISC\n", f"{info}/RECORD": b""}
    image.add_layer_contents(contents)
    image.config["Labels"]["hostile"] = HOSTILE
    image.config["Env"].append("GREETING=hello")
    return image


@pytest.fixture
def show(browser: Browser, tmp_path: Path) -> Show:
    """Return a function that opens the page of an image in the browser."""

    def shown(image: Image, *, against: Image | None = None, **window: Any) -> Page:
        side = side_of_image("before", against) if against is not None else None
        path = tmp_path / "report.html"
        path.write_bytes(render(gather_report(image, PLACE, against=side)))
        return browser.open(path.as_uri(), **window)

    return shown


def texts(page: Page, selector: str) -> list[str]:
    found: list[str] = page.evaluate(f"[...document.querySelectorAll({selector!r})].map((each) => each.innerText)")
    return found


def test_it_loads_nothing_and_logs_nothing(show: Show) -> None:
    page = show(example(), against=Image("app", "0.9"))
    assert [url for url in page.requests if not url.startswith("data:")] == [page.evaluate("location.href")]
    assert page.errors == []
    assert texts(page, "h1") == ["app:1.0"]


def test_its_policy_forbids_the_network_and_foreign_scripts(show: Show) -> None:
    page = show(example())
    page.evaluate("document.body.append(Object.assign(document.createElement('script'), {textContent: 'hacked = 1'}))")
    page.evaluate("fetch('http://127.0.0.1:9/').catch(() => {})")
    assert page.evaluate("typeof hacked") == "undefined"
    for refused in ("inline script", "Refused to connect"):
        assert any(refused in error and "Content Security Policy" in error for error in page.errors)


@pytest.mark.parametrize("where", ["name", "label", "environment", "history", "path", "license"])
def test_what_an_image_says_stays_text(show: Show, where: str) -> None:
    image = Image(HOSTILE if where == "name" else "app", "1.0")
    image.config["Labels"][HOSTILE if where == "label" else "label"] = HOSTILE
    image.config["Env"].append(f"HOSTILE={HOSTILE}" if where == "environment" else "A=1")
    layer = image.add_layer_contents({f"/{HOSTILE if where == 'path' else 'a'}": b"a" * 10_000})
    if where == "history":
        layer.history = (layer.history[0].__class__(created_by=HOSTILE, comment="<!-- <script>"),)
    image.add_layer_contents({f"/{path}": data for path, data in conda_record("a", license=HOSTILE).items()})
    page = show(image)
    assert page.errors == []
    assert "taken" not in page.evaluate("document.title").replace(HOSTILE, "")
    assert page.evaluate("document.scripts.length") == 2
    assert page.evaluate("document.images.length") == 0
    assert HOSTILE.split(">")[1] in page.evaluate("document.body.textContent")


def test_packages_are_searched_and_sorted(show: Show) -> None:
    page = show(example())
    names = "#packages tbody td:first-child"
    assert texts(page, names) == ["alpha", "beta", "gamma", "deltapip"]
    page.evaluate("document.querySelector('#packages th button').click()")
    assert texts(page, names) == ["alpha", "beta", "deltapip", "gamma"]
    assert texts(page, "#packages th[aria-sort=ascending]") == ["Package"]
    page.evaluate("document.querySelector('input[type=search]').focus()")
    page.type("bsd")
    assert texts(page, names) == ["gamma"]
    assert texts(page, "#packages [role=status]") == ["1 of 4 packages"]


def test_licenses_narrow_the_table(show: Show) -> None:
    page = show(example())
    assert texts(page, ".facets button") == ["MIT2", "BSD-3-Clause1", "ISC1"]
    page.evaluate("document.querySelector('.facets button').click()")
    assert texts(page, "#packages tbody td:first-child") == ["alpha", "beta"]
    page.evaluate("document.querySelector('.facets button').click()")
    assert len(texts(page, "#packages tbody tr")) == 4


def test_the_map_is_walked_by_keyboard(show: Show) -> None:
    page = show(example())

    def focused() -> str:
        return str(page.evaluate("document.activeElement.getAttribute('aria-label')"))

    page.evaluate("document.querySelector('.tile[tabindex=\"0\"]').focus()")
    assert "layer 2" in focused()
    page.press("ArrowRight")
    assert "layer 1" in focused()
    page.press("ArrowLeft", "Enter")
    assert focused().startswith("alpha 1, conda package")
    page.press("Enter")
    assert focused().startswith("core.so, file in opt/conda/lib/alpha/")
    assert texts(page, "#path li") == ["app:1.0", texts(page, "#path li")[1], "alpha 1"]
    page.press("Escape")
    assert focused().startswith("alpha 1, conda package")
    page.press("Escape", "Escape")
    assert "layer 2" in focused()
    # One stop for Tab, whichever tile that is.
    assert page.evaluate("document.querySelectorAll('.tile[tabindex=\"0\"]').length") == 1
    assert page.evaluate("getComputedStyle(document.activeElement.firstChild).outlineStyle") == "solid"


def test_the_one_layer_of_an_image_is_open_from_the_start(show: Show) -> None:
    image = Image("app", "1.0")
    image.add_layer_contents({"/usr/a": b"a" * 9000, "/usr/b": b"b" * 4000, "/etc/c": b"c" * 3000})
    page = show(image)
    assert texts(page, ".tile > .face > .title > .name") == ["usr/", "etc/"]
    page.evaluate("document.querySelector('#path button').click()")
    assert texts(page, ".tile > .face > .title > .name") == ["add_layer_contents"]


def test_tiles_fill_the_map_by_size(show: Show) -> None:
    page = show(example())
    page.evaluate("document.querySelectorAll('#measure button')[1].click()")
    tiles = page.evaluate(
        "[...document.querySelectorAll('.tile')].map((each) => each.offsetWidth * each.offsetHeight)"
        ".concat(document.getElementById('treemap').clientWidth * document.getElementById('treemap').clientHeight)"
    )
    *areas, whole = tiles
    report = gather_report(example(), PLACE)
    shares = sorted(((layer.unpacked or 0) / (report.unpacked or 1) for layer in report.layers), reverse=True)
    assert [area / whole for area in areas] == pytest.approx(shares, abs=0.02)


def test_layers_that_another_image_lacks_are_marked_in_words(show: Show) -> None:
    before = example()
    before.remove_layer()
    page = show(example(), against=before)
    labels = page.evaluate("[...document.querySelectorAll('.tile')].map((each) => each.getAttribute('aria-label'))")
    assert [", new" in label for label in labels] == [True, False]
    assert "1 layer shared" in texts(page, "#compared")[0]
    assert "new" in texts(page, "#layers tbody tr")[1]


@pytest.mark.parametrize("dark", [False, True])
def test_text_can_be_read_in_light_and_dark(show: Show, dark: bool) -> None:
    page = show(example(), against=Image("app", "0.9"), dark=dark)

    def luminance(color: str) -> float:
        channels = [int(part) / 255 for part in re.findall(r"\d+", color)[:3]]
        linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in channels]
        return sum(weight * part for weight, part in zip((0.2126, 0.7152, 0.0722), linear, strict=True))

    style = "getComputedStyle(document.querySelector({!r})).{}"
    # Contrast of 4.5 to 1 and more (WCAG 2.2, 1.4.3).
    for selector, ground in ((".eyebrow", "body"), ("td", "body"), (".tile .name", ".tile .face"), ("th", "body")):
        lights = [
            luminance(page.evaluate(style.format(selector, "color"))),
            luminance(page.evaluate(style.format(ground, "backgroundColor"))),
        ]
        assert (max(lights) + 0.05) / (min(lights) + 0.05) >= 4.5, selector
    assert (luminance(page.evaluate(style.format("body", "backgroundColor"))) < 0.5) is dark


@pytest.mark.parametrize("width", [320, 390, 768])
def test_narrow_windows_are_not_scrolled_sideways(show: Show, width: int) -> None:
    image = example()
    image.config["Labels"]["long"] = "x" * 2000
    page = show(image, width=width, height=700)
    assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_it_prints(show: Show) -> None:
    page = show(example())
    assert page.pdf().startswith(b"%PDF")
    page.call("Emulation.setEmulatedMedia", media="print")
    assert page.evaluate("getComputedStyle(document.querySelector('input[type=search]')).display") == "none"
    assert page.evaluate("document.querySelector('.tile .name').innerText")


def test_a_window_that_changes(show: Show) -> None:
    page = show(example())
    page.evaluate("document.querySelector('.tile').focus()")
    before = page.evaluate("document.activeElement.getAttribute('aria-label')")
    page.resize(500, 800)
    page.wait_until("document.getElementById('treemap').clientHeight === 560")
    page.wait_until("document.activeElement.classList.contains('tile')")
    assert page.evaluate("document.activeElement.getAttribute('aria-label')") == before


@pytest.mark.parametrize("layers", [0, 120])
def test_images_without_layers_and_with_many(show: Show, layers: int) -> None:
    image = Image("app", "1.0")
    for number in range(layers):
        image.add_layer_contents({f"/{number}": b"x" * number})
    page = show(image)
    assert page.errors == []
    assert len(texts(page, "#layers tbody tr")) == layers
    if not layers:
        assert "There is nothing in it." in texts(page, "#treemap")[0]


def test_the_same_report_is_the_same_page() -> None:
    assert render(gather_report(example(), PLACE)) == render(gather_report(example(), PLACE))
