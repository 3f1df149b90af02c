"""Proxies of variables in shared memory, and the functions and tables that make them."""
