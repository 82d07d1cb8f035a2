# SPDX-License-Identifier: MIT
"""The verbs of `python -m spr` for containers and images: list, container, stop, kill, cleanup.

Only what carries the labels of safe-py-runner is shown and touched.
"""

from __future__ import annotations

import argparse
import json
import shutil
import sys
from collections.abc import Callable, Sequence
from dataclasses import asdict
from typing import Any

from .errors import RunnerError
from .execution.config import ContainerInfo
from .execution.docker_engine import DockerEngine

__all__ = ["is_container_verb", "main"]

_VERBS = ("list", "container", "stop", "kill", "cleanup")
_TARGET_OPTIONS = {
    "--docker-context": "a context of the docker client; not with the options below",
    "--docker-host": "address of the daemon: unix://, tcp://, ssh://",
    "--ssh-host": "a machine whose docker client is called by ssh",
    "--ssh-user": "user there",
    "--ssh-port": "port there",
    "--ssh-key-path": "private key for it",
    "--client": "docker (the default), podman or nerdctl",
}

_REFUSED = 1
_FAILED = 125  # as spr(1) has it
_GAP = 2  # blanks between columns
_NARROWEST = 8  # columns are not cut below

Rows = Sequence[dict[str, Any]]


def is_container_verb(arguments: Sequence[str]) -> bool:
    """Whether a command line is for this module; all others are for the native command."""
    words = iter(arguments)
    for word in words:
        option, equals, _ = word.partition("=")
        if option in _TARGET_OPTIONS:
            if not equals:
                next(words, None)
        elif word != "--json":
            return word in _VERBS
    return False


def main(arguments: Sequence[str] | None = None) -> int:
    """Do what a command line says; the exit status: 0, 1 refused, 2 usage, 125 docker failed."""
    options = _parser().parse_args(arguments)
    try:
        with DockerEngine(
            docker_context=options.docker_context,
            docker_host=options.docker_host,
            ssh_host=options.ssh_host,
            ssh_user=options.ssh_user,
            ssh_port=options.ssh_port,
            ssh_key_path=options.ssh_key_path,
            client=options.client,
        ) as engine:
            status: int = options.run(engine, options)
            return status
    except RunnerError as error:
        return _complain(error, _FAILED)
    except ValueError as error:
        return _complain(error, _REFUSED)
    except KeyboardInterrupt:
        return 130


def _complain(error: object, status: int) -> int:
    print(f"spr: {error}", file=sys.stderr)
    return status


# --- the command line ---


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m spr",
        description="Containers and images of safe-py-runner. Nothing else is ever touched.",
        allow_abbrev=False,
    )
    for option, text in _TARGET_OPTIONS.items():
        kind = int if option == "--ssh-port" else str
        parser.add_argument(option, type=kind, help=text)
    parser.set_defaults(client="docker", json=False)
    _add_json(parser)

    verbs = parser.add_subparsers(metavar="VERB", required=True)
    listing = verbs.add_parser("list", help="list containers or images")
    lists = listing.add_subparsers(metavar="WHAT", required=True)
    _leaf(lists, "containers", "all containers, running or not", _list_containers)
    _leaf(lists, "images", "images that were built for packages", _list_images)

    one = _leaf(verbs, "container", "show one container", _show)
    one.add_argument("id", metavar="ID|NAME")

    stop = verbs.add_parser("stop", help="end containers in order")
    stops = stop.add_subparsers(metavar="WHAT", required=True)
    one = _leaf(stops, "container", "end one in order", _stop)
    one.add_argument("id", metavar="ID")
    _add_timeout(one)
    _add_timeout(_leaf(stops, "all", "end all that run in order", _stop_all))

    kill = verbs.add_parser("kill", help="end a container at once")
    kills = kill.add_subparsers(metavar="WHAT", required=True)
    one = _leaf(kills, "container", "end one at once", _kill)
    one.add_argument("id", metavar="ID")

    _leaf(verbs, "cleanup", "remove what does not run any more, and unused images", _clean_up)
    return parser


def _leaf(
    parsers: Any, name: str, text: str, run: Callable[[DockerEngine, argparse.Namespace], int]
) -> argparse.ArgumentParser:
    parser: argparse.ArgumentParser = parsers.add_parser(name, help=text, description=text)
    parser.set_defaults(run=run)
    _add_json(parser)
    return parser


def _add_json(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--json", action="store_true", default=argparse.SUPPRESS, help="print JSON, not a table"
    )


def _add_timeout(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--timeout-seconds",
        type=int,
        default=10,
        metavar="N",
        help="how long before it is killed (default: %(default)s)",
    )


# --- the verbs ---


def _list_containers(engine: DockerEngine, options: argparse.Namespace) -> int:
    found = engine.list_containers(all_states=True)
    return _print_rows([asdict(each) for each in found], options, "no containers of safe-py-runner")


def _list_images(engine: DockerEngine, options: argparse.Namespace) -> int:
    found = engine.list_images()
    return _print_rows([asdict(each) for each in found], options, "no images of safe-py-runner")


def _show(engine: DockerEngine, options: argparse.Namespace) -> int:
    found = _find(engine, options.id)
    if found is None:
        return _complain(f"No managed container matched '{options.id}'", _REFUSED)
    if options.json:
        print(json.dumps(asdict(found)))
    else:
        for name, value in asdict(found).items():
            print(f"{name + ':':{_NARROWEST}} {value}")
    return 0


def _find(engine: DockerEngine, wanted: str) -> ContainerInfo | None:
    """By its name, or by the beginning of its id if that is of one alone."""
    containers = engine.list_containers(all_states=True)
    by_name = [each for each in containers if each.name == wanted]
    by_id = [each for each in containers if wanted and each.id.startswith(wanted[: len(each.id)])]
    found = by_name or by_id
    if len(found) > 1:
        raise ValueError(f"several managed containers match '{wanted}'")
    return found[0] if found else None


def _stop(engine: DockerEngine, options: argparse.Namespace) -> int:
    engine.stop_container(options.id, timeout_seconds=options.timeout_seconds)
    return _report({"stopped": [options.id]}, options, f"Stopped container {options.id}")


def _stop_all(engine: DockerEngine, options: argparse.Namespace) -> int:
    running = [each.id for each in engine.list_containers()]
    stopped = [each for each in running if _stop_if_there(engine, each, options.timeout_seconds)]
    words = f"Stopped {len(stopped)} managed container(s) with timeout {options.timeout_seconds}s"
    if not running:
        words = "No running managed containers to stop."
    return _report({"stopped": stopped}, options, words)


def _stop_if_there(engine: DockerEngine, id: str, timeout_seconds: int) -> bool:
    """Whether it was: containers end by themselves, too."""
    try:
        engine.stop_container(id, timeout_seconds=timeout_seconds)
    except ValueError:
        return False
    return True


def _kill(engine: DockerEngine, options: argparse.Namespace) -> int:
    engine.kill_container(options.id)
    return _report({"killed": [options.id]}, options, f"Killed container {options.id}")


def _clean_up(engine: DockerEngine, options: argparse.Namespace) -> int:
    summary = engine.cleanup_stale()
    words = f"Removed {summary.removed_containers} container(s), {summary.removed_images} image(s)"
    return _report(asdict(summary), options, words)


# --- output ---


def _report(summary: dict[str, Any], options: argparse.Namespace, words: str) -> int:
    print(json.dumps(summary) if options.json else words)
    return 0


def _print_rows(rows: Rows, options: argparse.Namespace, none: str) -> int:
    if options.json:
        print(json.dumps(rows))
    elif not rows:
        print(none)
    else:
        width = shutil.get_terminal_size().columns if sys.stdout.isatty() else 0
        print("\n".join(table_lines(rows, width)))
    return 0


def table_lines(rows: Rows, width: int) -> list[str]:
    """A table with a head, at most ``width`` columns wide; 0: as wide as it is."""
    head = [name.replace("_", " ").upper() for name in rows[0]]
    cells = [head, *([str(value) for value in row.values()] for row in rows)]
    widths = _fit([max(map(len, column)) for column in zip(*cells, strict=True)], width)
    return [(" " * _GAP).join(map(_cell, line, widths)).rstrip() for line in cells]


def _fit(widths: list[int], total: int) -> list[int]:
    """The widest give way."""
    room = total - _GAP * (len(widths) - 1)
    while total and sum(widths) > room and max(widths) > _NARROWEST:
        widths[widths.index(max(widths))] -= 1
    return widths


def _cell(text: str, width: int) -> str:
    return f"{text:{width}}" if len(text) <= width else f"{text[: width - 1]}…"
