"""Timing sheets as one page that prints: what each group shows in the cycle, and every table."""

from __future__ import annotations

import html
from typing import TYPE_CHECKING

from mobility.signals.problem import State
from mobility.signals.rows import cell

if TYPE_CHECKING:
    from collections.abc import Iterable

    from mobility.signals.plan import SignalPlan
    from mobility.signals.sheet import TimingSheet

# Colour and height, so that a copy in grey can be read too.
_LOOKS = {
    State.RED: ("#b03a2e", 2), State.RED_AMBER: ("#e67e22", 6), State.GREEN: ("#1e8449", 12),
    State.YIELD: ("#7dcea0", 12), State.FLASHING_GREEN: ("#58d68d", 9), State.YELLOW: ("#f1c40f", 6),
    State.CLEARANCE: ("#a9dfbf", 6), State.OFF: ("#bbbbbb", 2), State.FLASH: ("#f5b041", 4),
}  # fmt: skip
_WIDE, _ROW, _LEFT = 760.0, 16, 90

_STYLE = """
body { font: 11px/1.35 sans-serif; margin: 1.2em; color: #111; background: #fff }
h1 { font-size: 17px; margin: 0 } h2 { font-size: 12px; margin: 1em 0 .2em }
table { border-collapse: collapse } th, td { border: 1px solid #999; padding: 1px 5px }
th { background: #eee; text-align: left } td.n { text-align: right }
section { break-after: page; margin-bottom: 3em } ul { padding-left: 1.3em }
@page { size: A4 landscape; margin: 10mm }
"""


def page_of(sheets: Iterable[TimingSheet]) -> str:
    """One page that needs no network, a junction a printed sheet."""
    body = []
    for one in sheets:
        title = html.escape(f"{one.signal} {one.name}".strip())
        notes = "".join(f"<li>{html.escape(note)}</li>" for note in one.notes)
        body.append(f"<section><h1>{title}</h1><ul>{notes}</ul>")
        body += [
            f"<h2>{html.escape(name)}</h2>{_bars(plan)}" for name, plan in one.programs.items()
        ]
        for name, table in one.tables.items():
            if table.empty:
                continue
            head = "".join(f"<th>{html.escape(str(column))}</th>" for column in table.columns)
            rows = "".join(
                "<tr>" + "".join(_cell(value) for value in row) + "</tr>"
                for row in table.itertuples(index=False, name=None)
            )
            body.append(f"<h2>{html.escape(name)}</h2><table><tr>{head}</tr>{rows}</table>")
        body.append("</section>")
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Timing sheets</title>'
        f"<style>{_STYLE}</style></head><body>{''.join(body)}</body></html>\n"
    )


def _cell(value: object) -> str:
    number = isinstance(value, int | float) and not isinstance(value, bool)
    return f"<td{' class=n' if number else ''}>{html.escape(cell(value))}</td>"


def _bars(plan: SignalPlan) -> str:
    """A row a group: what it shows from second to second, stages above, seconds below."""
    scale = _WIDE / plan.cycle_s
    rows = list(plan.of_group.items())
    tall = _ROW * (len(rows) + 2)
    parts = [
        f'<text x="{_LEFT + time.from_s * scale:.1f}" y="11">{html.escape(time.stage)}</text>'
        for time in plan.stages
    ]
    for k, (group, shown) in enumerate(rows):
        middle = _ROW * (k + 1) + _ROW / 2
        parts.append(f'<text x="0" y="{middle + 4:.1f}">{html.escape(group)}</text>')
        for one in shown:
            colour, height = _LOOKS[one.state]
            parts.append(
                f'<rect x="{_LEFT + one.from_s * scale:.1f}" y="{middle - height / 2:.1f}" '
                f'width="{(one.to_s - one.from_s) * scale:.1f}" height="{height}" fill="{colour}">'
                f"<title>{html.escape(group)} {one.state} {one.from_s:g}-{one.to_s:g} s</title></rect>"
            )
    step = next(one for one in (5, 10, 20, 50, 100, 500, 10_000) if plan.cycle_s / one <= 25)
    for second in range(0, int(plan.cycle_s) + 1, step):
        x = _LEFT + second * scale
        parts.append(f'<path d="M{x:.1f} {_ROW}V{tall - _ROW}" stroke="#ccc" stroke-width=".5"/>')
        parts.append(f'<text x="{x:.1f}" y="{tall - 3}" text-anchor="middle">{second}</text>')
    return (
        f'<svg width="{_LEFT + _WIDE + 20:.0f}" height="{tall}" font-size="10" role="img" '
        f'aria-label="what each group shows in the cycle">{"".join(parts)}</svg>'
    )
