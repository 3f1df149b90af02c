"""The version, which the wheel says: no extension module has it here."""

from importlib import metadata

__version__ = metadata.version("sharevar")
