"""A picture for a link to a video, drawn here, so that nothing is asked of the video's site before it is clicked."""

from __future__ import annotations

from html import escape


def thumbnail(title: str) -> str:
    """A dark panel with a play mark and the video's title."""
    short = title if len(title) <= 46 else f"{title[:45]}…"
    return (
        '<svg xmlns="http://www.w3.org/2000/svg" width="400" height="225" viewBox="0 0 400 225" role="img" '
        f'aria-label="{escape(title, quote=True)}">\n<rect width="400" height="225" rx="10" fill="#151a21"/>\n'
        '<circle cx="200" cy="100" r="38" fill="#b34e00"/>\n<path d="M188 80 222 100 188 120z" fill="#fff"/>\n'
        '<text x="200" y="185" text-anchor="middle" font-family="system-ui,sans-serif" font-size="15" fill="#e6edf3">'
        f"{escape(short)}</text>\n</svg>\n"
    )
