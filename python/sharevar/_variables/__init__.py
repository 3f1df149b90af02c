"""Proxies of variables in shared memory, and what makes them."""
