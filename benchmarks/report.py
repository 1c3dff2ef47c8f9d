"""What a run comes to: a JSON document, and from it the tables and the plot."""

from __future__ import annotations

import json
import math
import statistics
from collections.abc import Sequence
from html import escape
from pathlib import Path
from typing import Any

from .harness import Row

_SIDES = ("ours", "rust", "official")
_BEGIN, _END = "<!-- figures: made by --publish -->", "<!-- end of figures -->"


def document(facts: dict[str, Any], rows: Sequence[Row]) -> dict[str, Any]:
    """Everything that was measured."""
    return {**facts, "rows": [_row(row) for row in rows]}


def _row(row: Row) -> dict[str, Any]:
    def side(name: Any) -> dict[str, Any] | None:
        samples = row.samples.get(name)
        if not samples:
            return None
        return {
            "figure": _rounded(row.value(name)),
            "median": _rounded(statistics.median(samples)),
            "min": _rounded(min(samples)),
            "max": _rounded(max(samples)),
            "samples": [_rounded(sample) for sample in samples],
        }

    return {
        "what": row.what,
        "unit": row.unit,
        "better": row.better,
        "figure": row.figure,
        **{name: side(name) for name in _SIDES},
        "ratio": _rounded(row.ratio),
        "budget": row.budget,
        "met": row.met,
    }


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 4)


def text(report: dict[str, Any]) -> str:
    """Both tables and what they were measured with, as Markdown."""
    rows = report["rows"]
    parts = [*_facts(report), "", *_table(rows)]
    if any(row["budget"] is not None for row in rows):
        parts += ["", "Budgets of the design, each the median unless the row says otherwise:", "", *_budgets(rows)]
    return "\n".join(parts)


def _facts(report: dict[str, Any]) -> list[str]:
    noise = report["noise"]
    work, sleep = noise["work_ms"], noise["sleep_1_ms"]
    quick = " Quick: few samples." if report["quick"] else ""
    return [
        f"{report['when']}: {report['library']}, beside {report['official']}; {report['machine']}; {report['seconds']:.0f} s.{quick}",
        f"The machine: load {noise['load'][0]} to {noise['load'][1]}, {noise['stolen_percent']} % of its time stolen; a fixed piece of work took "
        f"{work['median']:.2f} ms (95 % of the time at most {work['p95']:.2f}, at worst {work['max']:.2f}), "
        f"sleeping 1 ms {sleep['median']:.2f} ms ({sleep['p95']:.2f}, {sleep['max']:.2f}).",
    ]


def _table(rows: Sequence[dict[str, Any]]) -> list[str]:
    """Figures, with least-most where samples differ."""
    cells = [("what", "ours", "from Rust", "official", "ratio")]
    for row in rows:
        sides = [_cell(row[name], row["unit"]) for name in _SIDES]
        cells.append((row["what"], *sides, _ratio(row["ratio"])))
    return _markdown(cells)


def _budgets(rows: Sequence[dict[str, Any]]) -> list[str]:
    cells = [("what", "official", "from Rust", "ours", "budget", "met?", "ratio")]
    for row in rows:
        if row["budget"] is None:
            continue
        unit = row["unit"]
        sides = [_cell(row[name], unit, spread=False) for name in ("official", "rust", "ours")]
        sign = "≥" if row["better"] == "more" else "≤"
        met = {True: "yes", False: "**no**", None: "-"}[row["met"]]
        cells.append(
            (row["what"], *sides, f"{sign} {_number(row['budget'])} {unit}".rstrip(), met, _ratio(row["ratio"]))
        )
    return _markdown(cells)


def _markdown(cells: Sequence[Sequence[str]]) -> list[str]:
    widths = [max(len(line[column]) for line in cells) for column in range(len(cells[0]))]
    lines = [
        "| " + " | ".join(text.ljust(width) for text, width in zip(line, widths, strict=True)) + " |" for line in cells
    ]
    return [lines[0], "|" + "|".join("-" * (width + 2) for width in widths) + "|", *lines[1:]]


def _cell(side: dict[str, Any] | None, unit: str, *, spread: bool = True) -> str:
    if side is None:
        return "-"
    figure = f"{_number(side['figure'])} {unit}".rstrip()
    least, most = _number(side["min"]), _number(side["max"])
    return f"{figure} ({least}-{most})" if spread and least != most else figure


def _ratio(ratio: float | None) -> str:
    return "-" if ratio is None else f"{ratio:.1f}x"


def _number(value: float) -> str:
    if value == int(value) or abs(value) >= 100:
        return f"{value:,.0f}"
    return f"{value:.2f}" if abs(value) < 2 else f"{value:.1f}"


# --- the plot ---------------------------------------------------------------------------------------------------------

_LEFT, _WIDTH, _LINE, _TOP = 430, 470, 20, 58


def plot(report: dict[str, Any]) -> str:
    """An SVG: for each row how many times better than the official SDK ours is, and would be at its budget, on a logarithmic scale.

    Rows that begin with a dash are parts of others, and left out.
    """
    rows = [row for row in report["rows"] if row["ratio"] and not row["what"].startswith("- ")]
    marks = [_at_budget(row) for row in rows]
    values = [row["ratio"] for row in rows] + [mark for mark in marks if mark]
    low = math.floor(math.log10(min([1.0, *values])))
    high = max(1, math.ceil(math.log10(max([1.0, *values]))))

    def x(value: float) -> float:
        return _LEFT + _WIDTH * (math.log10(value) - low) / (high - low)

    height = _TOP + _LINE * len(rows) + 34
    out = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{_LEFT + _WIDTH + 70}" height="{height}" font-family="sans-serif" font-size="12">',
        "<style>text{fill:#24292f} .soft{fill:#6e7781} .grid{stroke:#d0d7de} .one{stroke:#24292f} .goal{stroke:#bc4c00;stroke-width:2}"
        " .better{fill:#2da44e} .worse{fill:#cf222e}</style>",
        f'<rect width="{_LEFT + _WIDTH + 70}" height="{height}" fill="#ffffff"/>',
        f'<text x="12" y="22" font-size="15" font-weight="bold">codex_cffi beside {escape(report["official"])}: how many times better</text>',
        f'<text x="12" y="40" class="soft">{escape(report["library"])}; logarithmic; the orange mark is the budget</text>',
    ]
    bottom = _TOP + _LINE * len(rows)
    for power in range(low, high + 1):
        at, kind = x(10.0**power), "one" if power == 0 else "grid"
        out.append(f'<line x1="{at:.1f}" x2="{at:.1f}" y1="{_TOP - 4}" y2="{bottom}" class="{kind}"/>')
        out.append(f'<text x="{at:.1f}" y="{bottom + 16}" text-anchor="middle" class="soft">{10.0**power:g}x</text>')
    for index, (row, mark) in enumerate(zip(rows, marks, strict=True)):
        y = _TOP + _LINE * index
        start, end = sorted((x(1), x(row["ratio"])))
        kind = "better" if row["ratio"] >= 1 else "worse"
        out.append(f'<text x="{_LEFT - 8}" y="{y + 12}" text-anchor="end">{escape(row["what"])}</text>')
        out.append(f'<rect x="{start:.1f}" y="{y + 2}" width="{max(end - start, 1):.1f}" height="13" class="{kind}"/>')
        out.append(f'<text x="{_LEFT + _WIDTH + 58}" y="{y + 12}" text-anchor="end">{_ratio(row["ratio"])}</text>')
        if mark:
            at = x(mark)
            out.append(f'<line x1="{at:.1f}" x2="{at:.1f}" y1="{y}" y2="{y + 17}" class="goal"/>')
    return "\n".join([*out, "</svg>"]) + "\n"


def _at_budget(row: dict[str, Any]) -> float | None:
    if not row["budget"] or row["official"] is None:
        return None
    official, budget = row["official"]["figure"], row["budget"]
    return float(budget / official if row["better"] == "more" else official / budget)


# --- files ------------------------------------------------------------------------------------------------------------


def write(report: dict[str, Any], path: Path) -> None:
    """The JSON file, and the plot beside it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(report, indent=1, ensure_ascii=False) + "\n")
    path.with_suffix(".svg").write_text(plot(report))


def publish(report: dict[str, Any], readme: Path) -> None:
    """Puts the tables into the README, between its two marks, and the plot beside it."""
    before, begin, rest = readme.read_text().partition(_BEGIN)
    _, end, after = rest.partition(_END)
    if not begin or not end:
        raise ValueError(f"{readme} has no lines {_BEGIN!r} and {_END!r}")
    readme.write_text(f"{before}{_BEGIN}\n\n{text(report)}\n\n![Ratios](ratios.svg)\n\n{_END}{after}")
    readme.with_name("ratios.svg").write_text(plot(report))
