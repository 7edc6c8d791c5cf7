"""Pure, synchronous decisions and reshaping: no I/O, no clock, no model."""
