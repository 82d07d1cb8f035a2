# SPDX-License-Identifier: MIT
"""The command line of `docker run`, and the names of images, from settings."""

from __future__ import annotations

from dataclasses import replace

import pytest
from safe_py_runner.execution.docker_image import ImageRecipe, default_image
from safe_py_runner.execution.docker_run import (
    ContainerSettings,
    RunLimits,
    memory_mb,
    pids,
    run_arguments,
)

PLAIN = ContainerSettings(image="img:1", env_hash="abc")
HARDENED = [
    ["--rm", "--interactive"],
    ["--pull", "never"],
    ["--network", "none"],
    ["--read-only"],
    ["--user", "65534:65534"],
    ["--cap-drop", "ALL"],
    ["--security-opt", "no-new-privileges"],
    ["--ipc", "none"],
    ["--pids-limit", "256"],
    ["--memory", "640m", "--memory-swap", "640m"],
    ["--ulimit", "core=0"],
    ["--log-driver", "none"],
    ["--tmpfs", "/tmp:rw,noexec,nosuid,nodev,size=128m,mode=1777"],
    ["--workdir", "/"],
    ["--no-healthcheck"],
    ["--name", "safe-py-runner-x"],
    ["--label", "safe_py_runner.managed=true"],
    ["--label", "safe_py_runner.engine=docker"],
    ["--label", "safe_py_runner.project=safe-py-runner"],
    ["--label", "safe_py_runner.env_hash=abc"],
    ["--label", "safe_py_runner.engine_id=42"],
]


def holds(words: list[str], part: list[str]) -> bool:
    return any(words[i : i + len(part)] == part for i in range(len(words)))


@pytest.mark.parametrize("part", HARDENED, ids=" ".join)
def test_hardened(part: list[str]) -> None:
    assert holds(run_arguments("docker", "safe-py-runner-x", PLAIN, "42"), part)


def test_the_interpreter_comes_last() -> None:
    """so that words may be appended for it, whatever entrypoint the image has"""
    words = run_arguments("docker", "n", replace(PLAIN, python="/opt/python"))
    assert words[0] == "run"
    assert words[-3:] == ["--entrypoint", "/opt/python", "img:1"]


SETTINGS = [
    ({"cpus": 1.5}, ["--cpus", "1.5"]),
    ({"runtime": "runsc"}, ["--runtime", "runsc"]),
    ({"user": "1000"}, ["--user", "1000"]),
    ({"env": (("A", "b c"),)}, ["--env", "A=b c"]),
    ({"seccomp_profile": "/p.json"}, ["--security-opt", "seccomp=/p.json"]),
    (
        {"executable_tmpfs": True},
        ["--tmpfs", "/run/spr:rw,exec,nosuid,nodev,size=8m,mode=0700,uid=65534,gid=65534"],
    ),
]


@pytest.mark.parametrize(("settings", "part"), SETTINGS)
def test_settings(settings: dict[str, object], part: list[str]) -> None:
    assert holds(run_arguments("docker", "n", replace(PLAIN, **settings)), part)  # type: ignore[arg-type]
    assert not holds(run_arguments("docker", "n", PLAIN), part)


def test_podman_differs() -> None:
    words = run_arguments("podman", "n", replace(PLAIN, runtime="runc"))
    assert words[:3] == ["--runtime", "runc", "run"]
    assert "--read-only-tmpfs=false" in words
    assert any(word.endswith(",notmpcopyup") for word in words)


def test_nerdctl_differs() -> None:
    words = run_arguments("nerdctl", "n", PLAIN)
    assert holds(words, ["--ipc", "private"])
    assert "--no-healthcheck" not in words


# limits of a run, slots → memory, processes
LIMITS = [
    (RunLimits(), 1, 256 + 384, 256),
    (RunLimits(), 8, 256 + 8 * 384, 64 + 8 * 64),
    (RunLimits(1, 1, 1), 1, 256 + 128, 256),
    (RunLimits(memory_limit_mb=4096), 1, 256 + 4096 + 128, 256),
    (RunLimits(max_processes=1000), 1, 256 + 384, 1064),
]


@pytest.mark.parametrize(("limits", "slots", "memory", "processes"), LIMITS)
def test_limits(limits: RunLimits, slots: int, memory: int, processes: int) -> None:
    """the warm interpreter's own, and as much for each run as it may take"""
    settings = replace(PLAIN, limits=limits, slots=slots)
    assert (memory_mb(settings), pids(settings)) == (memory, processes)


def test_tmp_holds_what_the_policy_grants() -> None:
    words = run_arguments("docker", "n", replace(PLAIN, limits=RunLimits(disk_mb=500)))
    assert any(word.startswith("/tmp:") and "size=500m" in word for word in words)


# --- images ---


def test_the_hash_is_of_all_that_goes_in() -> None:
    recipe = ImageRecipe("base", ("six==1.16.0",))
    others = [
        replace(recipe, base="base:2"),
        replace(recipe, packages=("six==1.15.0",)),
        replace(recipe, name="mine"),
        replace(recipe, python="python3.12"),
    ]
    hashes = {each.digest("id") for each in (recipe, *others)}
    assert len(hashes) == 5
    assert recipe.digest("id") == replace(recipe, pull="never").digest("id")
    assert recipe.digest("id") != recipe.digest("other id")


@pytest.mark.parametrize("base", ["", "-x", "a b", "a\nUSER 0", "$x"])
def test_what_is_no_image(base: str) -> None:
    with pytest.raises(ValueError, match="container_registry must name an image"):
        ImageRecipe(base)


def test_pull_policies() -> None:
    with pytest.raises(ValueError, match="image_pull must be one of missing, never, always"):
        ImageRecipe("x", pull="sometimes")


def test_default_image() -> None:
    assert ImageRecipe(default_image()).base.endswith("-slim")
