"""Networks, plans and logs on the command line: read by what their names say they are."""

from __future__ import annotations

from dataclasses import replace
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mobility.findings import Finding
    from mobility.signals import Log, Network, Plan, Schedule

_NETS = (".net.xml", ".net.xml.gz")


def open_network(source: str, additional: list[Path] | None = None) -> Network:
    """Read a network: a sample's name, SUMO's net or scenario (with its demand), UTDF, or signals.toml.

    Raises
    ------
    ConfigError, TableError
        When it cannot be read.
    """
    from mobility import samples, signals
    from mobility.errors import ConfigError

    if additional and not source.endswith(_NETS):
        raise ConfigError("--additional goes with a net of SUMO", mend="name a .net.xml")
    if source in samples.available:
        return signals.read_network(samples.case(source, "signals.toml"))
    if source.endswith(_NETS):
        from mobility.signals.sumo import from_sumo

        return from_sumo(source, *(additional or []))
    if source.endswith(".sumocfg"):
        from mobility.signals.sumo.demand import from_config

        return from_config(source)
    if source.lower().endswith(".csv"):
        return signals.read_utdf(source)
    near = get_close_matches(source, samples.available, n=1)
    if near and not Path(source).exists():
        raise ConfigError(f"{source}: no such file", mend=f"did you mean the sample {near[0]!r}?")
    return signals.read_network(source)


def open_shown(asked: Network, source: str, path: Path | None) -> Plan | Schedule | Log:
    """Read a plan, a week of plans or a log; without a path, the plan that came in.

    Raises
    ------
    ConfigError, TableError
        When it cannot be read, or is of another kind of network.
    """
    from mobility import signals
    from mobility.errors import ConfigError

    if path is None:
        return signals.plan_of(asked)
    if path.name.lower().endswith((".xml", ".xml.gz")):
        if not source.endswith(_NETS):
            raise ConfigError(f"{path}: programs of SUMO go with a net of SUMO",
                              mend="name a .net.xml")  # fmt: skip
        from mobility.signals.sumo import plan_of_programs

        return plan_of_programs(asked, path)
    return signals.read_shown(path)


def open_plan(path: Path, second: int) -> Plan:
    """Read a plan, or of a week of plans the one that runs on a Monday at a second of the day.

    Raises
    ------
    ConfigError, TableError
        When it cannot be read, or is a log.
    """
    from mobility import signals
    from mobility.errors import ConfigError

    found = signals.read_shown(path)
    if isinstance(found, signals.Schedule):
        return found.at("mon", second)
    if isinstance(found, signals.Log):
        raise ConfigError(f"{path}: is a log of what was shown", mend="name a plan")
    return found


def week_of(given: list[Plan | Schedule | Log], transition: str | None) -> Schedule:
    """Join plans, each in its own hours, to a week; or take the one that is given.

    Raises
    ------
    ConfigError
        When one is a log, a week stands beside other plans, or their hours overlap.
    """
    from mobility.errors import ConfigError
    from mobility.signals import Plan, Schedule

    if len(given) == 1 and isinstance(given[0], Schedule):
        week = given[0]
        return week if transition is None else replace(week, transition=transition)
    plans = [one for one in given if isinstance(one, Plan)]
    if len(plans) < len(given):
        raise ConfigError("a log or a week stands where a plan is due", mend="give plans")
    return Schedule.of(plans, transition=transition or "shortway")


def write_as(asked: Network, given: Plan | Schedule, out: Path, *, network: str) -> list[Finding]:
    """Write a plan in the format that a name asks for, read it back, and say where it differs.

    Raises
    ------
    ConfigError, TableError
        When the format cannot hold the plan, or nothing can be written there.
    """
    from mobility import signals
    from mobility.errors import ConfigError
    from mobility.findings import finding

    again: Plan | Schedule | Log
    if out.suffix.lower() == ".toml":
        signals.write_network(asked, out)
        if signals.same_network(asked, signals.read_network(out)):
            return []
        return [finding("signal_written_otherwise", file=out.name, value=network)]
    if out.name.lower().endswith(".xml"):
        from mobility.signals.sumo import plan_of_programs, write_programs

        write_programs(asked, _one(given), out)
        again = plan_of_programs(asked, out)
    elif out.name.lower().endswith(".utdf.csv"):
        signals.write_utdf(asked, _one(given), out)
        return signals.utdf_losses(asked, _one(given), out)
    else:
        signals.write_plan(given, out)
        again = signals.read_shown(out)
    if isinstance(again, signals.Log):
        raise ConfigError(f"{out}: reads back as a log", mend="name the file otherwise")
    if _lamps(again) == _lamps(given):
        return []
    return [finding("signal_written_otherwise", file=out.name, value=network)]


def _one(given: Plan | Schedule) -> Plan:
    from mobility.errors import ConfigError
    from mobility.signals import Schedule

    if not isinstance(given, Schedule):
        return given
    if len(given.plans) > 1:
        raise ConfigError("this format holds one plan", mend="write a week of plans as .json")
    return given.plans[0]


def _lamps(given: Plan | Schedule) -> list[object]:
    """What is shown when: the plan, whatever it is called."""
    from mobility.signals import Schedule

    plans = given.plans if isinstance(given, Schedule) else (given,)
    return [
        (one.signal, round(one.cycle_s, 6), round(one.zero_s, 6), sorted(
            (two.group, str(two.state), round(two.from_s, 6), round(two.to_s, 6))
            for two in one.shows if two.to_s > two.from_s
        ))
        for plan in plans
        for one in sorted(plan.signals, key=lambda one: one.signal)
    ]  # fmt: skip
