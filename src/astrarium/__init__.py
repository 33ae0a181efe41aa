"""astrarium: parameter-efficient tuning, running, measuring and comparing of code language models.

Importing it does one thing: it registers a post-import hook that teaches the installed peft the method `BOTTLENECK`.
The public names below are fetched when they are first used.
"""

from astrarium.core.hook import after_import
from astrarium.core.lazy import lazy_names

__version__ = "0.1.0"
__all__ = ["__version__", "data", "load", "model", "text", "tune"]

__getattr__, __dir__ = lazy_names(__name__, {"load": ".model", "data": "", "model": "", "text": "", "tune": ""})

after_import("peft", "astrarium.methods.bottleneck.register:register")
