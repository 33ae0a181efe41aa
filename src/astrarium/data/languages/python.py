"""Python. Its functions are read by `ast` (`python_code.py`), which knows it better than a grammar would."""

import re

from astrarium.data.languages.language import Language

LANGUAGE = Language(
    name="python",
    title="Python",
    endings=(".py",),
    test_file=re.compile(r"(^|/)(tests?|testing)/|(^|/)(test_[^/]*|[^/]*_test|conftest)\.py$"),
)
