"""An embedded Dapr sidecar: one process that serves any number of apps over real HTTP."""

from dev.sidecar.core import Sidecar
from dev.sidecar.host import NAME, companion, hosted
from dev.sidecar.world import Fault

__all__ = ["NAME", "Fault", "Sidecar", "companion", "hosted"]
