"""Every method under every fault, called against a small RDS on a loopback socket."""
