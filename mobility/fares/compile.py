"""A tariff and the values that taps have, compiled to the arrays that the kernels read.

A tap's attributes become one number, its *combo*; combo, class of start time and class of end time
become a *cell*; each cell knows its *leg*: price, product, scope of caps, class before and after a
transfer. Everything is decided here, once a class, so that a tap costs a few reads.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from mobility.errors import ConfigError
from mobility.fares._kernels import UNKNOWN_PRICE
from mobility.fares.cap_table import cap_table, simple_table
from mobility.fares.clock import (
    Pieces,
    groups_of,
    in_timeframe,
    pieces,
    valid_on,
)
from mobility.fares.transfer_table import classes_of, fitting, transfer_table
from mobility.fares.vocabulary import (
    END,
    START,
    Axis,
    Columns,
    ask_all,
    cap_keys,
    fare_keys,
    join_keys,
    leg_keys,
)

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from mobility.fares.problem import FareRule, Match, Tariff

_MOST_CELLS = 1 << 27
NO_RULE, NEEDS_TAP_OFF, NEEDS_END_TIME = -1, -2, -3
_END_OF = {"stop": "to_stop", "zone": "to_zone"}
_FLAG_NO_TAP_OFF, _FLAG_MAXIMUM, _FLAG_UNKNOWN = 2, 256, 1


@dataclass(frozen=True)
class Compiled:
    """Arrays for the kernels, and how to read their answers."""

    tariff: Tariff
    cut: Pieces
    strides: dict[str, np.ndarray]  # column -> int32 table: code + 1 -> part of the combo
    end_tables: dict[str, np.ndarray]  # code + 1 of a tap-off's column -> part of the combo
    base: int  # combo where no column is given
    combos: int
    ends: int  # combos that differ in the end only
    sizes: tuple[int, int]  # classes of start times, of end times
    clock: tuple[np.ndarray, ...]
    end_class_of: np.ndarray
    leg_of: np.ndarray  # int32, the leg of a cell
    legs: np.ndarray  # int64, a row a leg
    rule_of_leg: np.ndarray
    transfers: tuple[np.ndarray, ...]
    joins: np.ndarray
    caps: tuple[np.ndarray, ...]
    simple: np.ndarray | None  # caps as `rate_taps` reads them, where it can
    cap_ids: tuple[str, ...]
    account_size: int
    tells_routes: bool


def compile_tariff(
    tariff: Tariff,
    values: Mapping[str, Sequence[str]],
    first: int,
    last: int,
    *,
    tap_offs: bool = False,
) -> Compiled:
    """Compile for taps whose columns have these values, between two instants (epoch seconds).

    With ``tap_offs`` the stop and zone of a tap may also be the end of the leg before.
    """
    starts = values
    if tap_offs:
        values = dict(values)
        for start, end in _END_OF.items():
            if start in starts:
                held = list(values.get(end, ()))
                values[end] = held + [one for one in starts[start] if one not in set(held)]
    columns = Columns(tariff, values)
    ask_all(tariff, columns)
    by_mode = any(one.same_mode is not None for one in tariff.transfers)
    axes = {
        name: columns.axis(name, tell_values=by_mode and name == "mode") for name in (*START, *END)
    }
    n_from = int(np.prod([axes[name].classes for name in START], dtype=np.int64))
    n_to = int(np.prod([axes[name].classes for name in END], dtype=np.int64))

    cut = pieces(tariff, first, last)
    start_class, start_members = _time_classes(tariff, cut, start=True)
    end_class, end_members = _time_classes(tariff, cut, start=False)
    n_start = int(start_class.max()) + 1
    asks_end = any(one.to_timeframe is not None for one in tariff.fares)
    n_end = int(end_class.max()) + 2 if asks_end else 1  # the first is missing
    if n_from * n_to * n_start * n_end > _MOST_CELLS:
        raise ConfigError(
            f"the tariff tells {n_from * n_to * n_start * n_end:,} kinds of legs apart",
            mend=f"at most {_MOST_CELLS:,}: name fewer single stops, routes or zones",
        )
    cells = _fare_cells(tariff, columns, axes, start_members, end_members, n_start, n_end)
    strides, end_tables, base = _strides(axes, values, starts)
    leg_of, legs, rule_of_leg, transfers, joins = _legs(tariff, columns, axes, cells)
    groups = groups_of(tariff.caps)
    caps, account_size = cap_table(tariff, cut)
    return Compiled(
        tariff=tariff,
        cut=cut,
        strides=strides,
        end_tables=end_tables,
        base=base,
        combos=n_from * n_to,
        ends=n_to,
        sizes=(n_start, n_end),
        clock=(cut.first_of, cut.starts, start_class),
        end_class_of=(end_class + 1 if asks_end else np.zeros_like(end_class)),
        leg_of=leg_of,
        legs=legs,
        rule_of_leg=rule_of_leg,
        transfers=transfers,
        joins=joins,
        caps=caps,
        simple=simple_table(tariff, caps),
        cap_ids=tuple(levels[0].id for levels in groups),
        account_size=account_size,
        tells_routes=any(one.same_route is False for one in tariff.transfers),
    )


def _time_classes(
    tariff: Tariff, cut: Pieces, *, start: bool
) -> tuple[np.ndarray, dict[Any, np.ndarray]]:
    """Class of each piece, and for each (timeframe, valid_from, valid_to) the classes it matches."""
    keys: set[tuple[Any, ...]] = set()
    for one in tariff.fares:
        if start:
            keys.add((one.timeframe, one.valid_from, one.valid_to))
        elif one.to_timeframe is not None:
            keys.add((one.to_timeframe, None, None))
    ordered = sorted(keys, key=str)
    bits = np.ones((len(cut.calendar_day), len(ordered)), np.bool_)
    for k, (name, valid_from, valid_to) in enumerate(ordered):
        if name is not None:
            bits[:, k] = in_timeframe(tariff, name, cut)
        bits[:, k] &= valid_on(cut.calendar_day, valid_from, valid_to)
    if not ordered:
        return np.zeros(len(bits), np.int32), {}
    _, first, classes = np.unique(
        np.packbits(bits, axis=1), axis=0, return_index=True, return_inverse=True
    )
    members = {key: np.flatnonzero(bits[first, k]) for k, key in enumerate(ordered)}
    return classes.reshape(-1).astype(np.int32), members


def _strides(
    axes: dict[str, Axis],
    values: Mapping[str, Sequence[str]],
    starts: Mapping[str, Sequence[str]],
) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray], int]:
    """What each column's codes add to a combo; columns that are not given are missing everywhere."""
    strides, ends, base, step = {}, {}, 0, 1
    for name in reversed((*START, *END)):
        axis = axes[name]
        parts = axis.table.astype(np.int64) * step
        if name in starts and axis.classes > 1:
            strides[name] = parts[: len(starts[name]) + 1].astype(np.int32)
        else:
            base += int(parts[0])
        for start, end in _END_OF.items():
            if end == name and axis.classes > 1 and start in starts and end in values:
                number = {value: k + 1 for k, value in enumerate(values[end])}
                rows = [0] + [number.get(value, 0) for value in starts[start]]
                ends[start] = parts[rows]
        step *= axis.classes
    return strides, ends, base


def _allowed(
    keys: dict[str, Any], columns: Columns, axes: dict[str, Axis], names: Sequence[str]
) -> list[np.ndarray]:
    """Classes of each column that match all keys on it."""
    masks = {name: np.ones(axes[name].classes, np.bool_) for name in names}
    for key, match in keys.items():
        column = columns.source(key)
        if column in masks:
            masks[column] &= axes[column].members[key, match]
    return [np.flatnonzero(masks[name]) for name in names]


def _fare_cells(
    tariff: Tariff,
    columns: Columns,
    axes: dict[str, Axis],
    start_members: dict[Any, np.ndarray],
    end_members: dict[Any, np.ndarray],
    n_start: int,
    n_end: int,
) -> tuple[np.ndarray, np.ndarray]:
    """The fare rule of each cell (or why there is none), and whether it is a maximum fare."""
    shape = [axes[name].classes for name in (*START, *END)] + [n_start, n_end]
    rule = np.full(shape, NO_RULE, np.int32)
    flat_missing = [np.zeros(1, np.int64)]
    for number, fare in enumerate(tariff.fares):
        keys = fare_keys(fare)
        allowed = _allowed(keys, columns, axes, (*START, *END))
        allowed.append(start_members[fare.timeframe, fare.valid_from, fare.valid_to])
        if fare.to_timeframe is None:
            allowed.append(np.arange(n_end))
        else:
            allowed.append(end_members[fare.to_timeframe, None, None] + 1)
        _first(rule, allowed, number)
        # Where an end that it asks for is missing, what comes after cannot be told either.
        asked = {columns.source(key) for key in keys if columns.source(key) in END}
        at = [len(START) + END.index(name) for name in asked]
        if fare.to_timeframe is not None:
            at.append(len(shape) - 1)
        for subset in range(1, 1 << len(at)):
            partly = list(allowed)
            for k, axis in enumerate(at):
                if subset >> k & 1:
                    partly[axis] = flat_missing[0]
            timed = fare.to_timeframe is not None and subset >> (len(at) - 1) & 1
            _first(rule, partly, NEEDS_END_TIME if timed else NEEDS_TAP_OFF)
    n_from = int(np.prod(shape[: len(START)], dtype=np.int64))
    n_to = int(np.prod(shape[len(START) : -2], dtype=np.int64))
    rule = rule.reshape(n_from, n_to, n_start, n_end)
    maximum = np.zeros(rule.shape, np.bool_)
    if tariff.missing_tap_off == "maximum" and (rule == NEEDS_TAP_OFF).any():
        prices = [_price(one) for one in tariff.fares]
        order = sorted(
            range(len(prices)), key=lambda k: (prices[k], -k)
        )  # dearest last, then first
        rank = np.empty(len(prices) + 3, np.int64)
        rank[order] = np.arange(len(prices))
        rank[-3:] = -1  # no rule, or one that needs a tap-off
        best = np.take_along_axis(rule, rank[rule].argmax(axis=1)[:, None], axis=1)
        wide = np.broadcast_to(best, rule.shape)
        maximum = (rule == NEEDS_TAP_OFF) & (wide >= 0)
        rule = np.where(maximum, wide, rule)
    return rule, maximum


def _first(rule: np.ndarray, allowed: list[np.ndarray], value: int) -> None:
    """Set cells that no earlier rule took."""
    if all(len(one) for one in allowed):
        at = np.ix_(*allowed)
        held = rule[at]
        rule[at] = np.where(held == NO_RULE, value, held)


def _price(fare: FareRule) -> int:
    return int(UNKNOWN_PRICE) if fare.amount is None else fare.amount


def _over(
    keys: dict[str, Any], columns: Columns, axes: dict[str, Axis], names: Sequence[str]
) -> np.ndarray:
    """Which combos of some columns match all keys."""
    shape = [axes[name].classes for name in names]
    found = np.zeros(shape, np.bool_)
    allowed = _allowed(keys, columns, axes, names)
    if all(len(one) for one in allowed):
        found[np.ix_(*allowed)] = True
    return found.reshape(-1)


def _legs(
    tariff: Tariff, columns: Columns, axes: dict[str, Axis], cells: tuple[np.ndarray, np.ndarray]
) -> tuple[np.ndarray, np.ndarray, np.ndarray, tuple[np.ndarray, ...], np.ndarray]:
    """Legs: cells that every rule treats alike; and the transfer rules of each pair of classes."""
    rule, maximum = cells
    n_from, n_to, n_start, n_end = rule.shape
    shape_from = [axes[name].classes for name in START]

    sides = [leg_keys(side) for one in tariff.transfers for side in (one.before, one.after)]
    distinct = {tuple(sorted(keys.items(), key=lambda one: one[0])): keys for keys in sides}
    over = {name: _over(keys, columns, axes, START) for name, keys in distinct.items()}
    bits = np.stack(list(over.values()), axis=1) if over else np.zeros((n_from, 0), np.bool_)
    side_class, side_first = classes_of(bits)
    side_bits = {name: one[side_first] for name, one in over.items()}

    masks = np.zeros((n_from, n_to), np.int64)
    groups = groups_of(tariff.caps)
    if len(groups) > 62:
        raise ConfigError(f"{len(groups)} caps are more than fit", mend="at most 62 ids")
    for g, levels in enumerate(groups):
        inside = _over(cap_keys(levels[0]), columns, axes, START)[:, None]
        masks |= (inside & _ends_inside(levels[0].zones, columns, axes)).astype(np.int64) << g
    mode = np.broadcast_to(
        axes["mode"].value.reshape([-1] + [1] * (len(shape_from) - 1)), shape_from
    ).reshape(-1)

    both = (*START, *END)
    join_before = [_over(join_keys(one)[0], columns, axes, both) for one in tariff.joins]
    join_after = [_over(join_keys(one)[1], columns, axes, both) for one in tariff.joins]
    empty = np.zeros((n_from * n_to, 0), np.bool_)
    before_class, before_first = classes_of(np.stack(join_before, axis=1) if join_before else empty)
    after_class, after_first = classes_of(np.stack(join_after, axis=1) if join_after else empty)
    joins = np.zeros((len(before_first), len(after_first)), np.int64)
    for k in range(len(tariff.joins) - 1, -1, -1):
        one = tariff.joins[k]
        hit = join_before[k][before_first][:, None] & join_after[k][after_first][None, :]
        free = one.before_stop is not None or one.after_stop is not None
        joins[hit] = np.where(free | (joins[hit] == 1), 1, 2)  # 1 anywhere, 2 in one station

    # One number a cell from all that tells legs apart; the unique ones are the legs.
    per_from = _rank([side_class, mode.astype(np.int64)])
    per_both = _rank([np.repeat(per_from, n_to), masks.reshape(-1), before_class, after_class])
    wide = np.broadcast_to(per_both.reshape(n_from, n_to, 1, 1), rule.shape)
    number = (wide.astype(np.int64) * (len(tariff.fares) + 4) + rule + 3) * 2 + maximum
    _, first, leg_of = np.unique(number.reshape(-1), return_index=True, return_inverse=True)
    at_both = first // (n_start * n_end)
    at_from = at_both // n_to
    rule_of_leg = rule.reshape(-1)[first]
    is_maximum = maximum.reshape(-1)[first]

    group_names = {one: k for k, one in enumerate(sorted({f.leg_group for f in tariff.fares}))}
    product_names = {one: k for k, one in enumerate(sorted({f.product for f in tariff.fares}))}
    fares = [tariff.fares[k] if k >= 0 else None for k in rule_of_leg]
    price = np.array([UNKNOWN_PRICE if one is None else _price(one) for one in fares], np.int64)
    group = np.array([-1 if one is None else group_names[one.leg_group] for one in fares], np.int64)
    product = np.array(
        [-1 if one is None else product_names[one.product] for one in fares], np.int64
    )
    flags = np.where(rule_of_leg <= NEEDS_TAP_OFF, _FLAG_NO_TAP_OFF, 0)
    flags |= np.where(price == UNKNOWN_PRICE, _FLAG_UNKNOWN, 0)
    flags |= np.where(is_maximum, _FLAG_MAXIMUM, 0)

    fits = fitting(tariff, side_bits, side_class[at_from], fares)
    before_of, after_of, transfers = transfer_table(tariff, fits)
    columns_of_legs = (
        price, masks.reshape(-1)[at_both], before_of, after_of, group, mode[at_from], product, flags,
        before_class[at_both], after_class[at_both],
    )  # fmt: skip
    table = np.ascontiguousarray(np.stack(columns_of_legs, axis=1).astype(np.int64))
    return leg_of.reshape(-1).astype(np.int32), table, rule_of_leg, transfers, joins


def _ends_inside(zones: Match | None, columns: Columns, axes: dict[str, Axis]) -> np.ndarray:
    """Which ends of legs are within a cap's zones: one that is not known is, where the start is."""
    shape = [axes[name].classes for name in END]
    if zones is None:
        return np.ones((1, int(np.prod(shape))), np.bool_)
    column = columns.source("to_zone")
    inside = axes[column].members["to_zone", zones].copy()
    inside[0] = True
    turned = [1] * len(END)
    turned[END.index(column)] = -1
    return np.broadcast_to(inside.reshape(turned), shape).reshape(1, -1)


def _rank(parts: list[np.ndarray]) -> np.ndarray:
    """One number for each distinct row of some columns."""
    number = np.zeros(len(parts[0]), np.int64)
    for part in parts:
        _, low = np.unique(part, return_inverse=True)
        low = low.reshape(-1)
        _, number = np.unique(number * (int(low.max()) + 1) + low, return_inverse=True)
        number = number.reshape(-1)
    return number


def wanted_columns(tariff: Tariff) -> set[str]:
    """Attributes of taps that a tariff asks about."""
    asked = Columns(tariff, {})
    ask_all(tariff, asked)
    wanted = {key for tests in asked.tests.values() for key, _ in tests}
    if any(one.same_route is not None for one in tariff.transfers):
        wanted.add("route")
    if any(one.same_mode is not None for one in tariff.transfers):
        wanted.add("mode")
    if tariff.joins:
        wanted |= {"stop", "to_stop"}
    if getattr(tariff, "tickets", None) is not None:
        wanted |= {"route", "stop", "to_stop"}
    derived = {"network": "route", "zone": "stop", "to_zone": "to_stop"}
    wanted |= {column for key, column in derived.items() if key in wanted}
    wanted |= {start for start, end in _END_OF.items() if end in wanted}
    return wanted
