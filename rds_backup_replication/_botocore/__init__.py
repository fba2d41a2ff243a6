"""Everything that relies on how botocore works: clients, data files, parsing, errors, forks."""
