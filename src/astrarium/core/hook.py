"""Code that runs when another library is imported, and not before."""

from __future__ import annotations

import wrapt


def after_import(library: str, function: str) -> None:
    """Call `function` with the module `library` once that is imported, or at once where it already is.

    Args:
        library: the module to wait for.
        function: what to call, as `"module:function"`; its module is imported only then.
    """
    wrapt.register_post_import_hook(function, library)
