"""A run in a child process with a memory limit, and what became of it, recorded by a process that survives it.

Must live here: limits, the child, its end. Must not: what a run does (`experiment.run`), sweeps.
"""
