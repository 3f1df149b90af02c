"""The parts that replace those of multiprocessing in a program that does not know sharevar."""
