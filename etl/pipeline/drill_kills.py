"""Kills a load again and again: the same command in a process of its own, each time ended without warning.

Most kills wait for a number of records at the sandbox, so that they are spread over the whole load however fast the
machine is; every fifth comes after a random time, and so may hit the start, the asking or the end.
"""

from __future__ import annotations

import json
import random
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict

from etl.pipeline.drill_ground import Field, Ground

_POLL_S = 0.005
_AT_RANDOM = 0.2
_LONGEST_WAIT_S = 2.5
_SHORTEST_WAIT_S = 0.3
_JUST_AFTER_S = 0.05
_SPREAD = 1.6


def killed(place: Field, kills: int, records: int, seed: int, told: Callable[[int], None]) -> int:
    """Starts the load and kills it, so many times; returns how often it really was killed before it ended by itself.

    ``told`` hears of each kill. A load that has ended is not started again.
    """
    chance = random.Random(seed)  # noqa: S311 - a plan of kills is no secret
    share = max(1, records // (kills + 1))
    done = 0
    for number in range(kills):
        with started(place.ground, place.setting.environ) as process:
            _wait(process, place, chance, share, at_random=number > 0 and chance.random() < _AT_RANDOM)
            process.kill()
            if process.wait() >= 0:
                return done
        done += 1
        told(done)
    return done


@contextmanager
def started(ground: Ground, environ: Mapping[str, str]) -> Iterator[subprocess.Popen[str]]:
    """The load in a process of its own, which is gone at the end in any case."""
    process = subprocess.Popen(
        [sys.executable, "-m", "etl.pipeline.drill_worker"],
        env=dict(environ),
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    try:
        _say(process, json.dumps(asdict(ground)))
        yield process
    finally:
        process.kill()
        process.wait()


def _say(process: subprocess.Popen[str], line: str) -> None:
    if process.stdin is not None:
        process.stdin.write(line)
        process.stdin.close()


def _wait(process: subprocess.Popen[str], place: Field, chance: random.Random, share: int, *, at_random: bool) -> None:
    if at_random:
        time.sleep(chance.uniform(_SHORTEST_WAIT_S, _LONGEST_WAIT_S))
        return
    enough = place.written() + chance.randint(0, int(_SPREAD * share))
    while process.poll() is None and place.written() <= enough:
        time.sleep(_POLL_S)
    time.sleep(chance.uniform(0, _JUST_AFTER_S))
