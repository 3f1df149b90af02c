"""Managers with variables in shared memory, and the hosts that serve them to plain Python."""
