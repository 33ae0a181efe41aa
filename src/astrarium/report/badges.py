"""Badges: small local SVG pictures, so that no service is asked when a page is opened."""

from __future__ import annotations

from html import escape

_COLOURS = {"blue": "#005a8d", "orange": "#9a4a00", "green": "#00664b", "grey": "#57606a", "red": "#9c1c2e"}
_NARROW, _WIDE = set("iljft.,:;'|!()[] "), set("mwMW@%—…")


def badge(label: str, value: str, colour: str = "blue") -> str:
    """A badge with a label on grey and a value on a colour; both readable in white.

    Args:
        label: what is told.
        value: what there is to tell.
        colour: `blue`, `orange`, `green`, `grey` or `red`.
    """
    left, right = _width(label) + 12, _width(value) + 12
    whole = left + right
    name = escape(f"{label}: {value}", quote=True)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{whole}" height="20" role="img" aria-label="{name}">\n'
        f"<title>{name}</title>\n"
        f'<clipPath id="r"><rect width="{whole}" height="20" rx="3"/></clipPath>\n'
        '<g clip-path="url(#r)">\n'
        f'<rect width="{left}" height="20" fill="#3d444d"/>\n'
        f'<rect x="{left}" width="{right}" height="20" fill="{_COLOURS[colour]}"/>\n</g>\n'
        '<g fill="#fff" text-anchor="middle" font-family="Verdana,DejaVu Sans,sans-serif" font-size="11">\n'
        f'<text x="{left / 2:g}" y="14" textLength="{left - 12}">{escape(label)}</text>\n'
        f'<text x="{left + right / 2:g}" y="14" textLength="{right - 12}">{escape(value)}</text>\n</g>\n</svg>\n'
    )


def _width(text: str) -> int:
    """About how wide a text is in Verdana at 11 px; `textLength` then makes it so."""
    return round(sum(4.2 if c in _NARROW else 10.5 if c in _WIDE else 8 if c.isupper() else 6.9 for c in text))
