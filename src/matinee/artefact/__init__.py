"""Run folders: a trained model, whom and what it knows, how it came about."""

from matinee.artefact.folder import check_target, discard
from matinee.artefact.manifest import DataFacts, Facts, Figure, SplitFacts
from matinee.artefact.run import Artefact

__all__ = ["Artefact", "DataFacts", "Facts", "Figure", "SplitFacts", "check_target", "discard"]
