"""Pages in a real browser: an installed Chromium, driven over its own protocol."""

import os
import shutil

import pytest
from playwright.sync_api import sync_playwright

from tests.servers import serving

_FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


def chromium():
    found = shutil.which("chromium") or shutil.which("chromium-browser")
    if found is None and os.environ.get("CI") == "true":
        pytest.fail("Chromium is not installed, and CI=true")
    if found is None:
        pytest.skip("Chromium is not installed")
    return found


@pytest.mark.browser
def test_a_person_finds_a_prediction_and_asks_a_question(finished, tmp_path):
    path = chromium()
    shutil.copytree(finished[0], tmp_path / "store")
    with serving(tmp_path / "store", "--read-only") as url, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=_FLAGS)
        page = browser.new_page(java_script_enabled=False, viewport={"width": 1280, "height": 900})
        problems = []
        page.on("console", lambda m: problems.append(m.text) if m.type == "error" else None)
        page.goto(url)
        assert page.locator("svg.map .shape").count() == 64
        map_ = page.locator("svg.map").bounding_box()
        assert map_["width"] > 300
        assert map_["height"] > 200
        page.locator("a[rel=next]").click()
        page.locator("table a").first.click()
        assert "fire danger" in page.locator("h1").inner_text()
        assert page.locator("svg.map .shape").count() == 1
        assert page.get_by_text("Simulated: this is not").is_visible()
        # The page does not scroll sideways, on a wide screen and on a phone.
        for width in (1280, 390):
            page.set_viewport_size({"width": width, "height": 800})
            main = page.locator("main").bounding_box()
            assert main["width"] <= width
        page.set_viewport_size({"width": 1280, "height": 900})
        page.locator("header a", has_text="SPARQL").click()
        page.get_by_label("show the plan").check()
        page.locator("button").click()
        assert page.get_by_role("heading", name="Plan").is_visible()
        assert "SELECT ?prediction" in page.locator("pre").inner_text()
        page.get_by_label("show the plan").uncheck()
        page.locator("button").click()
        assert page.locator("table tr").count() == 21
        page.locator("table a").first.click()
        assert page.locator("h1").inner_text()
        page.goto(f"{url}/id/nothing")
        assert page.locator("h1").inner_text() == "404"
        assert not [p for p in problems if "404" not in p]
        browser.close()
