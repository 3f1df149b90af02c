"""Hosts: processes that keep objects, their clients, and the managers that start them."""
