"""Rules over compiled objects: upstream schemas, what no server enforces, what must never change."""
