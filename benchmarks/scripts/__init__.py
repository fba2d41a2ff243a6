"""Scripts that child processes run, to measure something or to be measured."""
