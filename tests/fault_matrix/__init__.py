"""Calls of every method under every fault, against a small RDS on a loopback socket."""
