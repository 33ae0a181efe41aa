"""An answer as `--json` tells it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from astrarium.model import Model, Ticket


def told(ticket: Ticket, model: Model, name: str = "answer") -> dict[str, Any]:
    """An answer for `--json`, its text under a name."""
    about: dict[str, Any] = {
        name: ticket.text,
        "reason": ticket.reason,
        "prompt_tokens": ticket.prompt_tokens,
        "new_tokens": len(ticket.tokens),
    }
    if ticket.logprobs:
        decode = model.tokenizer.decode
        about["logprobs"] = [
            {
                "id": one.token,
                "text": decode([one.token], skip_special_tokens=False),
                "logprob": one.value,
                "likeliest": [
                    {"id": i, "text": decode([i], skip_special_tokens=False), "logprob": value}
                    for i, value in one.likeliest
                ],
            }
            for one in ticket.logprobs
        ]
    return about
