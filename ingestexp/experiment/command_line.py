"""What the user typed, taken apart.

Must live here: flags, the rewriting of tokens that Hydra would misread, flags that are refused. Must not: composing.
"""

from __future__ import annotations

import re
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from hydra._internal.utils import get_args_parser

from ingestexp.experiment.mistake import Mistake
from ingestexp.experiment.paths import CONF

PROGRAM: Final = "python -m ingestexp"

_BARE_NULL: Final = re.compile(r"(?<![\w'\"./-])null(?![\w'\"./-])")


@dataclass(frozen=True, slots=True)
class CommandLine:
    """`argv` goes to Hydra; `foreign` is the folder of `--config-dir`; `task` is what is to be done."""

    argv: list[str]
    overrides: list[str]
    foreign: Path | None
    config_name: str
    multirun: bool
    runs: bool
    composes: bool


def quote_null_sink(token: str) -> str:
    """`sink=null` names a choice, but to Hydra's grammar `null` is None ("no choice at all"): quote it."""
    key, equals, value = token.partition("=")
    if key.lstrip("+") != "sink" or not equals:
        return token
    return key + "=" + _BARE_NULL.sub("'null'", value)


def parse(argv: list[str]) -> CommandLine | list[Mistake]:
    """Raises SystemExit where argparse does (unknown flag, --version)."""
    parser = get_args_parser()
    parser.prog = PROGRAM if sys.argv[0].endswith("__main__.py") else Path(sys.argv[0]).name
    args = parser.parse_intermixed_args(argv)
    overrides = [quote_null_sink(token) for token in args.overrides]
    mistakes = []
    if args.experimental_rerun is not None:
        why = "is refused: it unpickles a file, and a pickle runs code. Repeat the run's overrides instead"
        mistakes.append(Mistake("--experimental-rerun", args.experimental_rerun, why))
    if args.config_path is not None and Path(args.config_path).absolute() != CONF:
        why = "is refused: it would replace every choice and schema. Add a folder with --config-dir, which is checked"
        mistakes.append(Mistake("--config-path", args.config_path, why))
    name = (args.config_name or "config").removesuffix(".yaml")
    own = sorted(file.stem for file in CONF.glob("*.yaml"))
    if name not in own:
        why = f"is not one of ours ({', '.join(own)}). Others' questions come in as --config-dir … +experiment=…"
        mistakes.append(Mistake("--config-name", name, why))
    folder = None if args.config_dir is None else Path(args.config_dir).expanduser()
    if folder is not None and not folder.is_dir():
        mistakes.append(Mistake("--config-dir", args.config_dir, "there is no such folder"))
    for token in overrides:
        if token.lstrip("+~").startswith("hydra.searchpath"):
            mistakes.append(Mistake(*_halves(token), "is refused: add a folder with --config-dir, which is checked"))
    asks = sum([args.cfg is not None, args.multirun, args.shell_completion, args.info is not None, args.run])
    if asks > 1:
        mistakes.append(Mistake("command line", "", "only one of --run, --multirun, --cfg, --info, --shell-completion"))
    if args.resolve and args.cfg is None and not args.help:
        mistakes.append(Mistake("--resolve", "", "goes together with --cfg"))
    if mistakes:
        return mistakes
    quiet = args.help or args.hydra_help or args.shell_completion
    return CommandLine(
        argv=[*_flags(args, folder), *overrides],
        overrides=overrides,
        foreign=None if folder is None else folder.resolve(),
        config_name=name,
        multirun=bool(args.multirun),
        runs=not (quiet or args.cfg is not None or args.info is not None),
        composes=not args.shell_completion,
    )


def _flags(args: object, folder: Path | None) -> list[str]:
    """The flags again, ahead of the overrides: Hydra's own parser wants them so."""
    flags = []
    for name in ("help", "hydra_help", "resolve", "run", "multirun", "shell_completion"):
        if getattr(args, name):
            flags.append("--" + name.replace("_", "-"))
    for name in ("cfg", "package", "config_name", "info"):
        value = getattr(args, name)
        if value is not None:
            flags.append(f"--{name.replace('_', '-')}={value}")
    if folder is not None:
        flags.append(f"--config-dir={folder.absolute()}")
    return flags


def _halves(token: str) -> tuple[str, str]:
    key, _, value = token.partition("=")
    return key, value
