"""Draws a dashboard with what was answered to its queries: a page without scripts, for `check`. It is not Grafana, and does not try to be."""

import html
import math
import re
import time

COLUMN, ROW, GAP = 66, 36, 6  # pixels of a cell of the grid, and between panels
HEAD = 64  # the page's own lines above the panels
GAPS = 1.5  # seconds between two points that are joined by no line
COLORS = {
    "green": "#2f8f46", "yellow": "#c99700", "red": "#d13438", "orange": "#e8710a", "purple": "#8a4fbf", "blue": "#2f6fd0",
}
PALETTE = ["#2f8f46", "#c99700", "#2f6fd0", "#e8710a", "#d13438", "#8a4fbf", "#0e8f9c", "#b0578d", "#7a6a53", "#6b7280"]
STYLE = """
body { margin: 0; padding: 0 6px; background: #eceef1; font: 12px 'DejaVu Sans', sans-serif; color: #22252b; position: relative; }
h1 { font-size: 17px; margin: 0; padding-top: 10px; } p { margin: 4px 0; color: #555; }
section { position: absolute; background: #fff; border: 1px solid #d5d8dd; border-radius: 3px; box-sizing: border-box; padding: 6px 8px; overflow: hidden;
  display: flex; flex-direction: column; }
h2 { font-size: 12px; margin: 0 0 4px; } h2 small { font-weight: normal; color: #777; float: right; }
svg { flex: 1; min-height: 0; } svg text { font-size: 10px; fill: #666; }
ul { margin: 2px 0 0; padding: 0; list-style: none; } li { display: inline-block; margin-right: 10px; font-size: 11px; } li i { display: inline-block; width: 12px; height: 3px;
  margin-right: 4px; vertical-align: middle; }
.tiles { flex: 1; display: flex; flex-wrap: wrap; gap: 4px; } .tiles div { flex: 1 1 40%; color: #fff; border-radius: 3px; display: flex; flex-direction: column;
  align-items: center; justify-content: center; text-align: center; } .tiles b { font-size: 17px; } .nothing { margin: auto; color: #888; font-size: 15px; }
"""


def size(dashboard):
    """Width and height of the page."""
    bottom = max(panel["gridPos"]["y"] + panel["gridPos"]["h"] for panel in dashboard["panels"])
    return 24 * COLUMN + 2 * GAP, HEAD + bottom * ROW + GAP


def page(dashboard, answers, start, end):
    """`answers` are Prometheus' results by (title of the panel, refId)."""
    swapped = [value / 1000 for (title, _), lines in answers.items() if title.startswith("annotation ")
               for line in lines for _, value in points(line)]
    panels = []
    for panel in dashboard["panels"]:
        lines = [(target, line) for target in panel["targets"] for line in answers.get((panel["title"], target["refId"]), [])]
        nothing = html.escape(panel["fieldConfig"]["defaults"].get("noValue", "No data"))
        draw = tiles if panel["type"] == "stat" else graph
        inside = draw(panel, lines, start, end, swapped) if lines else f"<span class=nothing>{nothing}</span>"
        panels.append(boxed(panel, inside))
    when = time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime(start))
    return (
        f"<!doctype html><meta charset=utf-8><style>{STYLE}</style><h1>{html.escape(dashboard['title'])}</h1>"
        f"<p>Drawn by examples/observability/check, not by Grafana: its traffic of {end - start:.0f} s from {when}. "
        f"Dashed: a configuration was swapped in.</p>{''.join(panels)}"
    )


def boxed(panel, inside):
    at = panel["gridPos"]
    place = (f"left:{GAP + at['x'] * COLUMN}px;top:{HEAD + at['y'] * ROW}px;"
             f"width:{at['w'] * COLUMN - GAP}px;height:{at['h'] * ROW - GAP}px")
    unit = panel["fieldConfig"]["defaults"]["unit"] if panel["type"] != "stat" else ""
    small = f"<small>{unit}</small>" if unit else ""
    return f'<section style="{place}"><h2>{html.escape(panel["title"])}{small}</h2>{inside}</section>'


def tiles(panel, lines, *_):
    made = []
    for target, line in lines:
        field = {**panel["fieldConfig"]["defaults"], **overrides(panel, target, line)}
        value = float(line["value"][1])
        mapped = next((options[f"{value:g}"] for mapping in field.get("mappings", [])
                       if f"{value:g}" in (options := mapping["options"])), {})
        steps = [step["color"] for step in field["thresholds"]["steps"] if step["value"] is None or value >= step["value"]]
        color = mapped.get("color", steps[-1])
        color = COLORS.get(color, color)
        text = mapped.get("text") or number(value, field["unit"], field.get("decimals"))
        made.append(f'<div style="background:{color}"><b>{html.escape(text)}</b>{html.escape(legend(target, line))}</div>')
    return f"<div class=tiles>{''.join(made)}</div>"


def graph(panel, lines, start, end, swapped):
    unit, width, height = panel["fieldConfig"]["defaults"]["unit"], panel["gridPos"]["w"] * COLUMN - 26, panel["gridPos"]["h"] * ROW - 70
    step = tick(max((value for _, line in lines for _, value in points(line)), default=0) / 4)
    top, left, bottom = 4 * step, 66, height - 16

    def place(at, value):
        return left + (at - start) / (end - start) * (width - left - 4), bottom - value / top * (bottom - 6)

    drawn, names = [], []
    for mark in range(5):
        _, y = place(start, mark * step)
        drawn.append(f'<path d="M{left} {y:.1f}H{width}" stroke="#e3e5e8"/><text x="{left - 4}" y="{y + 3:.1f}" text-anchor="end">'
                     f"{number(mark * step, unit)}</text>")
    for mark in range(1, 5):
        at = start + (end - start) * mark / 5
        drawn.append(f'<text x="{place(at, 0)[0]:.1f}" y="{height - 2}" text-anchor="middle">{time.strftime("%H:%M:%S", time.gmtime(at))}</text>')
    for at in sorted(set(swapped)):
        if start <= at <= end:
            drawn.append(f'<path d="M{place(at, 0)[0]:.1f} 6V{bottom}" stroke="{COLORS["blue"]}" stroke-dasharray="3 3"/>')
    for index, (target, line) in enumerate(lines):
        color = overrides(panel, target, line).get("color", {}).get("fixedColor", PALETTE[index % len(PALETTE)])
        color = COLORS.get(color, color)
        path, before = "", -math.inf
        for at, value in points(line):
            x, y = place(at, value)
            # A dot of no length shows a point that stands alone.
            path += f"{'L' if at - before < GAPS else 'M'}{x:.1f} {y:.1f}h0"
            before = at
        drawn.append(f'<path d="{path}" fill="none" stroke="{color}" stroke-width="1.6" stroke-linecap="round" stroke-linejoin="round"/>')
        names.append(f'<li><i style="background:{color}"></i>{html.escape(legend(target, line))}</li>')
    return f'<svg viewBox="0 0 {width} {height}">{"".join(drawn)}</svg><ul>{"".join(names)}</ul>'


def overrides(panel, target, line):
    """What the panel says of one query, or of what has one name."""
    asked = {"byName": legend(target, line), "byFrameRefID": target["refId"]}
    return {
        one["id"]: one["value"] for override in panel["fieldConfig"]["overrides"]
        if asked[override["matcher"]["id"]] == override["matcher"]["options"] for one in override["properties"]
    }


def legend(target, line):
    """`legendFormat` with the labels in place of their names."""
    return re.sub(r"{{\s*(\w+)\s*}}", lambda found: line["metric"].get(found[1], ""), target.get("legendFormat", target["refId"]))


def points(line):
    """Times and values that are numbers: a share of nothing is none."""
    pairs = line["values"] if "values" in line else [line["value"]]
    return [(at, float(value)) for at, value in pairs if math.isfinite(float(value))]


def tick(least):
    """The least of 1, 2, 5, 10, … that is no less."""
    power = 10 ** math.floor(math.log10(least)) if least > 0 else 0.25
    return next(power * factor for factor in (1, 2, 5, 10) if power * factor >= least * 0.999)


def number(value, unit, decimals=None):
    if unit == "s":
        value, word = (value * 1000, "ms") if 0 < value < 1 else (value, "s")
    else:
        word = {"cpm": "c/m", "none": "", "short": ""}[unit]
    text = f"{value:,.{decimals or 0}f}" if decimals is not None or value >= 1000 else f"{value:.3g}"
    return f"{text} {word}".strip()
