"""The command line: one file a command, no logic."""

from astrarium.cli.app import main

__all__ = ["main"]
