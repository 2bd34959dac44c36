"""What a plan chose, as arrays and tables in the units of the slots: each source is read once."""
