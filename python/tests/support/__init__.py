"""What tests of several concepts need: ends for all waits, and ways to see that others wait."""
