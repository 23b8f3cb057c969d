"""`escalation serve`: the answers, the errors, and what happens when there is too much, too little or nothing any more."""

import http.client
import http.server
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.request
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from commands import json_of, one_line_error, run
from serving import ARTICLE, HTML, Answer, Service, mlflow_serving, serving

TOKEN = "a-token-of-the-tests"
BEARER = {"Authorization": f"Bearer {TOKEN}"}
SECONDS = 5.0


@pytest.fixture(scope="module")
def service(trained: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """A service as it is by default."""
    with serving(trained, tmp_path_factory.mktemp("service")) as running:
        yield running


@pytest.fixture(scope="module")
def own_home(trained: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home with a registry of its own over the same files, so that aliases can be moved."""
    folder = tmp_path_factory.mktemp("own_home")
    shutil.copy(trained / "mlflow.db", folder)
    return folder


@pytest.fixture(scope="module")
def small(own_home: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """A service with one worker, a token and little room."""
    options = [
        "--workers",
        "1",
        "--batch",
        "1",
        "--queue",
        "3",
        "--max-articles",
        "3",
        "--max-bytes",
        "20000",
        "--log-text",
    ]
    folder = tmp_path_factory.mktemp("small")
    with serving(own_home, folder, *options, "--timeout", str(SECONDS), ESCALATION_TOKEN=TOKEN) as running:
        yield running


def until(holds: Callable[[], bool], seconds: float = 180.0) -> None:
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline, "it does not happen"
        time.sleep(0.05)


def move_champion(home: Path) -> str:
    """Register the champion's files as another version and let the alias name it; its number."""
    from mlflow.tracking import MlflowClient

    client = MlflowClient(f"sqlite:///{home / 'mlflow.db'}")
    old = client.get_model_version_by_alias("escalation", "champion")
    files = client.get_model_version_download_uri("escalation", old.version)
    new = client.create_model_version("escalation", files, old.run_id)
    client.set_registered_model_alias("escalation", "champion", new.version)
    return str(new.version)


def is_problem(answer: Answer, status: int) -> Any:
    """The answer is a problem of that status, whose content comes back."""
    assert answer.status == status, answer.body
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert answer.headers["Content-Security-Policy"].startswith("default-src 'none'")
    assert answer.json["status"] == status
    assert answer.json["detail"]
    return answer.json


def test_same_answers_as_the_command_and_mlflow(service: Service, trained: Path, tmp_path: Path) -> None:
    (tmp_path / "article.txt").write_text(ARTICLE, encoding="utf-8")
    (tmp_path / "page.html").write_text(HTML, encoding="utf-8")
    command = run(trained, "escalation", "score", f"{tmp_path}/article.txt", f"{tmp_path}/page.html", "--json")
    text, page = json_of(command)  # type: ignore[misc]
    assert service.score({"text": ARTICLE}).json == text
    assert service.score({"articles": [{"html": HTML}, {"text": ARTICLE}]}).json == [page, text]
    with mlflow_serving(trained, tmp_path) as address:
        body = json.dumps({"inputs": [ARTICLE]}).encode()
        asked = urllib.request.Request(address, body, {"Content-Type": "application/json"})
        served = json.load(urllib.request.urlopen(asked, timeout=60))["predictions"][0]
    assert {**served, "model": None} == {**text, "model": None}  # MLflow's server does not know the alias


def test_fields_can_be_left_out(service: Service) -> None:
    whole = service.score({"text": ARTICLE}).json
    brief = service.score({"text": ARTICLE, "drivers": False, "sentences": False}).json
    assert whole["sentences"]
    assert whole["drivers"]
    assert brief == {key: value for key, value in whole.items() if key not in ("sentences", "drivers")}
    assert "drivers" not in service.score({"text": ARTICLE, "drivers": False}).json


def test_model(service: Service) -> None:
    model = service.ask("GET", "/v1/model").json
    assert (model["uri"], model["version"], model["codebook"]) == ("models:/escalation@champion", "1", "ladder")
    assert model["corpora"]["authored"]["rows"] > 4000
    assert model["metrics"]["ladder"]["qwk"] > 0.4
    (ladder,) = model["codebooks"]
    assert [label["name"] for label in ladder["labels"]][-1] == "use_of_force"


@pytest.mark.parametrize(
    ("body", "status", "pointer"),
    [
        ({}, 422, "#/text"),
        ({"text": 3}, 422, "#/text"),
        ({"text": ""}, 422, "#/text"),
        ({"text": "1234 --- !!!"}, 422, "#/text"),
        ({"text": "\ud800 attack"}, 422, "#/text"),
        ({"html": "<html><body><nav>Home</nav></body></html>"}, 422, "#/html"),
        ({"text": "They attacked.", "drivers": "yes"}, 422, "#/drivers"),
        ({"text": "They attacked.", "url": "x"}, 422, "#/url"),
        ({"text": "They attacked.", "html": HTML}, 422, "#/text"),
        ({"articles": []}, 422, "#/articles"),
        ({"articles": [{"text": "They attacked."}] * 65}, 422, "#/articles"),
        ({"articles": [{"text": "They attacked."}, {"text": "123"}]}, 422, "#/articles/1/text"),
        ({"articles": [{"text": "They attacked."}, {"html": None}]}, 422, "#/articles/1/html"),
        ({"articles": [{"text": "They attacked."}, "They attacked."]}, 422, "#/articles/1"),
        ([{"text": "They attacked."}], 422, "#"),
        (b"{", 422, "#"),
        (b'{"text": "\xff"}', 400, None),
        (b"[" * 100_000, 400, None),
    ],
)
def test_error_names_the_field(service: Service, body: Any, status: int, pointer: str | None) -> None:
    said = is_problem(service.score(body), status)
    if pointer:
        assert pointer in [one["pointer"] for one in said["errors"]]
        assert all(one["detail"] for one in said["errors"])


def test_other_errors_are_problems_too(service: Service) -> None:
    is_problem(service.ask("GET", "/nowhere"), 404)
    answer = service.ask("GET", "/v1/score")
    is_problem(answer, 405)
    assert answer.headers["Allow"] == "POST"
    is_problem(service.score(b"text=They+attacked.", Content_Type="application/x-www-form-urlencoded"), 415)
    assert "ESCALATION_TOKEN" in is_problem(service.ask("POST", "/v1/reload"), 403)["detail"]


def test_web_address_is_never_fetched(service: Service) -> None:
    asked = []

    class Trap(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)

    trap = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Trap)
    threading.Thread(target=trap.serve_forever, daemon=True).start()
    address = f"http://127.0.0.1:{trap.server_port}"
    linked = HTML.replace(
        "<nav>", f'<link rel="canonical" href="{address}/c"><img src="{address}/i"><iframe src="{address}/f">'
    )
    assert "fetch" in is_problem(service.score({"text": f" {address}/story.html\n"}), 422)["detail"]
    assert service.score({"text": f"The minister wrote of it at {address}/story.html on Sunday."}).status == 200
    assert service.score({"html": linked}).status == 200
    trap.shutdown()
    assert asked == []


def test_concurrent_requests_share_batches(service: Service) -> None:
    batches, articles = (service.metric(f"escalation_batch_articles_{one}") for one in ("count", "sum"))
    bodies = [{"text": f"{ARTICLE} Convoy number {number} left at noon."} for number in range(48)]
    with ThreadPoolExecutor(24) as clients:
        answers = list(clients.map(service.score, bodies))
    assert [answer.status for answer in answers] == [200] * 48
    for number, answer in enumerate(answers):  # each gets the score of its own article
        assert answer.json["sentences"][-1]["text"] == f"Convoy number {number} left at noon."
    batches = service.metric("escalation_batch_articles_count") - batches
    assert service.metric("escalation_batch_articles_sum") - articles == 48
    assert batches < 40


def test_worker_that_dies_is_replaced(service: Service) -> None:
    before = set(service.workers())
    for worker in before:
        os.kill(worker, signal.SIGKILL)
    until(lambda: service.score({"text": ARTICLE}).status == 200)
    assert not before & set(service.workers())


def test_documentation_works_offline(service: Service) -> None:
    page = service.ask("GET", "/docs").body.decode()
    assert not re.search(r"<script(?![^>]* src=)|<style|\son\w+=|style=", page), "the security headers forbid it"
    files = re.findall(r'(?:src|href)="([^"]+)"', page)
    assert len(files) > 2
    for path in files:
        assert path.startswith("/docs/"), path
        answer = service.ask("GET", path)
        assert answer.status == 200
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert any(b"SwaggerUIBundle" in service.ask("GET", path).body for path in files if path.endswith("bundle.js"))
    assert set(service.ask("GET", "/openapi.json").json["paths"]) >= {"/v1/score", "/v1/model", "/healthz", "/readyz"}


def test_health_and_metrics(service: Service) -> None:
    assert service.ask("GET", "/healthz").json == {"status": "ok"}
    assert service.ask("GET", "/readyz").json == {"status": "ok"}
    service.score({"text": ARTICLE})
    figures = service.ask("GET", "/metrics").body.decode()
    assert re.search(r'escalation_requests_total\{method="POST",path="/v1/score",status="200"\} [1-9]', figures)
    assert re.search(
        r'escalation_model_info\{codebook="ladder",uri="models:/escalation@champion",version="1"\} 1', figures
    )


def test_log_has_no_article(service: Service) -> None:
    before = len(service.scored())
    service.score({"text": f"{ARTICLE} Xylophone."})
    last = service.scored(before + 1)[-1]
    assert (last["status"], last["articles"]) == (200, 1)
    assert "Xylophone" not in service.log.read_text(encoding="utf-8")
    assert "Orlava" not in service.log.read_text(encoding="utf-8")


def test_schemathesis_finds_nothing(service: Service) -> None:
    before = len(service.logged())
    # not every string of letters is an article, so a request that fits the schema may be refused
    command = f"run {service.url}/openapi.json --exclude-checks positive_data_acceptance --max-examples 20 --seed 1 --no-color"
    done = subprocess.run(
        [str(Path(sys.executable).with_name("schemathesis")), *command.split()],
        cwd=service.log.parent,  # it leaves a folder
        capture_output=True,
        text=True,
        timeout=180,
    )
    assert done.returncode == 0, done.stdout
    statuses = Counter(entry["status"] for entry in service.logged()[before:] if entry.get("path") == "/v1/score")
    assert statuses[200] > 10
    assert not [status for status in statuses if status >= 500]


def test_token(small: Service) -> None:
    for headers in (
        {},
        {"Authorization": f"Basic {TOKEN}"},
        {"Authorization": "Bearer wrong"},
        {"Authorization": TOKEN},
    ):
        for method, path in (("POST", "/v1/score"), ("GET", "/v1/model"), ("POST", "/v1/reload"), ("GET", "/metrics")):
            answer = small.ask(method, path, **headers)
            is_problem(answer, 401)
            assert answer.headers["WWW-Authenticate"] == "Bearer"
    assert small.score({"text": ARTICLE}, **BEARER).status == 200
    for path in ("/", "/docs", "/openapi.json", "/healthz", "/readyz"):
        assert small.ask("GET", path).status == 200
    assert small.ask("GET", "/openapi.json").json["components"]["securitySchemes"]
    assert TOKEN not in small.log.read_text(encoding="utf-8")


def test_log_has_the_article_if_wanted(small: Service) -> None:
    before = len(small.scored())
    small.score({"text": f"{ARTICLE} Xylophone."}, **BEARER)
    assert small.scored(before + 1)[-1]["texts"] == [f"{ARTICLE} Xylophone."]


def test_full_queue(small: Service) -> None:
    (worker,) = small.workers()
    os.kill(worker, signal.SIGSTOP)
    with ThreadPoolExecutor(5) as clients:
        try:
            taken = clients.submit(small.score, {"text": ARTICLE}, **BEARER)
            time.sleep(0.5)  # until the worker has it
            waiting = clients.submit(small.score, {"articles": [{"text": ARTICLE}] * 3}, **BEARER)
            time.sleep(0.5)
            refused = small.score({"text": ARTICLE}, **BEARER)
            is_problem(refused, 503)
            assert int(refused.headers["Retry-After"]) >= 1
            is_problem(small.ask("GET", "/readyz"), 503)
        finally:
            os.kill(worker, signal.SIGCONT)
        assert taken.result().status == 200
        assert len(waiting.result().json) == 3


@pytest.mark.parametrize("chunked", [False, True])
def test_large_body(small: Service, chunked: bool) -> None:
    body = json.dumps({"text": "They attacked. " * 2000}).encode()
    sent: Any = iter([body[:15_000], body[15_000:]]) if chunked else body
    assert "20,000" in is_problem(small.score(sent, **BEARER), 413)["detail"]
    assert small.score(iter([b'{"text": ', b'"They attacked."}']), **BEARER).status == 200


def test_slow_body(small: Service) -> None:
    with socket.create_connection((small.host, small.port), timeout=60) as connection:
        connection.sendall(
            f"POST /v1/score HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {TOKEN}\r\n"
            "Content-Type: application/json\r\nContent-Length: 100\r\n\r\n{".encode()
        )
        began = time.monotonic()
        response = http.client.HTTPResponse(connection)
        response.begin()
        answer = Answer(response.status, response.headers, response.read())
    is_problem(answer, 408)
    assert time.monotonic() - began < SECONDS + 5


def test_worker_that_hangs(small: Service) -> None:
    (worker,) = small.workers()
    os.kill(worker, signal.SIGSTOP)
    began = time.monotonic()
    is_problem(small.score({"text": ARTICLE}, **BEARER), 504)
    assert time.monotonic() - began < SECONDS + 5
    assert small.score({"articles": [{"text": ARTICLE}] * 3}, **BEARER).status in (
        200,
        504,
    )  # what was dropped takes no place
    until(lambda: small.score({"text": ARTICLE}, **BEARER).status == 200)


def test_reload_without_a_gap(small: Service, own_home: Path) -> None:
    stopped = threading.Event()
    answers: list[Answer] = []

    def ask() -> None:
        while not stopped.is_set():
            answers.append(small.score({"text": ARTICLE}, **BEARER))
            time.sleep(0.02)  # the new worker needs the processor, too

    version = move_champion(own_home)
    assert small.ask("GET", "/v1/model", **BEARER).json["version"] != version
    asking = threading.Thread(target=ask)
    asking.start()
    try:
        assert small.ask("POST", "/v1/reload", **BEARER).json["version"] == version
    finally:
        stopped.set()
        asking.join()
    assert {answer.status for answer in answers} == {200}
    assert small.score({"text": ARTICLE}, **BEARER).json["model"]["version"] == version
    assert len(small.workers()) == 1


def test_reload_that_fails_changes_nothing(small: Service, own_home: Path) -> None:
    before = small.ask("GET", "/v1/model", **BEARER).json
    (own_home / "mlflow.db").rename(own_home / "away")
    try:
        assert "no model" in is_problem(small.ask("POST", "/v1/reload", **BEARER), 409)["detail"]
    finally:
        (own_home / "away").rename(own_home / "mlflow.db")
    assert small.ask("GET", "/v1/model", **BEARER).json == before
    assert small.score({"text": ARTICLE}, **BEARER).status == 200


def test_stop_under_load_loses_nothing(own_home: Path, tmp_path: Path) -> None:
    """Whatever the service has taken is answered; the poll is on, so that a champion that comes is served, too."""
    answers: Counter[object] = Counter()

    def client(service: Service, number: int) -> None:
        connection = http.client.HTTPConnection(service.host, service.port, timeout=60)
        for count in range(10**6):
            body = json.dumps({"text": f"{ARTICLE} Convoy {number} of {count} left at noon."})
            fresh = connection.sock is None
            try:
                connection.request("POST", "/v1/score", body, {"Content-Type": "application/json"})
                response = connection.getresponse()
                assert response.read()
            except (OSError, http.client.HTTPException) as error:
                # the system may have queued a new connection that the service never saw
                if not (fresh and isinstance(error, ConnectionError)):
                    answers[type(error).__name__] += 1
                return
            answers[response.status] += 1
            if response.getheader("Connection") == "close":
                connection.close()

    with serving(own_home, tmp_path, "--poll", "0.2") as service:
        version = move_champion(own_home)
        until(lambda: service.ask("GET", "/v1/model").json["version"] == version)
        before = service.metric("escalation_batch_articles_sum")
        clients = [threading.Thread(target=client, args=(service, number)) for number in range(32)]
        for one in clients:
            one.start()
        until(lambda: service.metric("escalation_batch_articles_sum") > before + 64)
        service.process.send_signal(signal.SIGTERM)
        for one in clients:
            one.join()
        assert service.process.wait(timeout=60) == 0
        taken = Counter(entry["status"] for entry in service.logged() if entry.get("path") == "/v1/score")
    assert answers[200] >= 64
    assert answers == Counter({200: taken[200]}), (answers, taken)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--workers", "0"], "--workers"),
        (["--queue", "5", "--max-articles", "6"], "--max-articles"),
        (["--port", "99999"], "--port"),
        (["--host", "192.0.2.1"], "--host"),
        (["--model", "models:/escalation@nobody"], "nobody"),
    ],
)
def test_mistakes_end_in_one_line(trained: Path, options: list[str], said: str) -> None:
    assert said in one_line_error(run(trained, "escalation", "serve", "--port", "0", *options))


def test_port_that_is_taken(trained: Path) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        line = one_line_error(run(trained, "escalation", "serve", "--port", str(other.getsockname()[1])))
    assert "--port" in line


def test_token_that_no_header_can_hold(trained: Path) -> None:
    assert "ESCALATION_TOKEN" in one_line_error(run(trained, "escalation", "serve", ESCALATION_TOKEN="a b"))
