"""GPT-2: multi-head attention; its linears are transformers' `Conv1D`."""

from astrarium.families import gpt_like
from astrarium.families.family import Config, Family


def kv_width(config: Config) -> int:
    """Keys and values of every head."""
    return 2 * gpt_like.width(config)


FAMILY = Family(
    model_type="gpt2",
    kinds=gpt_like.KINDS,
    linears_of=lambda config: gpt_like.linears(config, kv_width(config)),
    other_parameters=gpt_like.other_parameters,
    ties_head=gpt_like.ties_head,
    kv_width=kv_width,
    layers=gpt_like.layers,
    width=gpt_like.width,
    context=gpt_like.context,
)
