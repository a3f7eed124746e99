"""What the page says of an accelerator."""

from __future__ import annotations

from typing import Any

from benchmarks.goals import ranged, row

NONE = """## On an accelerator

Not measured, as none has been at hand: `python -m benchmarks.accelerated` does it.
"""


def section(result: dict[str, Any]) -> str:
    """What the page says of it."""
    limits, side = result["ceilings"], f"{result['side']:,}"
    copies = f"{limits['float32']['bytes'] / 1e9:.0f}"
    products = (f"{limits[k]['operations'] / 1e12:.3g} TFLOP/s in {k}" for k in limits)
    rows = [
        ["network", "way", "seconds an epoch", "times as fast as float32", "times the floor"],
        ["---"] * 5,
    ]
    for title, ways in result["networks"].items():
        plain = ways["float32"]["seconds"]["median"]
        for way, told in ways.items():
            faster = plain / told["seconds"]["median"]
            figures = [
                ranged(told["seconds"], ".3g"),
                f"{faster:.3g}",
                f"{told['times_floor']:.3g}",
            ]
            rows.append([title, way, *figures])
    return f"""## On an accelerator

Floors here are those of products of {side} by {side}, and of copies of {result["copied_mb"]:,} MB.
{result["device"]}: products {" and ".join(products)}, copies {copies} GB/s. Measured on
{result["day"]}, an epoch that does not count and {result["rounds"]} that do.

{chr(10).join(map(row, rows))}
"""
