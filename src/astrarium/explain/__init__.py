"""Reads a Hugging Face script without running it, finds what is wrong with it, and mends it.

    reading = explain.read("usage.py")        # a path, or the code itself
    reading.calls                             # every call: resolved name, lines, arguments
    reading.findings                          # what is wrong: id, severity, line, message, mend
    reading.mended                            # the mended copy
    explain.signature("peft.get_peft_model")  # what the installed library says of a name

Nothing of the script is run, and no library that it uses is imported.
"""

from typing import TYPE_CHECKING

from astrarium.core.lazy import lazy_names

if TYPE_CHECKING:
    from astrarium.explain.index.library import Signature, signature
    from astrarium.explain.reader import read, read_text
    from astrarium.explain.reading import Argument, Call, Finding, Reading
    from astrarium.explain.rules.registry import Rule, all_rules

__all__ = [
    "Argument", "Call", "Finding", "Reading", "Rule", "Signature", "all_rules", "read", "read_text", "signature",
]  # fmt: skip

__getattr__, __dir__ = lazy_names(
    __name__,
    {
        **dict.fromkeys(["Argument", "Call", "Finding", "Reading"], ".reading"),
        **dict.fromkeys(["read", "read_text"], ".reader"),
        **dict.fromkeys(["Rule", "all_rules"], ".rules.registry"),
        **dict.fromkeys(["Signature", "signature"], ".index.library"),
    },
)
