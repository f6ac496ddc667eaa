"""One open session with Hydra's Compose API: our choices, perhaps a foreign folder behind them, and typed results.

Must live here: everything that touches Hydra's internals to compose. Must not: which override is to blame, cells
(`compose`).

Full composition costs about 60 ms, so it is done once per distinct set of group choices; values are then applied to
a copy, as Hydra itself does it (10 ms), or, where none refers to another, to the sections they name (`frame`, 1 ms).
"""

from __future__ import annotations

import copy
from contextlib import contextmanager, nullcontext
from dataclasses import fields, is_dataclass
from typing import TYPE_CHECKING, Any, cast, get_origin

from hydra import compose, version
from hydra._internal.config_loader_impl import ConfigLoaderImpl
from hydra._internal.hydra import Hydra
from hydra._internal.utils import create_config_search_path
from hydra.core.config_search_path import SearchPathQuery
from hydra.core.global_hydra import GlobalHydra
from hydra.core.hydra_config import HydraConfig
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.singleton import Singleton
from omegaconf import DictConfig, ListConfig, OmegaConf, flag_override

from ingestexp.experiment.frame import Frame
from ingestexp.experiment.paths import CONF
from ingestexp.experiment.schema.run import RunConfig
from ingestexp.experiment.schema.store import register

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from hydra.core.override_parser.types import Override


@contextmanager
def session(foreign: Path | None = None, config_name: str = "config") -> Iterator[Session]:
    """Hydra's search path with our choices (and the foreign ones behind them), cleaned up afterwards."""
    state = Singleton.get_state()
    register()
    OmegaConf.clear_resolver("oc.env")  # a config is data: what the environment holds stays out of the evidence
    GlobalHydra.instance().clear()
    version.setbase("1.3")
    search_path = create_config_search_path(str(CONF))
    if foreign is not None:
        search_path.prepend("command-line", f"file://{foreign}", SearchPathQuery(provider="schema"))
    Hydra.create_main_hydra2(task_name="ingestexp", config_search_path=search_path)
    try:
        yield Session(config_name)
    finally:
        GlobalHydra.instance().clear()
        Singleton.set_state(state)


class Session:
    """Composes within one search path; bases are kept by their group choices."""

    def __init__(self, config_name: str) -> None:
        self.config_name = config_name
        self.loader = cast("ConfigLoaderImpl", GlobalHydra.instance().config_loader())
        self.parser = OverridesParser.create(config_loader=self.loader)
        self.bases: dict[tuple[str, ...], DictConfig] = {}
        self._frames: dict[tuple[str, ...], Frame] = {}
        self._groups: dict[str, bool] = {}

    def is_group(self, override: Override) -> bool:
        """A choice of a group, or anything of Hydra's own: what the base is composed with."""
        key = override.key_or_group
        if override.package is not None or key.startswith("hydra"):
            return True
        if key not in self._groups:
            self._groups[key] = self.loader.repository.group_exists(key)
        return self._groups[key]

    def base(self, groups: Sequence[str]) -> DictConfig:
        """The config of these group choices alone, `hydra` included. Not to be changed."""
        key = tuple(groups)
        if key not in self.bases:
            self.bases[key] = compose(self.config_name, list(groups), return_hydra_config=True)
        return self.bases[key]

    def has_key(self, groups: Sequence[str], key: str) -> bool:
        """Whether the config of these group choices has a place for the key."""
        node: Any = self.base(groups)
        for part in key.split("."):
            if not isinstance(node, DictConfig) or node._is_none() or part not in node:
                return False
            node = node._get_node(part)
        return True

    def compose(self, overrides: Sequence[Override]) -> DictConfig:
        """The config of a cell, equal to Hydra's own but for its notes on overrides."""
        groups = [str(override.input_line) for override in overrides if self.is_group(override)]
        values = [override for override in overrides if not self.is_group(override)]
        config = copy.deepcopy(self.base(groups))
        ConfigLoaderImpl._apply_overrides_to_config(values, config)
        return config

    def cell(self, overrides: Sequence[Override]) -> RunConfig:
        """`typed(compose(overrides))`, by the shortcut where there is one. Raises as those do."""
        groups = tuple(str(override.input_line) for override in overrides if self.is_group(override))
        values = [override for override in overrides if not self.is_group(override)]
        if groups not in self._frames:
            base = self.base(groups)
            self._frames[groups] = Frame(base, typed(base), lambda node: next(_unknown(node, ""), None) is not None)
        config = self._frames[groups].with_values(values)
        return typed(self.compose(overrides)) if config is None else config


def typed(composed: DictConfig) -> RunConfig:
    """The typed config, resolved. Raises UnknownKeyError and what OmegaConf raises."""
    with as_current(composed) if "hydra" in composed else nullcontext():
        job = copy.copy(composed)
        with flag_override(job, ["struct", "readonly"], [False, False]):
            job.pop("hydra", None)
            job._set_parent(None)
            unknown = next(_unknown(job, ""), None)
            if unknown is not None:
                raise UnknownKeyError(*unknown)
            config = OmegaConf.to_object(job)
    return RunConfig(**{spec.name: getattr(config, spec.name) for spec in fields(RunConfig)})


class UnknownKeyError(Exception):
    """A key that was appended (`+foo=1`) and that no schema knows: Hydra lets it through."""

    def __init__(self, full_key: str, holder: object) -> None:
        super().__init__(f"no such key {full_key}")
        self.full_key = full_key
        self.holder = holder


def _unknown(node: Any, prefix: str) -> Iterator[tuple[str, object]]:
    """(full key, dataclass that should hold it) of each key beyond the schema's fields."""
    if isinstance(node, ListConfig):
        if not node._is_none() and not node._is_interpolation() and not node._is_missing():
            for index in range(len(node)):
                yield from _unknown(node._get_node(index), f"{prefix[:-1]}[{index}].")
        return
    if not isinstance(node, DictConfig) or node._is_none() or node._is_interpolation() or node._is_missing():
        return
    schema = OmegaConf.get_type(node)
    names = {spec.name for spec in fields(schema)} if schema is not None and is_dataclass(schema) else set()
    is_mapping = get_origin(node._metadata.ref_type) is dict  # whose keys are the user's own names
    for key in node:
        if key not in names and not is_mapping:
            yield f"{prefix}{key!s}", schema
        else:
            yield from _unknown(node._get_node(key), f"{prefix}{key!s}.")


@contextmanager
def as_current(composed: DictConfig) -> Iterator[None]:
    """`${hydra:…}` resolves against this config."""
    instance = HydraConfig.instance()
    before = instance.cfg
    instance.cfg = composed  # type: ignore[assignment]
    try:
        yield
    finally:
        instance.cfg = before
