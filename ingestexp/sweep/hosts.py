"""The machines of a Ray cluster: what each says of itself, and the places for workers on them.

Must live here: hosts, seats, how cores are dealt out. Must not: talking to Ray (`cluster`).
"""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ingestexp.experiment.manifest import host_facts
from ingestexp.experiment.source_code import code_version

if TYPE_CHECKING:
    from collections.abc import Sequence


@dataclass(slots=True)
class Host:
    """A machine. `nodes`: Ray's nodes on it with their CPUs; two of them share one set of `cores`."""

    key: str
    cores: list[int]
    facts: dict[str, Any]
    nodes: dict[str, int] = field(default_factory=dict)


@dataclass(slots=True)
class Seat:
    """A place for a worker: its node, its host, the cores that are its own."""

    node: str
    host: Host
    cores: list[int]
    cpus: int


def report_of(folder: str) -> dict[str, Any]:
    """What a host says of itself. `key` is the same for two Ray nodes on one machine."""
    facts = host_facts(Path(folder))
    return {
        "key": facts.get("boot_id") or os.uname().nodename,
        "cores": sorted(os.sched_getaffinity(0)),
        "facts": facts,
        "code_version": code_version(),
        "sees_folder": Path(folder).is_dir(),
    }


def seats_on(hosts: Sequence[Host], cores_each: int, most_a_host: int | None = None) -> list[Seat]:
    """Places with `cores_each` cores of their own; where a host has fewer, one with all of them."""
    found = []
    for host in hosts:
        free = list(host.cores)
        taken = 0
        nodes = {node: cpus for node, cpus in host.nodes.items() if cpus}
        while nodes and free and (most_a_host is None or taken < most_a_host):
            for node, cpus in list(nodes.items()):
                want = min(cores_each, cpus if taken else max(cpus, 1), len(free))
                if taken and (len(free) < cores_each or cpus < cores_each):
                    del nodes[node]
                    continue
                cores, free = free[-want:], free[:-want]
                found.append(Seat(node, host, cores, want))
                taken += 1
                nodes[node] -= want
                if not nodes[node]:
                    del nodes[node]
                if not free or taken == most_a_host:
                    break
    return found
