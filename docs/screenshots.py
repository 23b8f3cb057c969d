"""Takes the pictures of the page in docs/: a service with the champion of the store, and Debian's Chromium."""

import io
import json
import shutil
import signal
import subprocess
import sys
from pathlib import Path

from PIL import Image
from playwright.sync_api import Browser, Page, sync_playwright

DOCS = Path(__file__).parent
DESKTOP = {"width": 1280, "height": 900}
PHONE = {"width": 390, "height": 844}
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"]


def main() -> None:
    """Start the service, take the pictures, stop it."""
    command = [str(Path(sys.executable).with_name("escalation")), "serve", "--port", "0", "--workers", "1"]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as service, sync_playwright() as playwright:
        try:
            address = next(json.loads(line)["address"] for line in service.stderr or () if '"serving"' in line)
            chromium = shutil.which("chromium") or shutil.which("google-chrome")
            browser = playwright.chromium.launch(executable_path=chromium, args=FLAGS)
            for scheme in ("light", "dark"):
                take(browser, address, scheme)
            browser.close()
        finally:
            service.send_signal(signal.SIGTERM)


def take(browser: Browser, address: str, scheme: str) -> None:
    """The four pictures of a colour scheme."""
    suffix = "" if scheme == "light" else "_dark"
    page = opened(browser, address, scheme, DESKTOP)
    example(page, "escalating")
    # a window as tall as the page, so that nothing sticks to its edge
    page.set_viewport_size({**DESKTOP, "height": page.evaluate("document.documentElement.scrollHeight")})
    page.locator(".sentence:has(mark)").last.hover()
    save(page, f"page{suffix}.png")
    page.set_viewport_size(DESKTOP)
    page.get_by_role("button", name="Compare with a second article").click()
    example(page, "deescalating", 1)
    page.mouse.move(0, 0)
    page.evaluate("scrollTo(0, 0)")
    save(page, f"page_compare{suffix}.png")
    page = opened(browser, address, scheme, PHONE)
    example(page, "escalating")
    page.evaluate("scrollTo(0, 0)")
    save(page, f"page_phone{suffix}.png")
    page.locator(".drivers a").first.tap()
    save(page, f"page_phone_text{suffix}.png")


def opened(browser: Browser, address: str, scheme: str, size: dict[str, int]) -> Page:
    """The page, without movement."""
    page = browser.new_page(viewport=size, color_scheme=scheme, reduced_motion="reduce", has_touch=size is PHONE)
    page.goto(address)
    page.locator("textarea").wait_for()
    return page


def example(page: Page, name: str, panel: int = 0) -> None:
    """Score an example."""
    page.locator(f"[data-example={name}]").nth(panel).click()
    page.locator(".panel").nth(panel).locator(".report").wait_for()


def save(page: Page, name: str) -> None:
    """What the window shows, in 256 colours: a third of the bytes, and no difference to be seen."""
    picture = Image.open(io.BytesIO(page.screenshot())).convert("RGB")
    picture.quantize(256, Image.Quantize.MAXCOVERAGE, dither=Image.Dither.NONE).save(DOCS / name, optimize=True)


if __name__ == "__main__":
    main()
