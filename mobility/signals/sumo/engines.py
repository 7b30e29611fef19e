"""Fire engines drawn from a net: who turns out where and when, and which signals are on the way."""

from __future__ import annotations

import contextlib
import io
import itertools
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from xml.sax.saxutils import quoteattr

import numpy as np

from mobility.errors import ConfigError, MissingExtra
from mobility.signals.sumo.config import read_config
from mobility.signals.sumo.net import read_net

if TYPE_CHECKING:
    from pathlib import Path

    from mobility.signals.sumo.net import Net

KIND = "mobility-fire-engine"
CANDIDATES = 6  # ways that are drawn for each engine: the one past most signals is taken
TRIES = 60  # pairs of streets that are tried for each way
WARM_S = 300.0  # of traffic before the first alarm, where there is time for it
LAST_PART = 0.6  # of the time: no alarm later, so that engines arrive


@dataclass(frozen=True)
class Engine:
    """One alarm.

    Parameters
    ----------
    depart_s
        When it turns out, in the scenario's clock.
    edges
        Its way.
    signals
        That it passes, in order.
    metres, free_s
        Length of the way, and the time it takes at the speed allowed with nobody else there.
    """

    id: str
    depart_s: float
    edges: tuple[str, ...]
    signals: tuple[str, ...]
    metres: float
    free_s: float


def draw_engines(
    config: str | Path,
    count: int = 6,
    *,
    seed: int = 0,
    begin_s: float | None = None,
    end_s: float | None = None,
) -> tuple[Engine, ...]:
    """Draw alarms: a street to turn out from, one to go to, the fastest way, and a time.

    Of some drawn ways that an emergency vehicle may drive, each engine takes the one past most
    signals.

    Raises
    ------
    MissingExtra
        When SUMO is not installed.
    ConfigError
        When the net has no way past a signal, or the scenario has no end.
    """
    try:
        with contextlib.redirect_stdout(io.StringIO()):
            import sumolib
    except ImportError:
        raise MissingExtra("SUMO is not installed",
                           mend="pip install 'mobility-engine[sumo]'") from None  # fmt: skip
    if count < 1:
        raise ConfigError(f"{count} fire engines", mend="at least one")
    asked = read_config(config)
    begin = asked.begin_s or 0.0 if begin_s is None else begin_s
    end = asked.end_s if end_s is None else end_s
    if end is None or end <= begin:
        raise ConfigError("the scenario has no end after its begin", mend="--end, in its own clock")
    net = read_net(asked.net, asked.additional)
    graph = sumolib.net.readNet(str(asked.net))
    through = _through(net)
    random = np.random.default_rng((seed, 119))
    streets = sorted(
        (one for one in graph.getEdges() if one.allows("emergency")), key=lambda one: str(one.getID())
    )  # fmt: skip
    first = begin + min(WARM_S, 0.25 * (end - begin))
    times = np.sort(random.uniform(first, begin + LAST_PART * (end - begin), count))
    found = []
    for number, depart in enumerate(times.tolist()):
        ways: list[tuple[int, float, tuple[str, ...], tuple[str, ...], float]] = []
        for _ in range(CANDIDATES * TRIES):
            if len(ways) == CANDIDATES or not streets:
                break
            start, goal = (streets[int(k)] for k in random.integers(0, len(streets), 2))
            path, seconds = graph.getFastestPath(start, goal, vClass="emergency")
            edges = tuple(str(one.getID()) for one in path or ())
            signals = tuple(through[pair] for pair in itertools.pairwise(edges)
                            if pair in through)  # fmt: skip
            if signals:
                metres = sum(float(one.getLength()) for one in path)
                ways.append((len(signals), metres, edges, signals, _free_s(path, seconds)))
        if not ways:
            raise ConfigError("no way of a fire engine passes a signal of this net",
                              mend="a net in which emergency vehicles may pass signals")  # fmt: skip
        _, metres, edges, signals, free = max(ways)
        found.append(
            Engine(f"engine-{number + 1}", float(np.floor(depart)), edges, signals, metres, free)
        )
    return tuple(found)


def write_engines(engines: tuple[Engine, ...], path: Path) -> Path:
    """Write engines as vehicles of an additional file: they keep to the speed allowed and to red."""
    lines = [
        "<additional>",
        f'    <vType id="{KIND}" vClass="emergency" speedFactor="1" speedDev="0"/>',
    ]
    for one in engines:
        told = f'id={quoteattr(one.id)} type="{KIND}" depart="{one.depart_s:g}"'
        lines += [
            f'    <vehicle {told} departLane="best" departSpeed="max">',
            f"        <route edges={quoteattr(' '.join(one.edges))}/>",
            "    </vehicle>",
        ]
    path.write_text("\n".join([*lines, "</additional>"]) + "\n", "utf-8")
    return path


def _through(net: Net) -> dict[tuple[str, str], str]:
    """Two edges that follow each other -> the signal between them."""
    return {
        (net.lanes[link.from_lane].edge, link.to_edge): signal
        for signal, rows in net.links.items()
        for links in rows.values() for link in links
        if link.from_lane in net.lanes and not link.crossing
    }  # fmt: skip


def _free_s(path: Any, seconds: float) -> float:
    """The router's time, which leaves some of the way out, or the sum of all streets."""
    return max(float(seconds), sum(float(one.getLength()) / max(0.1, float(one.getSpeed()))
                                   for one in path))  # fmt: skip
