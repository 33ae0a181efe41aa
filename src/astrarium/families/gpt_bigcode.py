"""GPT-BigCode, StarCoder's architecture: GPT-2 with, as a rule, one key and value head for all query heads."""

from astrarium.families import gpt_like
from astrarium.families.family import Config, FimTokens, flag


def kv_width(config: Config) -> int:
    """Keys and values of one head (multi-query) or of every head."""
    stored = 1 if flag(config, "multi_query", True) else gpt_like.heads(config)
    return 2 * stored * gpt_like.head_width(config)


FAMILY = gpt_like.family(
    "gpt_bigcode",
    kv_width,
    (
        FimTokens("<fim_prefix>", "<fim_suffix>", "<fim_middle>"),  # StarCoder
        FimTokens("<fim-prefix>", "<fim-suffix>", "<fim-middle>"),  # SantaCoder
    ),
)
