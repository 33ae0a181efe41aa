"""The worker's end of the line protocol."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Mapping
from typing import Any

Round = Callable[[], Mapping[str, float | str]]
Prepare = Callable[[dict[str, Any]], tuple[str, Round]]


def serve(prepare: Prepare) -> None:
    """Answer requests until `quit` or the end of the input.

    Args:
        prepare: takes the work, gives the weight format and the function that plays one round.
    """
    # What libraries print on the standard output must not come between the answers: it goes to stderr.
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    play: Round | None = None
    for line in sys.stdin:
        request = json.loads(line)
        if request["do"] == "quit":
            return
        try:
            if request["do"] == "start":
                chosen, play = prepare(request["work"])
                answer: dict[str, Any] = {"ready": {"format": chosen}}
            elif play is None:
                answer = {"error": "a round was asked for before the start"}
            else:
                answer = {"result": dict(play())}
        except Exception as error:  # whatever it is, the other end says it
            answer = {"error": f"{type(error).__name__}: {' '.join(str(error).split())[:500]}"}
        answers.write(json.dumps(answer) + "\n")
        answers.flush()
