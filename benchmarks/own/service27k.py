"""Service calls over the films of MovieLens-20M; see `service`."""

from benchmarks.own.service import exact

MEASUREMENT = exact(27_278, limit=10)
