"""Tells the test what a worker does, a line a step, and waits for a line from
the test at the steps that STOP_AT names: it says when things happen."""
import os
import sys

stops = set(filter(None, os.environ.get("STOP_AT", "").split(",")))


def step(*words):
    print(*words, flush=True)
    if words[0] in stops:
        sys.stdin.readline()
