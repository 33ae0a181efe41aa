"""What each `model_type` is, from its configuration alone: linears, kinds of sites, tokens, counts, memory.

Imports neither torch nor transformers nor peft.
"""

from astrarium.families.family import Family, FimTokens, Linear
from astrarium.families.registry import family_of, known, site_kinds

__all__ = ["Family", "FimTokens", "Linear", "family_of", "known", "site_kinds"]
