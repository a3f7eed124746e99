"""An index of a million films beside exact calls; see `service`. Its making takes minutes."""

from benchmarks.own.service import approximate

MEASUREMENT = approximate(1_000_000)
