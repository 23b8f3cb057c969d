"""The page in a real browser, at a real service."""

import io
import json
import math
import re
import shutil
from collections.abc import Callable, Iterator
from html.parser import HTMLParser
from itertools import combinations, pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from axe_playwright_python.sync_playwright import Axe
from commands import ROOT, run
from PIL import Image
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright
from serving import HTML, serving

from escalation.scoring.wording import spoken

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
EXAMPLES = ROOT / "src" / "escalation" / "serving" / "page" / "examples"
TOKEN = "a-token-of-the-tests"
HOSTILE = """<script>window.ran = 1</script> Tanks massed at the crossing, said "<img src=x onerror='window.ran=2'>".

</textarea><svg onload="window.ran=3"> The marshal's 'ultimatum' &amp; threat <a href="javascript:window.ran=4">ran</a> out.

Shells fell \u202e on the village {{ 7*7 }} ${window.ran=5} and killed two.
"""
# recorded before anything of the page runs
WATCH = """window.violations = [];
document.addEventListener("securitypolicyviolation", ({ violatedDirective, blockedURI }) => {
  violations.push(`${violatedDirective} ${blockedURI}`);
});"""

expect.set_options(timeout=30_000)  # a machine that trains beside the tests is slow

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no Chromium: install Debian's package chromium")
Open = Callable[..., Page]


@pytest.fixture(scope="module")
def service(trained: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a service."""
    with serving(trained, tmp_path_factory.mktemp("service"), "--workers", "1") as running:
        yield running.url


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield started
        started.close()


@pytest.fixture
def opened(browser: Browser, service: str) -> Iterator[Open]:
    """Opens the page; at the end nothing may have failed, come from elsewhere, or broken the policy."""
    contexts: list[BrowserContext] = []
    pages: list[tuple[Page, str]] = []
    wrong: list[str] = []

    def open_page(address: str = service, **options: Any) -> Page:
        context = browser.new_context(
            **{"viewport": {"width": 1280, "height": 900}, "reduced_motion": "reduce", **options}
        )
        contexts.append(context)
        context.set_default_timeout(60_000)
        context.add_init_script(WATCH)
        page = context.new_page()
        pages.append((page, address))
        page.on("pageerror", lambda error: wrong.append(str(error)))
        page.on("dialog", lambda dialog: wrong.append(f"dialog {dialog.message}"))
        page.on("request", lambda request: _elsewhere(request.url, address) and wrong.append(request.url))
        page.goto(address)
        expect(page.locator("textarea")).to_be_visible()
        return page

    yield open_page
    for page, address in pages:
        if page.url.startswith(address):
            assert page.evaluate("window.violations") == []
    for context in contexts:
        context.close()
    assert wrong == []


def _elsewhere(url: str, address: str) -> bool:
    return not url.startswith((address, "blob:", "data:", "file:"))


def scored(page: Page, name: str = "escalating", panel: int = 0) -> None:
    """Click an example and wait for its report."""
    page.locator(f"[data-example={name}]").nth(panel).click()
    expect(page.locator(".panel").nth(panel).locator(".report")).to_be_visible()


def score_of(page: Page, **article: str) -> dict[str, Any]:
    """What the service itself says of an article."""
    answer = page.request.post(page.url + "v1/score", data=article)
    assert answer.ok, answer.text()
    return answer.json()


def drop(page: Page, name: str, content: str) -> None:
    """Drop a file on the first article."""
    transfer = page.evaluate_handle(
        "([name, content]) => { const data = new DataTransfer(); data.items.add(new File([content], name)); return data; }",
        [name, content],
    )
    page.locator(".panel").first.dispatch_event("drop", {"dataTransfer": transfer})


def no_horizontal_scroll(page: Page) -> bool:
    return page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth")


def assert_accessible(page: Page, state: str) -> None:
    """No serious or critical violation; the policy's own events are read before axe adds styles of its own."""
    if not page.url.startswith("file:"):
        assert page.evaluate("window.violations") == [], state
    found = Axe().run(page).response["violations"]
    page.evaluate("window.violations = []")
    serious = [
        (one["id"], [(node["target"], node["failureSummary"]) for node in one["nodes"][:3]])
        for one in found
        if one["impact"] in ("serious", "critical")
    ]
    assert serious == [], state


def test_a_pasted_article_comes_back_shaded_with_its_reasons(opened: Open) -> None:
    page = opened()
    text = (EXAMPLES / "escalating.txt").read_text(encoding="utf-8")
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.evaluate("text => navigator.clipboard.writeText(text)", text)
    page.locator("textarea").focus()
    page.keyboard.press("Control+V")
    expect(page.locator("textarea")).to_have_value(text)
    page.keyboard.press("Control+Enter")
    expect(page.locator(".report")).to_be_visible()
    want = score_of(page, text=text)
    low, high = want["interval"]
    gauge = f"Escalation {want['escalation']:.0f} of 100, {want['level']}; 90 % interval {low:.0f} to {high:.0f}"
    expect(page.get_by_role("img", name=gauge, exact=True)).to_be_visible()
    assert page.locator(".parts .points").all_inner_texts() == [
        f"{want[name]:.0f}" for name in ("threat", "act", "de_escalation")
    ]
    sentences = page.locator(".sentence")
    expect(sentences).to_have_count(len(want["sentences"]))
    for shown, sentence in zip(sentences.all(), want["sentences"], strict=True):
        assert sentence["text"] in shown.inner_text()
        assert f"{sentence['escalation']:.0f} points, {spoken(sentence['label'])}" in shown.text_content()
    by_points = sorted(range(len(want["sentences"])), key=lambda index: want["sentences"][index]["escalation"])
    highest, lowest = by_points[-1], by_points[0]
    shade = "element => getComputedStyle(element).backgroundColor"
    assert sentences.nth(highest).evaluate(shade) != sentences.nth(lowest).evaluate(shade)
    assert sentences.nth(highest).locator(".badge").inner_text() == f"{want['sentences'][highest]['escalation']:.0f}"
    drivers = page.locator(".drivers li")
    expect(drivers).to_have_count(len(want["drivers"]))
    first = want["drivers"][0]
    pushed = [f"{word['word']} +{word['contribution']:.0f}" for word in first["words"] if word["contribution"] >= 1][:5]
    assert [" ".join(word.split()) for word in drivers.first.locator(".word").all_inner_texts()] == pushed
    marked = sentences.nth(first["sentence"]).locator("mark").all_inner_texts()
    assert sorted(marked) == sorted(word.rpartition(" +")[0] for word in pushed)
    assert f"(version {want['model']['version']})" in page.locator(".report footer").inner_text()


def test_the_distribution_of_a_sentence_shows_on_hover_and_on_focus(opened: Open) -> None:
    page = opened()
    scored(page)
    want = score_of(page, text=(EXAMPLES / "escalating.txt").read_text(encoding="utf-8"))["sentences"]
    inspector = page.locator(".inspector")
    page.locator(".sentence").nth(4).hover()
    expect(inspector).to_contain_text("Sentence 5:")
    assert inspector.locator(".share").all_inner_texts() == [
        f"{100 * share:.0f} %" for share in want[4]["probabilities"].values()
    ]
    book = page.request.get(page.url + "v1/model").json()["codebooks"][0]
    meanings = {label["name"]: label["definition"] for label in book["labels"]}
    expect(inspector).to_contain_text(f"{spoken(want[4]['label'])}: {meanings[want[4]['label']]}")
    page.locator(".sentence").nth(2).focus()
    expect(inspector).to_contain_text("Sentence 3:")
    assert page.locator(".sentence").nth(2).get_attribute("aria-describedby") == inspector.get_attribute("id")


def test_a_dropped_page_is_read_without_its_furniture(opened: Open) -> None:
    page = opened()
    drop(page, "border.html", HTML)
    expect(page.get_by_role("heading", name="border.html")).to_be_visible()
    prose = page.locator(".prose").inner_text()
    assert "Tanks massed at the Orlava crossing" in prose
    assert "All rights reserved" not in prose
    assert "<p>" not in prose
    assert page.locator(".prose p").count() == 3


def test_files_in_other_encodings_are_read_and_others_refused_in_a_line(opened: Open, tmp_path: Path) -> None:
    page = opened()
    old, picture = tmp_path / "old.txt", tmp_path / "picture.pdf"
    old.write_bytes("Les sanctions: the café in Orlava was shelled, the mayor said “enough”.".encode("windows-1252"))
    picture.write_bytes(b"%PDF-1.7\n\x00\x01\x02")
    page.locator("input[type=file]").set_input_files(picture)
    expect(page.get_by_role("alert")).to_contain_text("picture.pdf is neither text nor HTML")
    page.locator("input[type=file]").set_input_files(old)
    expect(page.locator(".prose")).to_contain_text("café in Orlava was shelled, the mayor said “enough”")
    expect(page.locator(".message")).to_be_empty()
    expect(page.locator(".warning")).to_contain_text("one sentence only")


def test_everything_can_be_done_with_the_keyboard(opened: Open) -> None:
    page = opened()
    reached = lambda selector: page.evaluate("selector => document.activeElement.matches(selector)", selector)  # noqa: E731

    def tab_to(selector: str) -> None:
        for _ in range(30):
            page.keyboard.press("Tab")
            if reached(selector):
                return
        pytest.fail(f"the tab key does not lead to {selector}")

    tab_to(".skip")
    tab_to("[data-example=escalating]")
    page.keyboard.press("Enter")
    expect(page.locator(".report")).to_be_visible()
    expect(page.locator(".report h2")).to_be_focused()
    expect(page.get_by_role("status")).to_contain_text("escalation")
    assert page.title().endswith("– escalation")
    tab_to(".drivers a")
    page.keyboard.press("Enter")
    expect(page.locator(".sentence:focus")).to_have_count(1)
    first = page.evaluate("document.activeElement.id")
    page.keyboard.press("ArrowRight")
    assert page.evaluate("document.activeElement.id") != first
    page.keyboard.press("End")
    last = page.locator(".sentence").last
    expect(last).to_be_focused()
    expect(last).to_be_in_viewport()
    page.keyboard.press("Home")
    expect(page.locator(".sentence").first).to_be_focused()
    expect(page.locator(".inspector")).to_contain_text("Sentence 1:")
    page.keyboard.press("Tab")  # one stop for all sentences
    assert not reached(".sentence")
    page.keyboard.press("Enter")
    expect(page.locator("textarea").nth(1)).to_be_focused()


def test_the_score_can_be_taken_home_as_json(opened: Open) -> None:
    page = opened()
    scored(page, "calm")
    with page.expect_download() as download:
        page.get_by_role("button", name="Download JSON").click()
    assert re.fullmatch(r"escalation-port-of-ellaby-[a-z-]+\.json", download.value.suggested_filename)
    taken = json.loads(Path(download.value.path()).read_text(encoding="utf-8"))
    assert taken == score_of(page, text=(EXAMPLES / "calm.txt").read_text(encoding="utf-8"))


class Elements(HTMLParser):
    """The elements of a page's body in order, each with what it looks like, and its text."""

    def __init__(self, source: str):
        super().__init__()
        self.found: list[Any] = []
        self.words: list[str] = []
        self.feed(source[source.index("<body") :])
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        kept = {name: value for name, value in attrs if name != "style"}
        style = dict(attrs).get("style") or ""
        self.found.append((tag, kept, [round(float(figure), 2) for figure in re.findall(r"[\d.]+", style)]))

    def handle_data(self, data: str) -> None:
        self.words.append(data)

    @property
    def text(self) -> str:
        return "".join("".join(self.words).split())


def test_the_page_taken_home_is_the_one_that_the_command_writes(opened: Open, trained: Path, tmp_path: Path) -> None:
    page = opened()
    text = (EXAMPLES / "escalating.txt").read_text(
        encoding="utf-8"
    ) + "\nRead more 👍: our guide\n\n“𝕋anks” massed at noon.\n"
    source = tmp_path / "a border.txt"
    source.write_text(text, encoding="utf-8")
    page.locator("input[type=file]").set_input_files(source)
    expect(page.locator(".report")).to_be_visible()
    with page.expect_download() as download:
        page.get_by_role("button", name="Download page").click()
    assert download.value.suggested_filename == "escalation-a-border-txt.html"
    taken = Path(download.value.path()).read_text(encoding="utf-8")
    done = run(trained, "escalation", "score", str(source), "--html", str(tmp_path / "written.html"))
    assert done.returncode == 0, done.stderr
    one, other = Elements(taken), Elements((tmp_path / "written.html").read_text(encoding="utf-8"))
    assert one.found == other.found
    assert one.text == other.text
    assert "<script" not in taken
    assert not re.search(r"https?://(?!www\.w3\.org)", taken)


def test_a_hostile_article_is_shown_and_nothing_of_it_runs(opened: Open, tmp_path: Path) -> None:
    page = opened()
    page.locator("textarea").fill(HOSTILE)
    page.locator("textarea").press("Control+Enter")
    expect(page.locator(".report")).to_be_visible()
    assert "<script>window.ran = 1</script> Tanks massed" in page.locator(".prose").inner_text()
    assert "onerror='window.ran=2'" in page.locator(".prose").inner_text()
    assert page.locator(".result :is(script, img, a[href^=javascript], svg[onload])").count() == 0
    assert "\u202e" not in page.locator(".result").inner_text()
    with page.expect_download() as download:
        page.get_by_role("button", name="Download page").click()
    home = tmp_path / "taken.html"
    download.value.save_as(home)
    drop(page, '<img src=x onerror="window.ran=6">.txt', HOSTILE)
    expect(page.get_by_role("heading", name="onerror")).to_be_visible()
    assert page.evaluate("window.ran") is None
    page.goto(home.as_uri())
    expect(page.locator(".report")).to_be_visible()
    assert page.evaluate("window.ran") is None
    assert page.locator(":is(script, img)").count() == 0


def test_two_articles_stand_side_by_side(opened: Open) -> None:
    page = opened()
    scored(page, "escalating")
    page.get_by_role("button", name="Compare with a second article").click()
    scored(page, "calm", 1)
    one, other = (
        score_of(page, text=(EXAMPLES / f"{name}.txt").read_text(encoding="utf-8")) for name in ("escalating", "calm")
    )
    points = round(one["escalation"]) - round(other["escalation"])
    apart = "do not overlap" if one["interval"][0] > other["interval"][1] else "overlap, so the order is not sure"
    comparison = page.locator(".comparison")
    expect(comparison).to_contain_text(
        f"Article A scores {points} points above article B; their 90 % intervals {apart}."
    )
    cells = comparison.locator("tbody tr").first.locator("td").all_inner_texts()
    assert cells == [f"{one['escalation']:.0f}", f"{other['escalation']:.0f}", f"−{points}"]
    left, right = (panel.bounding_box() for panel in page.locator(".panel").all())
    assert left["y"] == right["y"]
    assert left["x"] + left["width"] <= right["x"]
    ids = page.evaluate("[...document.querySelectorAll('[id]')].map((element) => element.id)")
    assert len(set(ids)) == len(ids)
    page.locator(".panel").nth(1).locator("summary").first.click()
    page.locator(".panel").nth(1).get_by_role("button", name="Remove").click()
    expect(page.locator(".panel")).to_have_count(1)
    expect(comparison).to_be_hidden()


def test_a_phone_shows_all_of_it_without_scrolling_sideways(opened: Open) -> None:
    page = opened(viewport={"width": 360, "height": 740}, has_touch=True, is_mobile=True)
    assert no_horizontal_scroll(page)
    page.locator("textarea").fill(
        "Tanks" + "massed" * 60 + " at the crossing, they said.\n\nShells fell on Orlava at noon."
    )
    page.get_by_role("button", name="Score").tap()
    expect(page.locator(".report")).to_be_visible()
    assert no_horizontal_scroll(page)
    page.locator(".sentence").nth(1).tap()
    expect(page.locator(".inspector")).to_contain_text("Sentence 2:")
    expect(page.locator(".inspector")).to_be_in_viewport()
    page.get_by_role("button", name="Compare with a second article").tap()
    scored(page, "escalating", 1)
    expect(page.locator(".comparison")).to_be_visible()
    assert no_horizontal_scroll(page)


def test_colours_follow_the_system_and_the_switch_which_is_remembered(opened: Open) -> None:
    dark = opened(color_scheme="dark")
    light = opened(color_scheme="light")
    paper = "getComputedStyle(document.body).backgroundColor"
    assert dark.evaluate(paper) != light.evaluate(paper)
    light.get_by_role("button", name="Dark").click()
    assert light.evaluate(paper) == dark.evaluate(paper)
    light.reload()
    expect(light.get_by_role("button", name="Dark")).to_have_attribute("aria-pressed", "true")
    assert light.evaluate(paper) == dark.evaluate(paper)
    light.get_by_role("button", name="Auto").click()
    assert light.evaluate(paper) != dark.evaluate(paper)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_shades_differ_for_colour_blind_eyes(opened: Open, scheme: str) -> None:
    page = opened(color_scheme=scheme)
    scored(page, "calm")
    eyes = page.context.new_cdp_session(page)
    for vision in ("none", "deuteranopia", "protanopia", "tritanopia"):
        eyes.send("Emulation.setEmulatedVisionDeficiency", {"type": vision})
        *warm, calm = [_lab(swatch.screenshot()) for swatch in page.locator(".legend i").all()]
        from_paper = [abs(shade[0] - warm[0][0]) for shade in warm]
        assert all(after >= before + 3 for before, after in pairwise(from_paper)), (vision, from_paper)
        # a difference of 2.3 is just noticeable (Mahy et al. 1994)
        assert min(math.dist(one, other) for one, other in combinations([*warm, calm], 2)) > 5, vision


def _lab(picture: bytes) -> tuple[float, float, float]:
    """Colour in the middle of a picture as CIE L*a*b* (D65)."""
    image = Image.open(io.BytesIO(picture)).convert("RGB")
    pixel = np.array(image.getpixel((image.width // 2, image.height // 2))) / 255
    linear = np.where(pixel <= 0.04045, pixel / 12.92, ((pixel + 0.055) / 1.055) ** 2.4)
    matrix = np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]])
    x, y, z = np.cbrt(matrix @ linear / [0.9505, 1, 1.089])
    return 116 * y - 16, 500 * (x - y), 200 * (y - z)


def test_nothing_moves_for_those_who_asked_for_that(opened: Open) -> None:
    still, moving = opened(), opened(reduced_motion="no-preference")
    for page, want in ((still, "none"), (moving, "appear")):
        scored(page, "calm")
        assert page.locator(".report").evaluate("element => getComputedStyle(element).animationName") == want


@pytest.mark.parametrize(("scheme", "width"), [("light", 1280), ("dark", 360)])
def test_axe_finds_nothing_serious_in_any_state(opened: Open, tmp_path: Path, scheme: str, width: int) -> None:
    page = opened(color_scheme=scheme, viewport={"width": width, "height": 900})
    assert_accessible(page, "start")
    page.get_by_role("button", name="Score").click()
    expect(page.get_by_role("alert")).to_contain_text("nothing to score yet")
    assert_accessible(page, "error")
    scored(page, "escalating")
    assert_accessible(page, "scored")
    with page.expect_download() as download:
        page.get_by_role("button", name="Download page").click()
    page.get_by_role("button", name="Compare with a second article").click()
    scored(page, "deescalating", 1)
    expect(page.locator(".comparison")).to_be_visible()
    assert_accessible(page, "compared")
    page.locator(".panel").nth(1).locator("summary").first.click()
    page.locator("textarea").nth(1).fill("Filed under the topic\n\nTanks massed at noon. Tanks massed at noon.")
    page.locator("textarea").nth(1).press("Control+Enter")
    expect(page.locator(".sentence.uncounted").first).to_be_visible()
    assert_accessible(page, "uncounted sentences")
    download.value.save_as(tmp_path / "taken.html")
    page.goto((tmp_path / "taken.html").as_uri())
    page.locator(".sentence").first.focus()
    assert_accessible(page, "taken home")


def test_what_the_service_cannot_do_is_said_in_a_line(opened: Open) -> None:
    page = opened()
    alert = page.get_by_role("alert")
    page.locator("textarea").fill("12 345 678")
    page.locator("textarea").press("Control+Enter")
    expect(alert).to_contain_text("That could not be scored: text:")
    expect(alert).to_contain_text("no letters")
    page.context.set_offline(True)
    page.locator("textarea").press("Control+Enter")
    expect(alert).to_contain_text("The service cannot be reached")
    expect(page.locator("textarea")).to_have_value("12 345 678")
    page.context.set_offline(False)
    page.locator("textarea").fill("Tanks massed at the crossing. " * 70_000)
    page.locator("textarea").press("Control+Enter")
    expect(alert).to_contain_text("The article is too long for this service", timeout=60_000)


def test_a_busy_service_is_asked_again(opened: Open) -> None:
    page = opened()
    busy: list[int] = []

    def refuse_once(route: Any) -> None:
        if busy:
            route.continue_()
            return
        busy.append(1)
        problem = {"title": "Service Unavailable", "status": 503, "detail": "too many articles wait"}
        headers = {"Retry-After": "1", "Content-Type": "application/problem+json"}
        route.fulfill(status=503, headers=headers, body=json.dumps(problem))

    page.route("**/v1/score", refuse_once)
    page.locator("[data-example=calm]").click()
    expect(page.get_by_role("alert")).to_contain_text("The service is busy. Trying again in 1 second")
    expect(page.locator(".report")).to_be_visible()
    expect(page.locator(".message")).to_be_empty()


def test_a_token_is_asked_for_where_the_service_wants_one(opened: Open, trained: Path, tmp_path: Path) -> None:
    with serving(trained, tmp_path, "--workers", "1", ESCALATION_TOKEN=TOKEN) as running:
        page = opened(running.url)
        page.locator("[data-example=calm]").click()
        expect(page.get_by_role("alert")).to_contain_text("This service asks for a token")
        expect(page.get_by_label("Token of this service")).to_be_focused()
        page.keyboard.type("wrong")
        page.keyboard.press("Enter")
        expect(page.get_by_role("alert")).to_contain_text("This service asks for a token")
        page.get_by_label("Token of this service").fill(TOKEN)
        page.keyboard.press("Enter")
        expect(page.locator(".report")).to_be_visible()
        expect(page.locator("#model")).to_contain_text("version 1")
        assert TOKEN not in page.evaluate("JSON.stringify([localStorage, sessionStorage, location.href])")


def test_a_long_article_stays_usable(opened: Open) -> None:
    page = opened()
    kinds = (
        "Tanks number {} massed at the crossing.",
        "The choir of village {} sang.",
        "Talks {} were agreed on at noon.",
    )
    text = "\n\n".join(
        " ".join(kinds[row % 3].format(row) for row in range(start, start + 5)) for start in range(0, 5000, 5)
    )
    page.locator("textarea").fill(text)
    page.locator("textarea").press("Control+Enter")
    expect(page.locator(".sentence")).to_have_count(5000, timeout=60_000)
    assert page.locator(".strip i").count() <= 160
    page.locator(".sentence").first.focus()
    walked = page.evaluate(
        """async () => {
          const press = (key) =>
            document.activeElement.dispatchEvent(new KeyboardEvent("keydown", { key, bubbles: true, cancelable: true }));
          const began = performance.now();
          for (const key of ["End", "Home", ...Array(18).fill("ArrowRight")]) {
            press(key);
            await new Promise(requestAnimationFrame);
          }
          return [document.activeElement.id, (performance.now() - began) / 20];
        }"""
    )
    assert walked[0] == "a-19"
    assert walked[1] < 1000, f"{walked[1]:.0f} ms a step"


def test_only_the_page_s_own_files_are_served(opened: Open) -> None:
    page = opened()
    for name in ("page.css", "report.css", "main.js", "examples/calm.txt"):
        answer = page.request.get(f"{page.url}page/{name}")
        assert answer.ok, name
        again = page.request.get(f"{page.url}page/{name}", headers={"If-None-Match": answer.headers["etag"]})
        assert again.status == 304
    for name in ("../pages.py", "..%2fpages.py", "__init__.py", "nothing.js", "examples", ""):
        assert page.request.get(f"{page.url}page/{name}").status == 404, name
    policy = page.request.get(page.url).headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
