"""GPT-BigCode, StarCoder's architecture: GPT-2 with, as a rule, one key and value head for all query heads."""

from astrarium.families import gpt_like
from astrarium.families.family import Config, Family, FimTokens, flag


def kv_width(config: Config) -> int:
    """Keys and values of one head (multi-query) or of every head."""
    hidden = gpt_like.width(config)
    return 2 * (hidden // gpt_like.heads(config)) if flag(config, "multi_query", True) else 2 * hidden


FAMILY = Family(
    model_type="gpt_bigcode",
    kinds=gpt_like.KINDS,
    linears_of=lambda config: gpt_like.linears(config, kv_width(config)),
    other_parameters=gpt_like.other_parameters,
    ties_head=gpt_like.ties_head,
    kv_width=kv_width,
    layers=gpt_like.layers,
    width=gpt_like.width,
    context=gpt_like.context,
    fim=(
        FimTokens("<fim_prefix>", "<fim_suffix>", "<fim_middle>"),  # StarCoder
        FimTokens("<fim-prefix>", "<fim-suffix>", "<fim-middle>"),  # SantaCoder
    ),
)
