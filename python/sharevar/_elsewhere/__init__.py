"""The package where there is no shared memory: its variables are kept by a server process.

A program that was written for Linux runs with the same names and results, slower, and without
what a server cannot give: `missing` has the list.
"""
