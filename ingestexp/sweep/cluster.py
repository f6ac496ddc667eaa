"""Ray: started here or joined, its hosts with their cores, and the workers on them.

Must live here: all that is said to Ray but handing out cells (`dispatch`). Must not: what a cell is, progress,
whose cores are whose (`hosts`).
"""

from __future__ import annotations

import contextlib
import logging
import os
import secrets
import shutil
import socket
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from ingestexp.experiment.source_code import code_version
from ingestexp.sweep.hosts import Host, Seat, report_of, seats_on
from ingestexp.sweep.worker import Worker

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ingestexp.sweep.job import SweepOrder

LOCAL: Final = "local"
"""The address of a Ray that is started here."""
OBJECT_STORE_BYTES: Final = 80 << 20
"""Nearly the least there may be: configs go in, outcomes come back."""

KNOCK_S: Final = 5.0
CURE: Final = ". Start one with `ray start --head`, or leave the key out for a Ray of our own"

_OWN: Final = {
    "RAY_AUTH_MODE": "token",  # a token of our own: nobody else's jobs, and no key file in the home folder
    "RAY_memory_monitor_refresh_ms": "0",  # it would kill our supervisors instead of the cell that is too large
    "RAY_worker_niceness": "0",  # at Ray's own 15 any process beside it takes 28 times a cell's share of a core
    "RAY_enable_metrics_collection": "0",
}
_QUIET: Final = {
    "RAY_USAGE_STATS_ENABLED": "0",
    "RAY_DISABLE_IMPORT_WARNING": "1",
    "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0",
}


_kept: list[Cluster] | None = None
"""The one that several sweeps share, once it runs; None where each has its own."""


@contextlib.contextmanager
def kept_running() -> Iterator[None]:
    """A Ray that is started here while this lasts is stopped at its end, not at the end of a sweep."""
    global _kept
    _kept = []
    try:
        yield
    finally:
        running, _kept = _kept, None
        for cluster in running:
            cluster.stop()


class ClusterError(Exception):
    """Ray can't be had, in words meant for the user."""


class Cluster:
    """A context manager: on leaving it, a Ray that was started here is stopped."""

    def __init__(self, address: str) -> None:
        self._address = address
        self._temp: str | None = None
        self.hosts: list[Host] = []

    @property
    def is_local(self) -> bool:
        return self._address == LOCAL

    @property
    def is_running(self) -> bool:
        """Started here, by a sweep before this one."""
        return self.is_local and bool(_kept)

    def __enter__(self) -> Cluster:
        if self.is_running:
            return self
        os.environ.update({key: value for key, value in _QUIET.items() if key not in os.environ})
        if self.is_local:
            os.environ.update(_OWN)
            os.environ["RAY_AUTH_TOKEN"] = secrets.token_hex(32)
            os.environ.pop("RAY_ADDRESS", None)
        else:
            self._knock()
        import ray
        from ray._private import worker as internals

        if hasattr(internals, "print_to_stdstream"):  # "A worker died": we say which cell it cost
            internals.print_to_stdstream = lambda *args, **kwargs: None
        try:
            if self.is_local:
                self._start(ray)
            else:
                ray.init(self._address, logging_level=logging.CRITICAL, log_to_driver=False)
        except Exception as error:
            said = " ".join(str(error).split()).rstrip(".")
            if self.is_local:
                raise ClusterError(f"Ray can't be started: {said}") from error
            raise ClusterError(f"no Ray cluster can be reached there: {said}{CURE}") from error
        if self.is_local and _kept is not None:
            _kept.append(self)
        return self

    def _knock(self) -> None:
        """Ray itself takes half a minute and more to find out that nobody is there."""
        host, colon, port = self._address.rpartition(":")
        if colon and port.isdigit() and "/" not in host:
            try:
                socket.create_connection((host, int(port)), KNOCK_S).close()
            except (OSError, OverflowError) as error:
                raise ClusterError(f"no Ray cluster can be reached there: {error}{CURE}") from error

    def __exit__(self, *exc: object) -> None:
        if not self.is_running:
            self.stop()

    def stop(self) -> None:
        import ray

        ray.shutdown()
        if self._temp is not None:
            shutil.rmtree(self._temp, ignore_errors=True)

    def _start(self, ray: Any) -> None:
        _clean_up()
        top = "/tmp" if Path("/tmp").is_dir() else tempfile.gettempdir()  # noqa: S108 (sockets: at most 107 bytes)
        self._temp = tempfile.mkdtemp(prefix=f"{_TEMP_PREFIX}{os.getpid()}-", dir=top)
        ray.init(
            address="local",
            num_cpus=len(os.sched_getaffinity(0)),
            include_dashboard=False,
            log_to_driver=False,
            logging_level=logging.CRITICAL,
            object_store_memory=OBJECT_STORE_BYTES,
            _temp_dir=self._temp,
        )

    def look_around(self, order: SweepOrder) -> list[str]:
        """Find out what hosts there are; sentences about those that can't be used. Raises ClusterError if none can."""
        import ray

        found: dict[str, Host] = {}
        refused: list[str] = []
        listing: list[dict[str, Any]] = ray.nodes()  # type: ignore[no-untyped-call]
        nodes = [node for node in listing if node["Alive"] and int(node["Resources"].get("CPU", 0))]
        reports: list[dict[str, Any] | str]
        if self.is_local:
            reports = [report_of(str(order.folder))] * len(nodes)
        else:
            reports = [self._ask(node["NodeID"], str(order.folder)) for node in nodes]
        own = code_version()
        for node, report in zip(nodes, reports, strict=True):
            name = f"{node['NodeManagerHostname']} ({node['NodeManagerAddress']})"
            if isinstance(report, str):
                refused.append(f"{name} is not used: {report}")
            elif report["code_version"] != own:
                refused.append(f"{name} is not used: its code is {report['code_version']}, here it is {own}")
            elif not report["sees_folder"]:
                refused.append(f"{name} is not used: it does not see {order.folder} (a shared folder is needed)")
            else:
                host = found.setdefault(report["key"], Host(report["key"], report["cores"], report["facts"]))
                host.nodes[node["NodeID"]] = int(node["Resources"]["CPU"])
        self.hosts = list(found.values())
        if not self.hosts:
            raise ClusterError("; ".join(refused) or "that Ray cluster has no node with a CPU")
        return refused

    @staticmethod
    def _ask(node: str, folder: str) -> Any:
        import ray

        try:
            ask = ray.remote(report_of).options(num_cpus=0, max_retries=0, scheduling_strategy=_on(node))
            return ray.get(ask.remote(folder), timeout=60)
        except Exception as error:
            said = str(error).strip().splitlines()
            return f"it could not be asked ({said[-1] if said else type(error).__name__})"

    def seats(self, cores_each: int, most_a_host: int | None = None) -> list[Seat]:
        """Places with `cores_each` cores of their own; where a host has fewer, one with all of them."""
        return seats_on(self.hosts, cores_each, most_a_host)

    def employ(self, seat: Seat, order: SweepOrder, live: bool) -> Any:
        """A worker process in that place, as a Ray actor. It is never restarted: a rerun would mix evidence."""
        import ray

        actor: Any = ray.remote(Worker)
        options = {"num_cpus": seat.cpus, "max_restarts": 0, "max_task_retries": 0}
        return actor.options(**options, scheduling_strategy=_on(seat.node)).remote(order, live, self.is_local)


def _on(node: str) -> Any:
    from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

    return NodeAffinitySchedulingStrategy(node, soft=False)


_TEMP_PREFIX: Final = "ingestexp-"


def _clean_up() -> None:
    """Session folders of our own drivers that were killed."""
    for folder in Path("/tmp").glob(f"{_TEMP_PREFIX}[0-9]*-*"):  # noqa: S108
        pid = folder.name.removeprefix(_TEMP_PREFIX).partition("-")[0]
        with contextlib.suppress(OSError):
            if pid.isdigit() and not Path(f"/proc/{pid}").exists() and folder.stat().st_uid == os.getuid():
                shutil.rmtree(folder, ignore_errors=True)
