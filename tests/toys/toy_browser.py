"""Pages in a real browser."""

import shutil
import time
from importlib.util import find_spec
from pathlib import Path

import pytest

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
MISSING = [
    name for name, there in (("playwright of requirements.txt", find_spec("playwright")), ("chromium on the PATH", CHROMIUM)) if not there
]
NO_BROWSER = pytest.mark.skipif(bool(MISSING), reason=f"no {' and no '.join(MISSING)}: pages of cells are not tried in a browser")


class Opened:
    """A page with what it asked for and complained of."""

    def __init__(self, browser, path: Path, fragment: str = "", **options):
        self.asked, self.complaints = [], []
        self.page = browser.new_page(**options)
        self.page.on("request", lambda request: self.asked.append(request.url))
        self.page.on("console", lambda message: self.complaints.append(message.text))
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        start = time.perf_counter()
        self.page.goto(f"file://{path}{fragment}")
        self.page.wait_for_selector("body[data-ready]")
        self.seconds = time.perf_counter() - start

    def rows(self) -> list[str]:
        return self.page.locator("#rows tr").evaluate_all("rows => rows.map(row => row.dataset.cell)")

    def cell(self) -> str:
        return self.page.evaluate("document.body.dataset.cell")

    def key(self, key: str, cell: str | None = None) -> None:
        self.page.keyboard.press(key)
        if cell is not None:
            self.page.wait_for_selector(f"body[data-cell='{cell}']")

    def frame(self, view: int = 0) -> int:
        return int(self.page.locator(".now").nth(view).locator("dd").first.inner_text().split()[0])

    def address(self) -> str:
        self.page.wait_for_timeout(300)
        return self.page.evaluate("decodeURIComponent(location.hash)")

    def close(self) -> None:
        """It asked only for itself, and for what it holds, and nothing went wrong."""
        self.page.close()
        assert [url for url in self.asked if not url.startswith(("data:", "blob:", "file:"))] == []
        assert len([url for url in self.asked if url.startswith("file:")]) == 1
        assert self.complaints == []
