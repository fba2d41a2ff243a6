"""What every fault makes of every method, run against a small RDS on a loopback socket.

``python -m tests.fault_matrix --write`` makes docs/fault-matrix.md of it.
"""
