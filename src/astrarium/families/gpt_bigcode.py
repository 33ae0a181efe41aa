"""GPT-BigCode, StarCoder's architecture: GPT-2 with, as a rule, one key and value head for all query heads."""

from astrarium.families import gpt_like
from astrarium.families.family import Config, FimTokens, flag


def kv_width(config: Config) -> int:
    """Keys and values of one head (multi-query) or of every head."""
    hidden = gpt_like.width(config)
    return 2 * (hidden // gpt_like.heads(config)) if flag(config, "multi_query", True) else 2 * hidden


FAMILY = gpt_like.family(
    "gpt_bigcode",
    kv_width,
    (
        FimTokens("<fim_prefix>", "<fim_suffix>", "<fim_middle>"),  # StarCoder
        FimTokens("<fim-prefix>", "<fim-suffix>", "<fim-middle>"),  # SantaCoder
    ),
)
