"""Hands cells to workers and says what became of each, whatever happens to a worker.

Must live here: who gets what next, packs, dead workers, the end on request. Must not: the order of the cells
(`stages`), what is shown (`progress`).
"""

from __future__ import annotations

import contextlib
from collections import deque
from dataclasses import dataclass, field
from enum import Enum
from typing import TYPE_CHECKING, Any, Final, Protocol

from ingestexp.sweep.fate import has_begun, outcome_of
from ingestexp.sweep.job import VERDICT, Outcome

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ingestexp.sweep.cluster import Cluster
    from ingestexp.sweep.hosts import Seat
    from ingestexp.sweep.job import CellJob, SweepOrder

PACK_S: Final = 0.4
"""So much work goes to a worker at once: results come often, and a hand-over (1 ms) costs little."""
LOOK_EVERY_S: Final = 0.2
JUDGED_HERE: Final = 20
"""So few verdicts are left to the driver: workers import DuckDB for it."""
JUDGED_AT_ONCE: Final = 200
"""At most: a look at many runs costs hardly more to prepare than one at a single run."""
MOST_FALSE_STARTS: Final = 3
KILL_AT_INTERRUPT: Final = 3


class Kind(Enum):
    """How cells may stand beside one another."""

    simulated = "simulated"
    live = "live"
    exclusive = "exclusive"


class Watcher(Protocol):
    """Is told what happens, as it does."""

    def begun(self, jobs: Sequence[CellJob]) -> None: ...

    def ended(self, job: CellJob, outcome: Outcome) -> None: ...

    def tick(self) -> None: ...

    def judging(self, count: int) -> None: ...

    def interrupts(self) -> int:
        """How often the user asked for the end."""


@dataclass(slots=True)
class _Post:
    """A seat with the worker on it. `ref`: what it is at, None while idle."""

    seat: Seat
    worker: Any
    ref: Any = None
    jobs: list[CellJob] = field(default_factory=list)
    ready: bool = False


class Dispatcher:
    """Workers stay as long as cells of one kind follow one another."""

    def __init__(self, cluster: Cluster, order: SweepOrder, watcher: Watcher, cores_per_run: int) -> None:
        self._cluster = cluster
        self._order = order
        self._watcher = watcher
        self._cores_per_run = cores_per_run
        self._kind: Kind | None = None
        self._posts: list[_Post] = []
        self._queue: deque[CellJob] = deque()
        self._mean_s = 0.0
        self._false_starts = 0

    def run(self, jobs: Sequence[CellJob], kind: Kind) -> None:
        """All of them, or those that had begun when the user asked for the end."""
        if not jobs:
            return
        self._queue = deque(jobs)
        self._staff(kind, len(jobs))
        while self._queue or any(post.jobs for post in self._posts):
            self._heed_interrupts()
            if all(post.ready for post in self._posts) or kind is Kind.simulated:
                self._hand_out()
            self._collect()
            self._watcher.tick()
        if kind is Kind.simulated and len(jobs) > JUDGED_HERE:
            self._judge(jobs)

    def _judge(self, jobs: Sequence[CellJob]) -> None:
        """Share the verdicts out among the workers. What goes wrong here is done again by the driver, at the end."""
        import ray

        folders = [self._order.run_dir(job) for job in jobs]
        finished = deque(folder for folder in folders if has_begun(folder) and not (folder / VERDICT).exists())
        idle = [post for post in self._posts if post.ready and post.ref is None]
        hands = max(1, len(idle))
        rounds = -(-len(finished) // (hands * JUDGED_AT_ONCE))
        share = -(-len(finished) // (hands * max(1, rounds)))  # all of them are through at the same time
        self._watcher.judging(len(finished))
        at_work: dict[Any, _Post] = {}
        while (finished or at_work) and (idle or at_work) and not self._watcher.interrupts():
            while finished and idle:
                post = idle.pop()
                chunk = [finished.popleft() for _ in range(min(share, len(finished)))]
                at_work[post.worker.judge.remote(chunk)] = post
            done, _ = ray.wait(list(at_work), num_returns=1, timeout=LOOK_EVERY_S)
            for ref in done:
                post = at_work.pop(ref)
                with contextlib.suppress(Exception):
                    ray.get(ref)
                    idle.append(post)

    def dismiss(self) -> None:
        """End all workers."""
        import ray

        for post in self._posts:
            ray.kill(post.worker, no_restart=True)
        self._posts, self._kind = [], None

    def _staff(self, kind: Kind, job_count: int) -> None:
        if self._kind is not kind:
            self.dismiss()
            self._kind = kind
        cores_each = 1 if kind is Kind.simulated else self._cores_per_run
        seats = self._cluster.seats(cores_each, 1 if kind is Kind.exclusive else None)
        for seat in seats[len(self._posts) : job_count]:
            self._posts.append(self._employ(seat))

    def _employ(self, seat: Seat) -> _Post:
        worker = self._cluster.employ(seat, self._order, live=self._kind is not Kind.simulated)
        return _Post(seat, worker, ref=worker.get_ready.remote())

    def _hand_out(self) -> None:
        for post in self._posts:
            if not self._queue:
                return
            if post.ref is None:
                if self._kind is Kind.simulated:
                    post.jobs = [self._queue.popleft() for _ in range(self._pack_size())]
                    post.ref = post.worker.run_pack.remote(post.jobs)
                else:
                    post.jobs = [self._queue.popleft()]
                    post.ref = post.worker.run_live.remote(post.jobs[0], post.seat.cores)
                self._watcher.begun(post.jobs)

    def _pack_size(self) -> int:
        """One to begin with; towards the end small ones, so that all workers are through at the same time."""
        fair = -(-len(self._queue) // (2 * len(self._posts)))
        return max(1, min(fair, int(PACK_S / self._mean_s))) if self._mean_s else 1

    def _collect(self) -> None:
        import ray

        at_work = {post.ref: post for post in self._posts if post.ref is not None}
        if not at_work:
            return
        done, _ = ray.wait(list(at_work), num_returns=1, timeout=LOOK_EVERY_S)
        if done:
            done, _ = ray.wait(list(at_work), num_returns=len(at_work), timeout=0)
        for ref in done:
            post = at_work[ref]
            post.ref = None
            try:
                answer = ray.get(ref)
            except Exception as error:
                self._bury(post, error)
                continue
            if not post.ready:
                post.ready = True
                self._false_starts = 0
            else:
                jobs, post.jobs = post.jobs, []
                self._settle(jobs, answer if isinstance(answer, list) else [answer])

    def _settle(self, jobs: list[CellJob], outcomes: list[Outcome]) -> None:
        by_number = {outcome.number: outcome for outcome in outcomes}
        for job in jobs:
            outcome = by_number.get(job.number)
            if outcome is not None:
                self._mean_s = outcome.elapsed_s if not self._mean_s else 0.8 * self._mean_s + 0.2 * outcome.elapsed_s
                self._watcher.ended(job, outcome)

    def _bury(self, post: _Post, error: Exception) -> None:
        """A worker is gone: what it finished counts, what it was at is lost, the rest goes to others."""
        import ray

        died = f"its worker died ({type(error).__name__})"
        jobs, post.jobs = post.jobs, []
        begun = [job for job in jobs if has_begun(self._order.run_dir(job))]
        for job in begun:
            self._watcher.ended(job, outcome_of(job, self._order.run_dir(job), died=died))
        rest = [job for job in jobs if job not in begun]
        if (rest and not begun) or not post.ready:
            self._false_starts += 1
            if self._false_starts >= MOST_FALSE_STARTS:
                words = "its worker died before it began, time and again: " + " ".join(str(error).split())[:300]
                lost, rest = (rest, []) if rest else (list(self._queue), [])
                self._queue.clear()
                for job in lost:
                    self._watcher.ended(job, Outcome(job.number, job.folder, "crashed", words))
        self._queue.extendleft(reversed(rest))
        try:
            ray.kill(post.worker, no_restart=True)
        finally:
            self._posts.remove(post)
            if self._queue:
                self._posts.append(self._employ(post.seat))

    def _heed_interrupts(self) -> None:
        count = self._watcher.interrupts()
        if not count:
            return
        self._queue.clear()
        self._order.stop_file.write_text(str(count), encoding="ascii")
        if count >= KILL_AT_INTERRUPT:
            for post in self._posts:
                for job in post.jobs:
                    self._watcher.ended(job, outcome_of(job, self._order.run_dir(job), died="ended by the user"))
                post.jobs, post.ref = [], None
            self.dismiss()
