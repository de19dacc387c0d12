"""What is decided before any job runs: the configuration, the targets, the code that jobs depend on. Imports nothing heavy."""
