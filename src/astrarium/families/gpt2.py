"""GPT-2: multi-head attention; its linears are transformers' `Conv1D`."""

from astrarium.families import gpt_like
from astrarium.families.family import Config


def kv_width(config: Config) -> int:
    """Keys and values of every head."""
    return 2 * gpt_like.heads(config) * gpt_like.head_width(config)


FAMILY = gpt_like.family("gpt2", kv_width)
