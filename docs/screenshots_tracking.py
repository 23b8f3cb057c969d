"""Takes the pictures of docs/tracking.md: MLflow's UI with a run of baseline and one of ladder_tfidf."""

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

from playwright.sync_api import Page, sync_playwright
from screenshots import FLAGS, save

from escalation.tracking import logged, overview

ASSISTANT = "localStorage['mlflow.assistant.{}_v1'] = '{}';"
QUIET = ASSISTANT.format("fab.autoOpenedOnFirstLoad", "true") + ASSISTANT.format("panelOpen", "false")


def main() -> None:
    """Start the UI, take the pictures, stop it."""
    runs = [logged.find(name) for name in ("baseline", "ladder_tfidf")]
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [str(Path(sys.executable).with_name("escalation")), "ui", "--port", str(port)]
    with subprocess.Popen(command, start_new_session=True) as server, sync_playwright() as playwright:
        try:
            wait(port)
            chromium = shutil.which("chromium") or shutil.which("google-chrome")
            browser = playwright.chromium.launch(executable_path=chromium, args=FLAGS)
            page = browser.new_page(viewport={"width": 1600, "height": 560})
            page.add_init_script(QUIET)  # the assistant's panel, which covers a quarter of the window
            page.set_default_timeout(120_000)
            take(page, f"http://127.0.0.1:{port}/", runs)
            browser.close()
        finally:
            os.killpg(server.pid, signal.SIGTERM)


def wait(port: int) -> None:
    """Until the UI answers."""
    deadline = time.monotonic() + 600
    while time.monotonic() < deadline:
        with contextlib.suppress(OSError):
            urllib.request.urlopen(f"http://127.0.0.1:{port}/health", timeout=5).close()
            return
        time.sleep(0.5)
    raise SystemExit("the UI did not start")


def take(page: Page, root: str, runs: list[logged.Logged]) -> None:
    """The pictures, one after another."""
    experiment = runs[0].run.info.experiment_id
    training = "workflowType=machine_learning"
    page.goto(f"{root}{overview.address(experiment)}")
    page.get_by_role("link", name=runs[1].name).first.wait_for()
    page.get_by_label("Hide banner").click()
    shot(page, "ui_runs.png")
    for one in runs:
        name = page.locator(".ag-row", has=page.locator(f"a[href*='{one.id}']")).first
        page.locator(f".ag-row[row-index='{name.get_attribute('row-index')}'] input[type=checkbox]").first.click()
    page.set_viewport_size({"width": 1280, "height": 1300})
    page.get_by_role("button", name="Compare", exact=True).click()
    page.get_by_text("Run details").wait_for()
    page.get_by_text("Visualizations").click()  # closed: its plots begin with whichever metric MLflow has first
    page.get_by_text("Show diff only").first.click()
    shot(page, "ui_compare.png")
    page.set_viewport_size({"width": 1600, "height": 1500})
    page.goto(f"{root}#/experiments/{experiment}/runs/{runs[0].id}?{training}")
    page.get_by_text("Show more").click()
    for name in overview.PICTURES:
        image = page.locator(f"img[src*='path={name}']").element_handle()
        page.wait_for_function("image => image.complete && image.naturalWidth", arg=image)
    shot(page, "ui_run.png")
    page.set_viewport_size({"width": 1280, "height": 1200})
    page.goto(f"{root}#/models/escalation?{training}")
    page.get_by_text("champion").first.wait_for()
    shot(page, "ui_model.png")


def shot(page: Page, name: str) -> None:
    """A picture, once everything is drawn."""
    page.wait_for_timeout(6000)  # charts are drawn after their figures have come; the page never stops asking for news
    page.mouse.move(0, 0)
    save(page, name)


if __name__ == "__main__":
    main()
