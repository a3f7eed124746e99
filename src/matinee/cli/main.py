"""The entry point: commands by name, and errors as one line and an exit code.

0 done, 1 could not be done, 2 wrong usage, 130 stopped by Ctrl-C.
"""

from __future__ import annotations

import logging
import os
import sys
import traceback

import typer
from typer.main import get_command

from matinee.cli.command import FLAGS, UsageError
from matinee.cli.console import show_error
from matinee.cli.group import Commands
from matinee.errors import Bug, MatineeError

app = typer.Typer(
    name="matinee",
    cls=Commands,
    help="Film recommendations, from raw ratings to lists people use.",
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)


@app.callback()
def _group() -> None:
    """Without this, typer takes an application without commands of its own for a mistake."""


def main() -> None:
    """Run the command line and exit."""
    args = sys.argv[1:]
    # Threads that wait must not burn the cores that others work on; read when torch is loaded.
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    level = "ERROR" if {"-q", "--quiet"} & set(args) else "WARNING"
    level = "INFO" if _verbose(args) else level
    logging.basicConfig(level=level, format="%(levelname)s: %(message)s")
    sys.exit(run(args))


def run(args: list[str]) -> int:
    """Run one command.

    Args:
        args: What stands after `matinee`. Flags of every command may stand before its name.

    Returns:
        The exit code.
    """
    args = _flags_last(args)
    as_json = "--json" in args
    try:
        code = get_command(app).main(args, prog_name="matinee", standalone_mode=False)
        sys.stdout.flush()
    except MatineeError as error:
        show_error(error, as_json=as_json)
        return 1
    except UsageError as error:
        _show_usage(error, as_json=as_json)
        return 2
    except BrokenPipeError:
        # Whoever read the answer has seen enough; Python would complain again on exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except OSError as error:
        where = None if error.filename is None else str(error.filename)
        show_error(_File(error.strerror or str(error), where=where), as_json=as_json)
        return 1
    except KeyboardInterrupt:
        code = 130
    except Exception as error:
        _show_bug(error, as_json=as_json, verbose=_verbose(args))
        return 1
    return code if isinstance(code, int) else 0


class _Usage(MatineeError):
    kind = "usage"


class _File(MatineeError):
    """A file that the system will not have read or written."""

    kind = "file"


def _verbose(args: list[str]) -> bool:
    return not {"-v", "--verbose"}.isdisjoint(args)


def _flags_last(args: list[str]) -> list[str]:
    leading = next((i for i, arg in enumerate(args) if arg not in FLAGS), len(args))
    return args[leading:] + args[:leading]


def _show_usage(error: BaseException, *, as_json: bool) -> None:
    context = getattr(error, "ctx", None)
    path = context.command_path if context else "matinee"
    what = str(getattr(error, "format_message", error.__str__)())
    if not as_json and what.startswith("Usage:"):
        sys.stderr.write(what + "\n")
        return
    what, meant, near = " ".join(what.split()).partition(" Did you mean")
    remedy = f"See `{path} --help`."
    show_error(
        _Usage(what.rstrip("."), remedy=f"{meant}{near} {remedy}" if meant else remedy),
        as_json=as_json,
    )


def _show_bug(error: Exception, *, as_json: bool, verbose: bool) -> None:
    if verbose:
        traceback.print_exception(error)
    show_error(
        Bug(
            f"this is a bug in Matinee, not a mistake of yours: {type(error).__name__}: {error}",
            remedy="Run it again with -v to see where, and please report it.",
        ),
        as_json=as_json,
    )
