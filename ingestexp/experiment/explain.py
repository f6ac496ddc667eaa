"""Hydra's, OmegaConf's and YAML's errors in words that name the key, the value, what is allowed and what was meant.

Must live here: turning one exception into one `Mistake`. Must not: finding out which override is to blame (`compose`).
"""

from __future__ import annotations

import os
import re
import traceback
import types
from dataclasses import fields, is_dataclass
from enum import Enum
from typing import TYPE_CHECKING, Any, Final, Union, get_args, get_origin, get_type_hints

import yaml  # type: ignore[import-untyped]
from hydra.errors import MissingConfigException, OverrideParseException
from omegaconf.errors import (
    ConfigAttributeError,
    ConfigKeyError,
    InterpolationResolutionError,
    MissingMandatoryValue,
    OmegaConfBaseException,
    ValidationError,
)

from ingestexp.experiment.mistake import Mistake, did_you_mean, nearest
from ingestexp.experiment.schema.fault import FAULTS, FaultConfig
from ingestexp.experiment.validate_faults import not_chosen

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from ingestexp.experiment.schema import RunConfig

_IN_FILE: Final = re.compile(r"^In '([^']+)'")
_ONE_OF: Final = re.compile(r"expected one of \[([^\]]*)\]")
_FULL_KEY: Final = re.compile(r"full_key: (\S+)")
_GROUPS: Final = ("load", "payload", "decode", "policy", "window", "on_failure", "sink", "fault", "slo")


def explain(error: BaseException, override: str = "", known: Iterable[str] = ()) -> Mistake:
    """One mistake for one error. `override` is the token to blame, `known` the keys of the config composed so far."""
    if os.environ.get("INGESTEXP_DEBUG") == "1":
        traceback.print_exception(error)
    key, value = _halves(override)
    cause = _cause(error)
    place = _IN_FILE.match(str(error))
    where = f" (in {place[1]}.yaml)" if place and place[1] != "config" else ""
    if isinstance(error, MissingConfigException):
        return _no_choice(error, key, value, where)
    if isinstance(cause, yaml.YAMLError):
        return Mistake(*_yaml(cause))
    if isinstance(cause, OmegaConfBaseException):
        full_key = _full_key(cause, key)
        why, given = _of_omegaconf(cause, full_key, value, known)
        if key and full_key != key:  # the mistake is inside of what was given, as in window={max_sise: 4}
            return Mistake(key, value, f"{full_key}: {why}{where}")
        return Mistake(full_key, given, why + where)
    if isinstance(error, AssertionError) and key.startswith("fault."):  # of OmegaConf, at a node that is null
        return Mistake(key, value, not_chosen(key))
    text = _line(error)
    if "Could not append" in text:
        return Mistake(key, value, "is there already: leave out the +")
    if "group override must be a string" in text or "must be a string or a list" in text:
        return Mistake(key, value, "a group needs one of its choices: no group can be left out")
    return Mistake(key or "configuration", value, (text or type(error).__name__) + where)


def _of_omegaconf(cause: OmegaConfBaseException, full_key: str, value: str, known: Iterable[str]) -> tuple[str, str]:
    """(why, the value given)."""
    if isinstance(cause, InterpolationResolutionError):
        return f"refers to something that is not there: {_line(cause)}", value
    if isinstance(cause, ConfigAttributeError | ConfigKeyError):
        return no_such_key(full_key, cause.object_type, known), value
    if isinstance(cause, MissingMandatoryValue):
        return f"has no value yet: give one with {full_key}=…", ""
    if isinstance(cause, ValidationError):
        given = value or _given(cause)
        return _wrong_type(cause, full_key, given), given
    return _line(cause), value


def unreadable(token: str, error: BaseException) -> Mistake:
    """A token that Hydra's override grammar can't read."""
    if "=" not in token:
        return Mistake(token, "", "is not of the form key=value (flags start with a dash)")
    key, value = _halves(token)
    reason = _line(error) if not isinstance(error, OverrideParseException) else ""
    reason = f" ({reason})" if reason else ""
    why = f"can't be read{reason}: quote values with spaces or any of ()[]{{}},:= as in 'key=\"a (b)\"'"
    return Mistake(key, value, why)


def no_such_key(full_key: str, holder: object, known: Iterable[str]) -> str:
    """Why a key is unknown: the nearest spelling, and the keys there are beside it."""
    if holder is FaultConfig:
        return not_chosen(full_key)
    parent, _, leaf = full_key.rpartition(".")
    there = [spec.name for spec in fields(holder)] if is_dataclass(holder) else []
    names = [f"{parent}.{name}" if parent else name for name in there if name != "kind"]
    close = nearest(full_key, names) or nearest(leaf, [name.rpartition(".")[2] for name in names])
    if close is None:
        by_leaf: dict[str, str] = {}
        for name in known:
            by_leaf.setdefault(name.rpartition(".")[2], name)
        close = by_leaf.get(nearest(leaf, by_leaf, cutoff=0.75) or "")
    elif parent and "." not in close:
        close = f"{parent}.{close}"
    hint = f"; did you mean {close}?" if close else ""
    listed = ", ".join(name for name in there if name != "kind") or "none"
    return f"no such key{hint} (keys {'here' if parent else 'at the top'}: {listed})"


def keys_of(node: object, prefix: str = "") -> Iterator[str]:
    """The full names of all keys of a typed config."""
    if is_dataclass(node) and not isinstance(node, type):
        for spec in fields(node):
            name = f"{prefix}{spec.name}"
            yield name
            yield from keys_of(getattr(node, spec.name), f"{name}.")


def allowed(config_type: object, field_name: str) -> str:
    """What a field takes, in words: "a whole number or null"."""
    if not isinstance(config_type, type) or not is_dataclass(config_type):
        return "another type of value"
    return _words(get_type_hints(config_type).get(field_name, object))


def _words(hint: Any) -> str:
    if get_origin(hint) in (Union, types.UnionType):
        return " or ".join("null" if arm is type(None) else _words(arm) for arm in get_args(hint))
    if isinstance(hint, type) and issubclass(hint, Enum):
        return "one of " + ", ".join(hint.__members__)
    if get_origin(hint) is list:
        return "a list"
    simple = {bool: "true or false", int: "a whole number", float: "a number", str: "text"}
    return simple.get(hint, "a group of keys")


def _wrong_type(cause: ValidationError, full_key: str, given: str) -> str:
    name = full_key.rpartition(".")[2].partition("[")[0]
    words = allowed(cause.object_type, name)
    listed = _ONE_OF.search(str(cause))  # of an element of a list OmegaConf knows more than its holder
    if listed and not words.startswith("one of "):
        words = f"one of {listed[1]}"
    members = words.removeprefix("one of ").split(", ") if words.startswith("one of ") else []
    return f"must be {words}{did_you_mean(given, members)}"


def _no_choice(error: MissingConfigException, key: str, value: str, where: str) -> Mistake:
    missing = (error.missing_cfg_file or "").lstrip("/")
    group, _, name = missing.rpartition("/")
    listed = error.options or (FAULTS if group == "fault" else ())  # Hydra lists none for a group of several
    options = [option for option in listed if not option.startswith("_")]
    if not options:
        return Mistake(key or missing, value, f"there is no {missing or 'such file'}.yaml{where}")
    if group.startswith("schema"):
        why = f"no such schema{did_you_mean(name, options)} (there are: {', '.join(options)}){where}"
        return Mistake(missing, "", why)
    why = f"no such choice{did_you_mean(name, options)} (choices of {group}: {', '.join(options)}){where}"
    return Mistake(group or key, name, why)


def _yaml(error: yaml.YAMLError) -> tuple[str, str, str]:
    mark = getattr(error, "problem_mark", None) or getattr(error, "context_mark", None)
    name = str(getattr(mark, "name", "YAML")).removeprefix("file://")
    place = f"{name}, line {mark.line + 1}" if mark is not None else name
    return place, "", f"is no valid YAML: {getattr(error, 'problem', None) or error}"


def _cause(error: BaseException) -> BaseException:
    """The first error of OmegaConf or YAML in the chain, else the error itself."""
    seen: BaseException | None = error
    while seen is not None:
        if isinstance(seen, OmegaConfBaseException | yaml.YAMLError):
            return seen
        seen = seen.__cause__ or seen.__context__
    return error


def _full_key(cause: OmegaConfBaseException, fallback: str) -> str:
    found = _FULL_KEY.search(str(cause))
    return str(cause.full_key or (found[1] if found else "") or fallback or cause.key or "configuration")


def _given(cause: ValidationError) -> str:
    found = re.search(r"[Vv]alue '([^']*)'", str(cause))
    return found[1] if found else ("null" if "not Optional" in str(cause) else "")


def _line(error: BaseException) -> str:
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return lines[0] if lines else ""


def _halves(override: str) -> tuple[str, str]:
    key, equals, value = override.partition("=")
    return key.lstrip("+~"), value or ("''" if equals else "")


def known_keys(config: RunConfig | None) -> list[str]:
    return [] if config is None else [*keys_of(config), *_GROUPS]
