"""A real browser for the page: Chromium, driven by Playwright, that reaches nothing but the file it opens."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Dialog, Page, Request, sync_playwright

from promptvc.evaluation.reports.page import page as write_page
from promptvc.evaluation.reports.report import Report

FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
REQUIRED = "PROMPTVC_BROWSER_REQUIRED"

Open = Callable[..., Page]


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Headless Chromium. Without one the test is skipped, or fails where PROMPTVC_BROWSER_REQUIRED is 1."""
    found = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if found is None:
        reason = "there is no Chromium on PATH"
        if os.environ.get(REQUIRED) == "1":
            pytest.fail(reason)
        pytest.skip(reason)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=found, args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture
def open_page(browser: Browser, tmp_path: Path) -> Iterator[Open]:
    """``open_page(report, width=1200, dark=False)``: the report's page, opened.

    At the end no page may have asked for anything but its own file, opened a dialog or, unless it ``complains`` on
    purpose, written to the console.
    """
    trouble: list[str] = []
    contexts: list[BrowserContext] = []

    def open_(
        report: Report, *, width: int = 1200, height: int = 900, dark: bool = False, complains: bool = False
    ) -> Page:
        file = tmp_path / f"report-{len(contexts)}.html"
        file.write_text("".join(write_page(report)), "utf-8")
        context = browser.new_context(
            viewport={"width": width, "height": height}, color_scheme="dark" if dark else "light"
        )
        contexts.append(context)

        def asked(request: Request) -> None:
            if request.url != file.as_uri():
                trouble.append(f"asked for {request.url}")

        def spoke(dialog: Dialog) -> None:
            trouble.append(f"dialog: {dialog.message}")
            dialog.dismiss()

        page = context.new_page()
        page.on("request", asked)
        page.on("dialog", spoke)
        page.on("popup", lambda _: trouble.append("a window of its own"))
        page.on("pageerror", lambda error: trouble.append(f"error: {error}"))
        if not complains:
            page.on("console", lambda message: trouble.append(f"console: {message.text}"))
        page.goto(file.as_uri())
        return page

    yield open_
    for context in contexts:
        context.close()
    assert not trouble
