"""The worker's end of the line protocol (`astrarium/bench/protocol.py`), for scripts that stand outside the package."""

import json
import os
import sys
import time


class Clock:
    """When each step's tokens came: the rate is taken from the first to the last."""

    def __init__(self):
        self.times = []

    def tick(self):
        self.times.append(time.perf_counter())

    def figures(self, rows):
        """Tokens a second of all rows together, and seconds of a step."""
        seconds = self.times[-1] - self.times[0]
        steps = len(self.times) - 1
        return {"tokens_per_s": rows * steps / seconds, "step_s": seconds / steps}


def serve(prepare):
    """Answer requests until `quit`. `prepare(work)` gives the weight format and the function that plays one round."""
    # What libraries print on the standard output must not come between the answers: it goes to stderr.
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    play = None
    for line in sys.stdin:
        request = json.loads(line)
        if request["do"] == "quit":
            return
        try:
            if request["do"] == "start":
                chosen, play = prepare(request["work"])
                answer = {"ready": {"format": chosen}}
            else:
                answer = {"result": play()}
        except Exception as error:  # whatever it is, the other end says it
            answer = {"error": f"{type(error).__name__}: {' '.join(str(error).split())[:500]}"}
        answers.write(json.dumps(answer) + "\n")
        answers.flush()
