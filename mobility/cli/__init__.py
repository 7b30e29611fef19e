"""The command line: parse, call one public function, show. Only this package prints.

stdout carries the answer, a table or one JSON document; progress and log go to stderr.
Exit 0: done; 1: findings of severity error, or infeasible (an answer is still given); 2: no answer,
bad input or usage; 130: interrupted. Nothing heavy is imported until a command runs.
"""

from __future__ import annotations

import os
import sys
import time

STARTED_S = time.perf_counter()  # as near to the start of the command as can be

EXIT_DONE = 0
EXIT_FINDINGS = 1
EXIT_NO_ANSWER = 2
EXIT_INTERRUPTED = 130


def main(arguments: list[str] | None = None) -> None:
    """Run one command and exit with its code; no traceback reaches a person."""
    try:
        code = run(sys.argv[1:] if arguments is None else arguments)
        sys.stdout.flush()
    except BrokenPipeError:  # the reader (`| head`) has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        code = EXIT_DONE
    raise SystemExit(code)


def run(arguments: list[str]) -> int:
    """Run one command; its exit code. Errors are told on stderr."""
    import typer

    from mobility.cli.app import app
    from mobility.errors import MobilityError

    try:
        code = app(arguments or ["--help"], prog_name="mobility", standalone_mode=False)
    except (KeyboardInterrupt, typer.Abort):
        _say("interrupted")
        return EXIT_INTERRUPTED
    except MobilityError as error:
        _say(f"error: {error}")
        return EXIT_NO_ANSWER
    except BrokenPipeError:
        raise
    except Exception as error:  # noqa: BLE001 - the last resort: a sentence, not a stack
        return _explain(error, arguments)
    if code == EXIT_INTERRUPTED:  # some versions of the parser answer an interrupt so
        _say("interrupted")
    return code if isinstance(code, int) else EXIT_DONE


def _explain(error: Exception, arguments: list[str]) -> int:
    if hasattr(error, "show") and hasattr(error, "exit_code"):  # a usage error of the parser
        error.show()
        return EXIT_NO_ANSWER
    if isinstance(error, OSError):
        _say(
            f"error: {error.strerror or error}" + (f": {error.filename}" if error.filename else "")
        )
        return EXIT_NO_ANSWER
    _say(f"error: this is our mistake, not yours: {type(error).__name__}: {error}")
    _say(
        "  mend: please report it with the command and its input; --verbose shows where it happened"
    )
    if {"-v", "--verbose"} & set(arguments):
        import traceback

        traceback.print_exception(error)
    return EXIT_NO_ANSWER


def _say(line: str) -> None:
    print(line, file=sys.stderr)
