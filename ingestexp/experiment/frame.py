"""The typed config of one set of group choices, and quick variations of it: what makes cell 1,000 cost as little as 2.

Must live here: a shortcut that gives what `session.typed(session.compose(…))` gives, or nothing. Must not: errors
(whoever gets nothing composes in full, which says what is wrong).

Only the sections that the values name are copied, changed and typed; the others are those of the base. That holds
only where no value refers to another one, so a base or a value with an interpolation has no shortcut.
"""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any

from hydra._internal.config_loader_impl import ConfigLoaderImpl
from omegaconf import DictConfig, ListConfig, OmegaConf
from omegaconf.base import Container

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from hydra.core.override_parser.types import Override

    from ingestexp.experiment.schema.run import RunConfig

SHARED = frozenset({"sweep", "experiment"})
"""Sections that nobody changes afterwards: the same objects in all cells."""


class Frame:
    """`composed` with `hydra`, its typed form, and `unknown`: whether a node holds keys beyond its schema."""

    def __init__(self, composed: DictConfig, config: RunConfig, unknown: Callable[[Any], bool]) -> None:
        self._config = config
        self._unknown = unknown
        nodes = {str(key): composed._get_node(key) for key in composed if key != "hydra"}
        self._plain = not any(_refers(node) for node in nodes.values())
        self._nodes = nodes

    def with_values(self, overrides: Sequence[Override]) -> RunConfig | None:
        """The typed config with these values; None where the long way has to be gone."""
        if not self._plain or any("${" in (override.input_line or "") for override in overrides):
            return None
        names = dict.fromkeys(override.key_or_group.partition(".")[0] for override in overrides)
        if any(name not in self._nodes for name in names):
            return None
        try:
            changed = self._changed(names, overrides)
        except Exception:
            return None
        if changed is None:
            return None
        config = copy.copy(self._config)
        for name, value in vars(config).items():
            if name in changed:
                setattr(config, name, changed[name])
            elif name not in SHARED:
                setattr(config, name, copy.copy(value))
        return config

    def _changed(self, names: dict[str, None], overrides: Sequence[Override]) -> dict[str, Any] | None:
        root = DictConfig({}, flags={"struct": True})
        for name in names:
            node: Any = copy.deepcopy(self._nodes[name])
            node._set_parent(root)
            root.__dict__["_content"][name] = node
        ConfigLoaderImpl._apply_overrides_to_config(list(overrides), root)
        nodes = {name: root._get_node(name) for name in names}
        if any(_refers(node) or self._unknown(node) for node in nodes.values()):
            return None
        return {name: _typed(node) for name, node in nodes.items()}


def _typed(node: Any) -> Any:
    return OmegaConf.to_object(node) if isinstance(node, Container) else node._value()


def _refers(node: Any) -> bool:
    """Whether it holds an interpolation, or a value that is still missing."""
    if node._is_interpolation() or node._is_missing():
        return True
    if isinstance(node, DictConfig) and not node._is_none():
        return any(_refers(node._get_node(key)) for key in node)
    if isinstance(node, ListConfig) and not node._is_none():
        return any(_refers(node._get_node(index)) for index in range(len(node)))
    return False
