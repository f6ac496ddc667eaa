"""The machine that is told the time. Decisions only: no clock, no I/O, no threads, no logging, no random source."""
