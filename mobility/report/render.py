"""A page as HTML: what is said stands in the markup, what is drawn is data beside it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mobility import __version__
from mobility.report import assets
from mobility.report.markup import Safe, as_json, join, tag
from mobility.report.numbers import GROUPS, NOT_TOLD

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd

    from mobility.report.page import Figure, Page, Part

_SEVERITIES = {"error": 0, "warning": 1, "info": 2}
# Sentences of a headline that still are a paragraph.
_MOST_SENTENCES, _MOST_LETTERS = 4, 320
# Findings written out; the rest is counted.
_MOST = 200
# Sites that stand in the table of figures one by one.
_MOST_SITES = 8
_FILTERED = ("map", "vehicles", "energy")


def render(page: Page) -> str:
    """Return the page as one text that needs nothing else."""
    script, style = assets.scripts(), assets.styles()
    policy = (
        f"default-src 'none'; script-src '{assets.digest(script)}'; "
        f"style-src '{assets.digest(style)}'; img-src data: blob:"
    )
    data = {one.id: {"draw": one.kind, "title": one.title, **one.data, **_inline(one)}
            for one in page.figures}  # fmt: skip
    head = tag(
        "head",
        tag("meta", charset="utf-8"),
        tag("meta", http_equiv="Content-Security-Policy", content=policy),
        tag("meta", name="viewport", content="width=device-width, initial-scale=1"),
        tag("meta", name="color-scheme", content="light dark"),
        tag("meta", name="generator", content=f"mobility {__version__}"),
        tag("title", f"{page.title}: {page.subtitle}"),
        tag("style", Safe(style)),
    )
    body = tag(
        "body",
        tag("a", "Skip to the report", href="#main", class_="skip"),
        _masthead(page),
        _tabs(page),
        tag("main", *(_panel(page, *one) for one in page.tabs), id="main", tabindex="-1"),
        _foot(page),
        tag("div", id="tip", role="status", aria_live="polite", hidden=True),
        tag("script", as_json(data), type="application/json", id="data"),
        tag("script", Safe(script)),
    )
    return "<!doctype html>\n" + tag("html", head, body, lang="en") + "\n"


def _inline(figure: Figure) -> dict[str, object]:
    """Rows of a small table, which the page shows and saves as it is."""
    if not figure.inline:
        return {}
    table = figure.table
    rows = table.astype(object).where(table.notna(), None).to_numpy().tolist()
    return {"table": {"columns": list(map(str, table.columns)), "rows": rows}}


def _masthead(page: Page) -> Safe:
    when = None if page.made is None else page.made.strftime("%-d %B %Y")
    return tag(
        "header",
        tag(
            "div",
            tag("p", *[one for one in (page.subtitle, when) if one][:1], class_="kicker"),
            tag("h1", page.title),
            tag("p", f"Made on {when}.", class_="made") if when else None,
        ),
        tag(
            "div",
            tag("label", "Appearance ", tag(
                "select",
                tag("option", "as the system", value="auto"),
                tag("option", "light", value="light"),
                tag("option", "dark", value="dark"),
                id="theme",
            )),
            tag("button", "Print", type="button", id="print"),
            class_="tools",
        ),
        class_="masthead",
    )  # fmt: skip


def _tabs(page: Page) -> Safe:
    buttons = [
        tag(
            "button", title, role="tab", id=f"tab-{name}", type="button",
            aria_controls=f"panel-{name}", aria_selected="true" if at == 0 else "false",
            tabindex="0" if at == 0 else "-1",
        )
        for at, (name, title) in enumerate(page.tabs)
    ]  # fmt: skip
    return tag(
        "nav",
        tag("div", *buttons, role="tablist", aria_label="Parts of the report"),
        _filter(page),
        class_="bar",
    )


def _filter(page: Page) -> Safe | None:
    """Search by route, block, vehicle or depot; only where there is something to find."""
    if not any(one.tab in _FILTERED for one in page.figures):
        return None
    return tag(
        "form",
        tag("label", tag("span", "Find"), tag(
            "input", type="search", id="find", list="found", autocomplete="off", spellcheck="false",
            placeholder="route, block, bus, trip or place")),
        tag("datalist", id="found"),
        tag("label", tag("span", "Route"), tag("select", tag("option", "all", value=""), id="route")),
        tag("label", tag("span", "Depot"), tag("select", tag("option", "all", value=""), id="depot")),
        tag("button", "Clear", type="reset"),
        tag("output", id="count", aria_live="polite"),
        id="filter", role="search", aria_label="Find in map, vehicles and energy", hidden=True,
    )  # fmt: skip


def _panel(page: Page, name: str, title: str) -> Safe:
    inside: list[Safe]
    if name == "summary":
        inside = []
        for part in page.parts:
            drawn = [_figure(one) for one in part.figures if one.tab == name]
            inside += [_summary(part), *drawn]
    elif name == "findings":
        # A study that brings no findings was not checked: it does not say that all is well.
        inside = [_findings(one) for one in page.parts if one.findings or not one.id]
        inside = inside or [tag("article", tag("p", "These results bring no findings."))]
    elif name == "sources":
        inside = [_sources(part) for part in page.parts]
    else:
        inside = []
        for part in page.parts:  # a study is told where its figures are, once more
            drawn = [_figure(one) for one in part.figures if one.tab == name]
            inside += [tag("h3", part.title, class_="part"), *drawn] if drawn and part.id else drawn
    return tag(
        "section",
        tag("h2", title, class_="panel-title"),
        *inside,
        role="tabpanel", id=f"panel-{name}", aria_labelledby=f"tab-{name}", tabindex="0",
        hidden=name != "summary",
    )  # fmt: skip


def _summary(part: Part) -> Safe:
    first, *rest = part.headline
    errors = sum(one.get("severity") == "error" for one in part.findings)
    count = len(part.assumptions)
    wrong = f"{errors} {'error' if errors == 1 else 'errors'} among the findings: as it is, this does not hold."
    return tag(
        "article",
        tag("h3", part.title, class_="part"),
        _headline(first, rest),
        tag("p", wrong, class_="wrong", role="alert") if errors else None,
        _kpis(part) if len(part.kpis) else None,
        tag("details", tag("summary", f"{count} {'assumption' if count == 1 else 'assumptions'}"),
            _assumed(part), class_="loud", open=True) if count else None,
    )  # fmt: skip


def _headline(first: str, rest: Sequence[str]) -> Safe:
    """A short paragraph; many sentences are a list, which is read sooner."""
    if len(rest) <= _MOST_SENTENCES and sum(map(len, rest)) <= _MOST_LETTERS:
        return tag("p", tag("strong", first), " ", " ".join(rest), class_="headline")
    listed = tag("ul", *(tag("li", one) for one in rest))
    return tag("div", tag("p", tag("strong", first)), listed, class_="headline")


def _kpis(part: Part) -> Safe:
    """The table of figures; without an earlier plan it has one column of values."""
    table: pd.DataFrame = part.kpis
    sites = table["name"].str.startswith("peak_kw[")
    if sites.sum() > _MOST_SITES:  # the figure of the sites has them
        table = table[~sites]
    both = bool((table["before"] != NOT_TOLD).any())
    columns = ["Figure", "Unit", *(["Before", "After", "Difference"] if both else ["Value"])]
    bodies: list[list[Safe]] = [[]]
    headed: set[str] = set()
    for one in table.to_dict("records"):
        heading = None if part.id else GROUPS[part.domain].get(one["name"].partition("[")[0])
        if heading and heading not in headed:
            headed.add(heading)
            across = tag("th", heading, colspan=len(columns), scope="rowgroup")
            bodies.append([tag("tr", across, class_="group")])
        name = tag("th", one["label"], " ", tag("code", one["name"]), scope="row")
        if not _number(one["after"]):
            told = one["after"]
            if both and one["before"] not in {NOT_TOLD, told}:
                told = f"before: {one['before']}; after: {told}"
            words = tag("td", told, colspan=len(columns) - 1, class_="words")
            bodies[-1].append(tag("tr", name, words))
            continue
        values = [one["before"], one["after"], one["difference"]] if both else [one["after"]]
        bodies[-1].append(tag(
            "tr", name, tag("td", one["unit"]), *(tag("td", value, class_="number") for value in values)
        ))  # fmt: skip
    return _table(
        columns,
        bodies,
        f"In numbers: {part.title}" if part.id else f"{part.title} in numbers",
        class_="kpis" + " both" * both,
    )


def _number(value: str) -> bool:
    """Whether a figure stands in the columns of numbers; words have a row across them."""
    return len(value) <= 18 and not any(one in value for one in (" at ", "("))


def _table(
    columns: Sequence[str], bodies: Sequence[Sequence[Safe]], caption: str, class_: str = ""
) -> Safe:
    """A table; each body is a group of rows, which may begin with its heading."""
    head = tag("tr", *(tag("th", one, scope="col") for one in columns))
    return tag(
        "div",
        tag("table", tag("caption", caption), tag("thead", head), *(tag("tbody", *one) for one in bodies if one),
            class_=class_),
        class_="wide", role="region", tabindex="0", aria_label=caption,
    )  # fmt: skip


def _assumed(part: Part) -> Safe | None:
    if not part.assumptions:
        return None
    return tag("ul", *(tag("li", one) for one in part.assumptions))


def _figure(figure: Figure) -> Safe:
    return tag(
        "figure",
        tag("figcaption", tag("h3", figure.title, id=f"title-{figure.id}"),
            tag("p", figure.says, id=f"says-{figure.id}")),
        tag("div", class_="controls"),
        tag("div", class_="drawing", id=f"drawing-{figure.id}"),
        tag("div", class_="legend"),
        tag("div", class_="below"),
        id=f"figure-{figure.id}", data_figure=figure.id, class_=f"kind-{figure.kind}",
    )  # fmt: skip


def _findings(part: Part) -> Safe:
    ranked = sorted(part.findings, key=lambda one: _SEVERITIES.get(str(one.get("severity")), 3))
    if not ranked:
        return tag("article", tag("h3", part.title), tag(
            "p", "No findings: every check holds.", class_="headline"))  # fmt: skip
    rows = [
        tag(
            "tr",
            tag("td", tag("span", str(one.get("severity", "")), class_=f"severity {one.get('severity')}")),
            tag("td", tag("code", str(one.get("code", "")))),
            tag("td", str(one.get("message", "")), _place(one)),
            tag("td", str(one.get("mend", ""))),
        )
        for one in ranked[:_MOST]
    ]  # fmt: skip
    more = len(ranked) - len(rows)
    return tag(
        "article",
        tag("h3", part.title),
        _table(("Severity", "Code", "What was found", "How to mend it"), [rows],
               f"{part.title}: {len(ranked):,} findings"),
        tag("p", f"... and {more:,} more, which the command line lists.") if more else None,
    )  # fmt: skip


def _place(one: dict[str, object]) -> Safe | None:
    parts = [str(one[key]) for key in ("file", "row", "column") if one.get(key)]
    found = f" (found {one['value']!r})" if one.get("value") else ""
    rows = (
        f", {one['count']:,} rows"
        if isinstance(one.get("count"), int) and one["count"] != 1
        else ""
    )
    text = ":".join(parts) + found + rows
    return tag("small", text) if text else None


def _sources(part: Part) -> Safe:
    rows = [
        tag("tr", tag("th", what, scope="row"), tag("td", value)) for what, value in part.provenance
    ]
    assumed = _assumed(part)
    return tag(
        "article",
        tag("h3", part.title),
        tag("h4", "Assumed, because nobody gave it", class_="again") if assumed else None,
        tag("div", assumed, class_="loud again") if assumed else None,
        tag("h4", "Where it comes from"),
        _table(("What", "Which"), [rows], f"Sources of {part.title.lower()}", class_="sources"),
    )


def _foot(page: Page) -> Safe:
    del page
    return tag(
        "footer",
        join((
            f"Made by mobility {__version__}. This page needs no network and sends nothing. ",
            "Every chart can be saved as a table (CSV) and as a picture.",
        )),
    )  # fmt: skip
