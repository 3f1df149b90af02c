"""The family of processes: its arena, and how references to arenas reach other processes."""
