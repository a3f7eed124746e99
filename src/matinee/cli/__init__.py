"""The command line: one file a command, each of them parse, one library call, print."""
