"""Between questions and tokens: prompt templates, fill-in-the-middle, token inspection, code in an answer."""

from typing import TYPE_CHECKING

from astrarium.core.lazy import lazy_names

if TYPE_CHECKING:
    from astrarium.text.code import extract_code
    from astrarium.text.fim import fim_prompt
    from astrarium.text.inspection import TokenTable, decode_ids, inspect_text, tokens
    from astrarium.text.learning import fim_tokens, learned_pieces
    from astrarium.text.place import split_at
    from astrarium.text.templates import TEMPLATES, Template, choose_template, encode_prompt, template_named

__all__ = [
    "TEMPLATES",
    "Template",
    "TokenTable",
    "choose_template",
    "decode_ids",
    "encode_prompt",
    "extract_code",
    "fim_prompt",
    "fim_tokens",
    "inspect_text",
    "learned_pieces",
    "split_at",
    "template_named",
    "tokens",
]

__getattr__, __dir__ = lazy_names(
    __name__,
    {
        **dict.fromkeys(["TEMPLATES", "Template", "choose_template", "encode_prompt", "template_named"], ".templates"),
        **dict.fromkeys(["TokenTable", "decode_ids", "inspect_text", "tokens"], ".inspection"),
        "extract_code": ".code",
        "fim_prompt": ".fim",
        **dict.fromkeys(["fim_tokens", "learned_pieces"], ".learning"),
        "split_at": ".place",
    },
)
