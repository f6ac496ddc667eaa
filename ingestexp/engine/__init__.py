"""Drives the core: live lanes (threads that wait) and the simulated lane (jumps), one shared loop."""
