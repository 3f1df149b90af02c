"""sharevar and other libraries, side by side: `make bench`."""
