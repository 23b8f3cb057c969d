"""The app: what each address answers."""

import asyncio
from collections.abc import Callable, Sequence
from typing import Annotated, Any

from fastapi import Body, Depends, FastAPI, Request, Response
from fastapi.middleware import Middleware
from fastapi.responses import PlainTextResponse
from fastapi.security import HTTPBearer

from escalation import __version__
from escalation.errors import EscalationError, InputError
from escalation.serving import documentation, logs, pages, problems, schemas
from escalation.serving.access import BearerToken, needs_token
from escalation.serving.batching import Batcher, QueueFullError
from escalation.serving.headers import CommonHeaders
from escalation.serving.limits import BodyLimit
from escalation.serving.metrics import KIND, Metrics
from escalation.serving.problems import RETRY_AFTER, Refused, documented
from escalation.serving.settings import TOKEN, Settings
from escalation.serving.watching import Watch
from escalation.serving.worker import Article, Source, WorkerStoppedError


def create_app(batcher: Batcher, locate: Callable[[], Source], metrics: Metrics, settings: Settings) -> FastAPI:
    """Build the app around a batcher that has workers.

    Parameters
    ----------
    batcher : Batcher
    locate : callable
        Finds the model anew when a reload is asked for.
    metrics : Metrics
    settings : Settings
    """
    layers = [
        Middleware(CommonHeaders),
        Middleware(Watch, tell=(logs.request, metrics.request)),
        *([Middleware(BearerToken, token=settings.token)] if settings.token else []),
        Middleware(BodyLimit, most=settings.max_bytes, seconds=settings.timeout),
    ]
    app = FastAPI(
        title="escalation",
        version=__version__,
        description="How escalatory is an article, sentence by sentence? Nothing that a request names is fetched.",
        docs_url=None,
        redoc_url=None,
        middleware=layers,
    )
    app.state.stopping = False
    app.state.batcher, app.state.locate, app.state.metrics, app.state.settings = batcher, locate, metrics, settings
    shown = HTTPBearer(auto_error=False, description=f"The value of {TOKEN}.")  # the layer above is what refuses
    closed = [Depends(shown)] if settings.token else []
    unauthorised = documented(401) if settings.token else {}
    scored = unauthorised | documented(400, 408, 413, 415, 422, 503, 504)
    app.post("/v1/score", response_model=schemas.Answer, responses=scored, dependencies=closed)(score)
    app.get("/v1/model", response_model=schemas.Model, responses=unauthorised, dependencies=closed)(model)
    orders = unauthorised | documented(403, 409)
    app.post(
        "/v1/reload", response_model=schemas.Model, responses=orders, dependencies=[*closed, Depends(needs_token)]
    )(reload)
    app.get("/healthz", response_model=schemas.Health)(healthy)
    app.get("/readyz", response_model=schemas.Health, responses=documented(503))(ready)
    app.get("/metrics", response_class=PlainTextResponse, responses=unauthorised, dependencies=closed)(figures)
    problems.install(app)
    documentation.install(app)
    app.include_router(pages.router())
    return app


async def score(
    request: Request,
    wanted: Annotated[schemas.Request, Body(openapi_examples={"text": {"value": {"text": schemas.EXAMPLE}}})],
) -> Response:
    """Score one article, `text` or `html`, and get an object; or several, as `articles`, and get a list in their order."""
    settings: Settings = request.app.state.settings
    several = isinstance(wanted, schemas.ListRequest)
    given = wanted.articles if isinstance(wanted, schemas.ListRequest) else [wanted]
    if len(given) > settings.max_articles:
        detail = f"holds {len(given)} articles, over the limit of {settings.max_articles}: send fewer, or raise --max-articles"
        raise Refused(422, f"articles: {detail}", [(["articles"], detail)])
    articles = [_article(one, wanted) for one in given]
    notes = request.state.notes
    notes |= {"articles": len(articles), "characters": sum(len(one.content) for one in articles)}
    if settings.log_text:
        notes["texts"] = [one.content for one in articles]
    try:
        answers = await request.app.state.batcher.score(articles)
    except QueueFullError:
        raise Refused(503, "too many articles wait: try again in a second", headers=RETRY_AFTER) from None
    except TimeoutError:
        detail = f"not scored within {settings.timeout:g} seconds: send less at once, or raise --timeout"
        raise Refused(504, detail) from None
    kinds = ["html" if one.html else "text" for one in articles]
    _check(answers, [["articles", row, kind] if several else [kind] for row, kind in enumerate(kinds)])
    scores = [one for one in answers if isinstance(one, bytes)]
    return Response(b"[" + b",".join(scores) + b"]" if several else scores[0], media_type="application/json")


async def model(request: Request) -> Any:
    """Which model is served, what it learnt from and how it did on rows held out."""
    return request.app.state.batcher.crew.model


async def reload(request: Request) -> Any:
    """Load the model anew, for example after its alias has moved; requests are answered all the while."""
    try:
        source = await asyncio.to_thread(request.app.state.locate)
        crew = await request.app.state.batcher.use(source)
    except (EscalationError, WorkerStoppedError) as error:
        raise Refused(409, f"the model stays as it was: {error}") from error
    return crew.model


async def healthy() -> schemas.Health:
    """Whether the service runs."""
    return schemas.Health()


async def ready(request: Request) -> schemas.Health:
    """Whether it can score now: a worker lives and the queue has room."""
    batcher: Batcher = request.app.state.batcher
    if request.app.state.stopping or not batcher.ready:
        raise Refused(503, "nothing can be scored now: try again in a second", headers=RETRY_AFTER)
    return schemas.Health()


async def figures(request: Request) -> Response:
    """Figures for Prometheus."""
    metrics: Metrics = request.app.state.metrics
    metrics.waiting.set(request.app.state.batcher.waiting)
    served = request.app.state.batcher.crew.model
    metrics.model.info({key: str(served[key]) for key in ("uri", "version", "codebook")})
    return Response(metrics.exposition(), media_type=KIND)


def _article(one: schemas.Text | schemas.Html, wanted: schemas.Wanted) -> Article:
    html = isinstance(one, schemas.Html)
    return Article(one.html if isinstance(one, schemas.Html) else one.text, html, wanted.drivers, wanted.sentences)


def _check(answers: Sequence[bytes | BaseException], paths: Sequence[Sequence[str | int]]) -> None:
    """Refuse a request of which an article has no score, and say which and why."""
    failures = [(path, one) for path, one in zip(paths, answers, strict=True) if isinstance(one, BaseException)]
    for _, error in failures:
        if isinstance(error, WorkerStoppedError):
            raise Refused(503, f"{error}: try again in a second", headers=RETRY_AFTER)
        if not isinstance(error, InputError):
            raise error
    if failures:
        fields = [(path, str(error)) for path, error in failures]
        raise Refused(422, "; ".join(f"{'.'.join(map(str, path))}: {said}" for path, said in fields[:3]), fields)
