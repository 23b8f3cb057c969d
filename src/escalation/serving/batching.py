"""The queue between requests and workers: what waits while all workers are busy goes to the next free one as a batch."""

import asyncio
import logging
import time
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

from escalation.errors import EscalationError
from escalation.serving.settings import Settings, cores
from escalation.serving.worker import Article, Source, Worker, WorkerStoppedError

BATCH_CHARACTERS = 100_000  # a long article is scored alone, so that short ones do not wait for it
AGAIN = 1.0  # seconds before another try at starting a worker

log = logging.getLogger("escalation.serving")


class QueueFullError(Exception):
    """More articles wait than may."""


@dataclass(eq=False)
class Crew:
    """The workers that hold one version of the model."""

    source: Source
    model: dict[str, Any]
    retired: bool = False
    alive: int = 0
    idle: int = 0
    tasks: list[asyncio.Task[None]] = field(default_factory=list)


class Batcher:
    """Hands waiting articles to workers.

    A worker takes what waits when it becomes free, at most `settings.batch` articles: nobody waits for a batch to fill, and
    under load batches fill by themselves.

    Parameters
    ----------
    settings : Settings
    observe : callable
        Told the articles and the seconds of each batch.
    """

    def __init__(self, settings: Settings, observe: Callable[[int, float], None]):
        self.settings = settings
        self.crew: Crew | None = None
        self._observe = observe
        self._waiting: deque[tuple[Article, asyncio.Future[bytes]]] = deque()
        self._news = asyncio.Event()
        self._changing = asyncio.Lock()
        # twice: while the model is replaced, both crews are there
        self._threads = ThreadPoolExecutor(2 * settings.workers, thread_name_prefix="worker")

    @property
    def waiting(self) -> int:
        """Articles that no worker has taken yet."""
        return len(self._waiting)

    @property
    def ready(self) -> bool:
        """Whether an article that comes now will be scored."""
        return self.crew is not None and self.crew.alive > 0 and len(self._waiting) < self.settings.queue

    async def score(self, articles: Sequence[Article]) -> list[bytes | BaseException]:
        """Scores as JSON in the order of the articles, or why an article has none.

        Raises
        ------
        QueueFullError
            They do not fit in the queue; none of them is scored.
        TimeoutError
            They are not done in time; those that wait are dropped.
        """
        if len(self._waiting) + len(articles) > self.settings.queue:
            raise QueueFullError
        loop = asyncio.get_running_loop()
        futures: list[asyncio.Future[bytes]] = [loop.create_future() for _ in articles]
        self._waiting.extend(zip(articles, futures, strict=True))
        self._news.set()
        try:
            async with asyncio.timeout(self.settings.timeout):  # which cancels the futures
                return await asyncio.gather(*futures, return_exceptions=True)
        except TimeoutError:
            # else they would take the place of others until a worker comes by
            self._waiting = deque(one for one in self._waiting if not one[1].done())
            raise

    async def use(self, source: Source) -> Crew:
        """Load a model in new workers, then let them take over; the old ones finish what they are at.

        Raises
        ------
        EscalationError
            It cannot be loaded; the old one stays.
        """
        async with self._changing:
            started = await asyncio.gather(
                *(self._started(source) for _ in range(self.settings.workers)), return_exceptions=True
            )
            workers = [one for one in started if isinstance(one, Worker)]
            failed = [one for one in started if isinstance(one, BaseException)]
            if failed:
                for worker in workers:
                    worker.stop()
                raise failed[0]
            crew = Crew(source, workers[0].model, alive=len(workers))
            crew.tasks = [asyncio.create_task(self._run(crew, worker)) for worker in workers]
            old, self.crew = self.crew, crew
            if old:
                self._retire(old)
                await asyncio.gather(*old.tasks)
            return crew

    async def stop(self) -> None:
        """End the workers once nothing waits."""
        if self.crew:
            self._retire(self.crew)
            await asyncio.gather(*self.crew.tasks)
        self._threads.shutdown()

    def _retire(self, crew: Crew) -> None:
        crew.retired = True
        self._news.set()

    async def _started(self, source: Source) -> Worker:
        threads = max(1, cores() // self.settings.workers)
        return await asyncio.get_running_loop().run_in_executor(self._threads, Worker, source, threads)

    async def _run(self, crew: Crew, worker: Worker) -> None:
        """Serve with one worker, and with another when it ends, until the crew is retired."""
        while batch := await self._next(crew):
            if not await self._scored(worker, batch):
                worker.stop()
                crew.alive -= 1
                replacement = await self._replaced(crew)
                if replacement is None:
                    return
                worker = replacement
                crew.alive += 1
        worker.stop()

    async def _next(self, crew: Crew) -> list[tuple[Article, asyncio.Future[bytes]]]:
        """The next batch, a fair share of what waits; empty when the crew is retired."""
        crew.idle += 1
        try:
            while not crew.retired or (crew is self.crew and self._waiting):
                batch: list[tuple[Article, asyncio.Future[bytes]]] = []
                characters = 0
                most = min(self.settings.batch, -(-len(self._waiting) // crew.idle))
                while self._waiting and len(batch) < most:
                    article, future = self._waiting[0]
                    characters += len(article.content)
                    if batch and characters > BATCH_CHARACTERS:
                        break
                    self._waiting.popleft()
                    if not future.done():  # else its request has given up
                        batch.append((article, future))
                if batch:
                    return batch
                if not self._waiting:
                    self._news.clear()
                    await self._news.wait()
            return []
        finally:
            crew.idle -= 1

    async def _scored(self, worker: Worker, batch: Sequence[tuple[Article, asyncio.Future[bytes]]]) -> bool:
        """Score a batch and answer its requests; whether the worker lives on."""
        began = time.perf_counter()
        asked = asyncio.get_running_loop().run_in_executor(
            self._threads, worker.score, [article for article, _ in batch]
        )
        done, _ = await asyncio.wait({asked}, timeout=self.settings.timeout)
        if not done:
            log.error("a batch took too long: its worker is replaced", extra={"articles": len(batch)})
            worker.kill()
        answers: Sequence[bytes | BaseException]
        try:
            answers = await asked
        except Exception as error:
            answers = [error] * len(batch)
            if not isinstance(error, WorkerStoppedError):
                log.error("a batch failed", extra={"articles": len(batch), "reason": str(error)})
        for (_, future), answer in zip(batch, answers, strict=True):
            if future.done():
                continue
            if isinstance(answer, bytes):
                future.set_result(answer)
            else:
                future.set_exception(answer)
        self._observe(len(batch), time.perf_counter() - began)
        return not any(isinstance(answer, WorkerStoppedError) for answer in answers)

    async def _replaced(self, crew: Crew) -> Worker | None:
        """A worker in the place of one that ended; None when the crew has been retired."""
        while not crew.retired or self._waiting:
            try:
                return await self._started(crew.source)
            except (EscalationError, WorkerStoppedError, OSError) as error:
                log.error("a worker cannot be started", extra={"reason": str(error)})
                await asyncio.sleep(AGAIN)
        return None
