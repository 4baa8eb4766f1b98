"""The vocabulary of the project: values, problems, errors and ports. Imports nothing of ours and does no I/O."""
