"""The outside world behind the ports: loads, payloads, sinks. Each implements one port, none knows another."""
