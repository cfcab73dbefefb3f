"""The command line `sinks`: each command reads its words, calls one function and prints the answer."""
