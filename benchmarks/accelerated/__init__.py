"""Our networks on an accelerator, in either precision, and compiled."""
