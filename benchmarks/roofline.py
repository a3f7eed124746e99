"""How far a measurement is from what the machine allows."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Work:
    """What cannot be done without: floating-point operations, and bytes read and written."""

    operations: float
    bytes: float


Roofline = dict[str, float]


def roofline(work: Work, ceilings: dict[str, float], seconds: float) -> Roofline:
    """The time that the machine needs at least, and how many times that was taken."""
    floor = max(work.operations / ceilings["operations"], work.bytes / ceilings["bytes"])
    return {
        "operations": work.operations,
        "bytes": work.bytes,
        "operations_per_second": ceilings["operations"],
        "bytes_per_second": ceilings["bytes"],
        "floor_seconds": floor,
        "times_floor": seconds / floor,
    }


def highest(ceilings: list[dict[str, float]]) -> dict[str, float]:
    """The best the machine did in several rounds."""
    return {kind: max(one[kind] for one in ceilings) for kind in ceilings[0]}


def sentence(roof: Roofline, counted: str, taken: str = "ours takes") -> str:
    """The floor in words."""
    return (
        f"Floor: {roof['operations'] / 1e9:.3g} GFLOP and {roof['bytes'] / 1e6:.3g} MB "
        f"({counted}) need {1000 * roof['floor_seconds']:.3g} ms at "
        f"{roof['operations_per_second'] / 1e9:.0f} GFLOP/s and "
        f"{roof['bytes_per_second'] / 1e9:.0f} GB/s; {taken} {roof['times_floor']:.3g} times that."
    )
