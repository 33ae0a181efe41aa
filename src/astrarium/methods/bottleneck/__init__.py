"""Bottleneck adapters as a method of stock peft: `in`, `out` and `parallel` sites."""

import peft  # noqa: F401 - its post-import hook registers the method before any class of it is made

from astrarium.methods.bottleneck.config import BottleneckConfig
from astrarium.methods.bottleneck.layer import BottleneckLayer, BottleneckLinear
from astrarium.methods.bottleneck.model import BottleneckModel

__all__ = ["BottleneckConfig", "BottleneckLayer", "BottleneckLinear", "BottleneckModel"]
