"""A stranger's YAML is data: it can't run code, reach out, or leave its folder.

Must live here: what a folder given with `--config-dir` may hold and change. Must not: mistakes of the user's own
command line, which is trusted: whoever types it could as well run any other program.

The guard looks three times: at the files as text before anything is built from them (`check_folder`), at what they
change in Hydra's own settings (`check_hydra`), and at the paths of the typed config (`confine`).
"""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import yaml  # type: ignore[import-untyped]
from omegaconf import DictConfig, OmegaConf

from ingestexp.experiment.mistake import Mistake
from ingestexp.experiment.schema.load import ReplayLoad
from ingestexp.experiment.schema.payload import LinesPayload
from ingestexp.experiment.schema.pipeline import SpillPolicy
from ingestexp.experiment.schema.sink import LogFileSinkConfig, ModelSinkConfig, SqliteSinkConfig

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ingestexp.experiment.schema.run import RunConfig

MAX_FILES: Final = 500
MAX_FILE_BYTES: Final = 128 * 1024
MAX_NODES: Final = 20_000
"""Of one file, aliases expanded: 280 bytes of nested aliases once took 52 s and 742 MB."""
MAX_DEPTH: Final = 30

CODE_KEYS: Final = frozenset({"_target_", "_args_", "_partial_", "_convert_", "_recursive_", "()"})
PLAIN_REFERENCE: Final = re.compile(r"[^$\\]*\$\{[A-Za-z0-9_.]+\}[^$\\]*")
"""One `${key}` a value: resolvers reach out, and references to references grow without bound."""

UPWARDS: Final = re.compile(r"(^|[/@ ])\.\.([/@]|$)")

HYDRA_MAY_DIFFER: Final = ("mode", "overrides", "runtime", "searchpath", "verbose")
JOB_MAY_DIFFER: Final = ("name", "override_dirname", "config_name", "id", "num")

_Loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def check_folder(folder: Path, conf: Path) -> list[Mistake]:
    """Every YAML file of the folder, whether it will be drawn in or not."""
    mistakes: list[Mistake] = []
    files = 0
    for parent, folders, names in os.walk(folder):
        for name in sorted(folders):
            if (Path(parent) / name).is_symlink():
                mistakes.append(_about(Path(parent) / name, folder, "is a symbolic link to a folder: copy it instead"))
        for name in sorted(names):
            if not name.endswith((".yaml", ".yml")):
                continue
            files += 1
            if files > MAX_FILES:
                why = f"holds more than {MAX_FILES} YAML files: give the folder of the question itself"
                return [*mistakes, Mistake("--config-dir", str(folder), why)]
            mistakes += _check_file(Path(parent) / name, folder, conf)
    return mistakes


def _check_file(file: Path, folder: Path, conf: Path) -> list[Mistake]:
    relative = file.relative_to(folder)
    if relative.parts[0] == "hydra" and len(relative.parts) > 1:
        return [_about(file, folder, "may not be shared: Hydra's own settings are the user's")]
    if relative.parts[0] == "schema" and len(relative.parts) > 1:
        return [_about(file, folder, "would replace a schema of ours: shared YAML may only add choices")]
    if (conf / relative).exists():
        return [_about(file, folder, "has the name of a choice of ours, which would silently win: rename it")]
    if not file.resolve().is_relative_to(folder.resolve()):
        return [_about(file, folder, "is a symbolic link out of the folder")]
    try:
        if not file.is_file():
            return [_about(file, folder, "is not a regular file")]
        with file.open("rb") as stream:
            text = stream.read(MAX_FILE_BYTES + 1)
        if len(text) > MAX_FILE_BYTES:
            return [_about(file, folder, f"is larger than the {MAX_FILE_BYTES // 1024} KiB a shared YAML may have")]
        reasons = list(_reasons(text.decode("utf-8")))
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        place = f" at line {mark.line + 1}" if mark else ""
        reasons = [f"is no valid YAML{place}: {getattr(error, 'problem', None) or type(error).__name__}"]
    except (OSError, UnicodeDecodeError) as error:
        reasons = [f"can't be read: {getattr(error, 'strerror', None) or 'not UTF-8'}"]
    return [_about(file, folder, reason) for reason in dict.fromkeys(reasons)]


def _reasons(text: str) -> Iterator[str]:
    """Why this text is refused, from its events alone: nothing is constructed, no alias followed."""
    sizes: dict[str, int] = {}  # nodes behind an anchor, aliases expanded
    open_nodes: list[tuple[str | None, int]] = []  # (anchor, nodes before it)
    nodes = 0
    for event in yaml.parse(text, Loader=_Loader):
        line = event.start_mark.line + 1
        if isinstance(event, yaml.AliasEvent):
            nodes += sizes.get(event.anchor, MAX_NODES)  # an alias inside its own anchor has no end
        elif isinstance(event, yaml.ScalarEvent):
            nodes += 1
            if event.anchor:
                sizes[event.anchor] = 1
            yield from _scalar_reasons(event.value, line)
        elif isinstance(event, yaml.CollectionStartEvent):
            open_nodes.append((event.anchor, nodes))
            nodes += 1
            if len(open_nodes) > MAX_DEPTH:
                yield f"is nested deeper than {MAX_DEPTH} levels (line {line})"
                return
        elif isinstance(event, yaml.CollectionEndEvent):
            anchor, before = open_nodes.pop()
            if anchor:
                sizes[anchor] = nodes - before
        if nodes > MAX_NODES:
            yield f"has more than {MAX_NODES:,} values once its aliases are expanded (line {line})"
            return
        tag = getattr(event, "tag", None)
        if tag and not tag.startswith("tag:yaml.org,2002:"):
            yield f"has a tag, {tag} (line {line}): plain values only"
        elif tag and ("python" in tag or tag.endswith("binary")):
            yield f"has the tag {tag} (line {line}): plain values only"


def _scalar_reasons(value: str, line: int) -> Iterator[str]:
    if value in CODE_KEYS:
        yield f"has the key {value} (line {line}), which makes Python objects: shared YAML can't run code"
    if "${" in value and not PLAIN_REFERENCE.fullmatch(value):
        yield f"has {value[:60]!r} (line {line}): of interpolations only one plain ${{key}} a value is allowed"
    if UPWARDS.search(value):
        why = "a shared YAML may not leave its folder (what it writes lies in the run folder)"
        yield f"has {value[:60]!r} (line {line}): {why}"
    if "pkg://" in value or "file://" in value or "structured://" in value:
        yield f"has {value[:60]!r} (line {line}): it can't bring in other places"
    if "@hydra" in value or value.startswith(("/hydra", "override hydra", "override /hydra")):
        yield f"has {value[:60]!r} (line {line}): Hydra's own settings are the user's"


def check_hydra(ours: DictConfig, theirs: DictConfig) -> list[Mistake]:
    """`hydra` composed without and with the foreign folder has to be the same, but for what names the job."""
    expected, found = _settings(ours), _settings(theirs)
    return [
        Mistake(f"hydra.{key}", "", "is changed by the shared YAML: Hydra's own settings are the user's")
        for key in sorted(expected.keys() | found.keys())
        if expected.get(key) != found.get(key)
    ] + [
        Mistake(key, "", "makes Python objects: shared YAML can't run code")
        for key in _code_keys(OmegaConf.to_container(theirs, resolve=False), "")
        if not key.startswith("hydra.")  # Hydra's own launcher and sweeper are made that way: compared above
    ]


def _settings(config: DictConfig) -> dict[str, Any]:
    settings = OmegaConf.to_container(config.hydra, resolve=False)
    assert isinstance(settings, dict)
    flat = {str(key): value for key, value in settings.items() if key not in HYDRA_MAY_DIFFER}
    flat["job"] = {key: value for key, value in flat["job"].items() if key not in JOB_MAY_DIFFER}
    return flat


def _code_keys(node: Any, prefix: str) -> Iterator[str]:
    if isinstance(node, dict):
        for key, value in node.items():
            if key in CODE_KEYS:
                yield f"{prefix}{key}"
            yield from _code_keys(value, f"{prefix}{key}.")
    elif isinstance(node, list):
        for index, value in enumerate(node):
            yield from _code_keys(value, f"{prefix}{index}.")


def confine(config: RunConfig, typed_keys: frozenset[str], foreign: Path | None) -> list[Mistake]:
    """Makes the config's paths absolute, in place, and says which may not be used.

    Typed on the command line: relative to the working folder, free. In a shared YAML: a file to read lies within that
    folder, and relative to it; a sink's own file lies in the run folder (it stays relative, as that has no name yet).
    """
    mistakes: list[Mistake] = []
    address = config.sweep.address
    if foreign is not None and address != "local" and "sweep.address" not in typed_keys:
        why = "is for the user to say: a shared YAML can't reach out to other machines"
        mistakes.append(Mistake("sweep.address", address, why))
    if config.redrive.folder:
        if foreign is not None and "redrive.from" not in typed_keys:
            why = "is for the user to say: it leads to a store that is written to"
            mistakes.append(Mistake("redrive.from", config.redrive.folder, why))
        else:  # runs/latest is soon another run
            setattr(config.redrive, "from", str(Path(config.redrive.folder).expanduser().resolve()))
    for node, key, written in _paths(config):
        name = key.rpartition(".")[2]
        value = getattr(node, name)
        if value is None or value == "":
            continue
        if foreign is None or key in typed_keys:
            setattr(node, name, str(Path(value).expanduser().absolute()))
        elif written:
            start = "spill" if name == "spill_path" else "sink"
            if Path(value).name != value or not value.startswith(start):
                why = f"in a shared YAML has to be a plain name that starts with {start}: it lies in the run folder"
                mistakes.append(Mistake(key, value, why))
        else:
            inside = (foreign / value).resolve()
            if Path(value).is_absolute() or not inside.is_relative_to(foreign):
                mistakes.append(Mistake(key, value, f"in a shared YAML may not leave its folder, {foreign}"))
            else:
                setattr(node, name, str(inside))
    return mistakes


def _paths(config: RunConfig) -> Iterator[tuple[object, str, bool]]:
    """(holder, full key, whether it is written) of every path there is."""
    if isinstance(config.load, ReplayLoad):
        yield config.load, "load.path", False
    if isinstance(config.payload, LinesPayload):
        yield config.payload, "payload.path", False
    if isinstance(config.sink, ModelSinkConfig):
        yield config.sink, "sink.noise_path", False
    if isinstance(config.sink, SqliteSinkConfig | LogFileSinkConfig):
        yield config.sink, "sink.path", True
    if isinstance(config.policy, SpillPolicy):
        yield config.policy, "policy.spill_path", True


def _about(file: Path, folder: Path, why: str) -> Mistake:
    return Mistake(str(Path(folder.name) / file.relative_to(folder)), "", why)
