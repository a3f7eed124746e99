"""What all commands share: three flags, a console, and options with several values."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Sequence
from itertools import zip_longest
from typing import Annotated, Any, cast

import typer
from typer.core import TyperCommand

from matinee.cli.console import Console

Json = Annotated[bool, typer.Option("--json", help="Answer with one JSON document.")]
Verbose = Annotated[bool, typer.Option("-v", "--verbose", help="Say more, with tracebacks.")]
Quiet = Annotated[bool, typer.Option("-q", "--quiet", help="Say nothing but the answer.")]

UsageError = cast("type[Exception]", typer.BadParameter.__mro__[1])
"""What is raised on wrong usage; typer has no public name for it."""

FLAGS = ("--json", "-v", "--verbose", "-q", "--quiet")
"""The flags every command takes."""

GREEDY = ("--likes",)
"""Options that take all values up to the next option."""

Seed = Annotated[int, typer.Option("--seed", help="Where all random numbers start from.")]
Config = Annotated[
    str | None, typer.Option("--config", metavar="FILE", help="Settings from a TOML file.")
]
Settings = Annotated[
    list[str] | None, typer.Option("--set", metavar="KEY=VALUE", help="A setting; may be repeated.")
]
Run = Annotated[str, typer.Argument(metavar="RUN", help="A run folder, as `train` wrote it.")]
Data = Annotated[str, typer.Argument(metavar="DATA", help="A data set's name, a folder or a file.")]
Length = Annotated[int, typer.Option("-k", min=1, help="Length of the lists.")]


class Command(TyperCommand):
    """A command some of whose options take several values after one flag."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Parse, after `--likes A B` has become `--likes A --likes B`."""
        return super().parse_args(ctx, spread(args))


def spread(args: Sequence[str]) -> list[str]:
    """Repeat a greedy flag before each of its values.

    Raises:
        UsageError: If it has none.
    """
    result: list[str] = []
    flag: str | None = None
    for arg, after in zip_longest(args, args[1:], fillvalue="-"):
        if arg.startswith("-"):
            flag = arg if arg in GREEDY else None
            if flag is not None and after.startswith("-"):
                raise UsageError(f"{flag} needs a value")
        elif flag is not None and result[-1] != flag:
            result.append(flag)
        result.append(arg)
    return result


def command(app: typer.Typer, name: str) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Register a function as a command; its first parameter becomes a `Console`.

    The flags `--json`, `-v` and `-q` are added to its parameters.
    """

    def register(function: Callable[..., None]) -> Callable[..., None]:
        own = list(inspect.signature(function, eval_str=True).parameters.values())[1:]
        flags = [
            inspect.Parameter(key, inspect.Parameter.KEYWORD_ONLY, default=False, annotation=kind)
            for key, kind in (("json", Json), ("verbose", Verbose), ("quiet", Quiet))
        ]
        parameters = [p.replace(kind=inspect.Parameter.KEYWORD_ONLY) for p in own] + flags

        @functools.wraps(function)
        def run(*, json: bool, verbose: bool, quiet: bool, **options: Any) -> None:
            console = Console(json=json, quiet=quiet, verbose=verbose)
            try:
                function(console, **options)
            except KeyboardInterrupt:
                console.warn("stopped")
                raise typer.Exit(130) from None

        run.__dict__["__signature__"] = inspect.Signature(parameters)
        run.__annotations__ = {p.name: p.annotation for p in parameters}
        app.command(name, cls=Command)(run)
        return function

    return register
