"""All that the page of speed tells, one after the other: `make bench`."""

from __future__ import annotations

from benchmarks import page
from benchmarks.growth import __main__ as growth
from benchmarks.own import __main__ as own
from benchmarks.peers import __main__ as peers

own.run([])
peers.run([])
growth.main([])
page.write()
