"""Colours by lightness, chroma and hue, and how well two of them can be told apart.

OKLCH is Ottosson's perceptual space ('A perceptual color space for image processing', 2020);
contrast is that of WCAG 2.2.
"""

from __future__ import annotations

import math

Linear = tuple[float, float, float]


def oklch(lightness: float, chroma: float, hue: float) -> str:
    """A colour as '#rrggbb'; chroma is lowered until the colour can be shown.

    Args:
        lightness: 0..1, as it is seen.
        chroma: 0 is grey; 0.1 is the colour of printed paper.
        hue: Degrees.
    """
    rgb = _linear(lightness, chroma, hue)
    while min(rgb) < -1e-4 or max(rgb) > 1 + 1e-4:
        chroma -= 0.002
        rgb = _linear(lightness, chroma, hue)
    return "#" + "".join(f"{round(255 * _encode(min(max(part, 0), 1))):02x}" for part in rgb)


def contrast(one: str, other: str) -> float:
    """The contrast ratio of two colours '#rrggbb', 1..21."""
    low, high = sorted((_luminance(one), _luminance(other)))
    return (high + 0.05) / (low + 0.05)


def _linear(lightness: float, chroma: float, hue: float) -> Linear:
    a = chroma * math.cos(math.radians(hue))
    b = chroma * math.sin(math.radians(hue))
    l = (lightness + 0.3963377774 * a + 0.2158037573 * b) ** 3  # noqa: E741 - l, m, s: the cones
    m = (lightness - 0.1055613458 * a - 0.0638541728 * b) ** 3
    s = (lightness - 0.0894841775 * a - 1.2914855480 * b) ** 3
    return (
        4.0767416621 * l - 3.3077115913 * m + 0.2309699292 * s,
        -1.2684380046 * l + 2.6097574011 * m - 0.3413193965 * s,
        -0.0041960863 * l - 0.7034186147 * m + 1.7076147010 * s,
    )


def _encode(part: float) -> float:
    return 12.92 * part if part <= 0.0031308 else 1.055 * part ** (1 / 2.4) - 0.055


def _decode(part: float) -> float:
    return part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4


def _luminance(colour: str) -> float:
    red, green, blue = (_decode(int(colour[i : i + 2], 16) / 255) for i in (1, 3, 5))
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue
