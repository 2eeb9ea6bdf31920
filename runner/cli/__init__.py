"""The command line: options, commands, exit codes, and the files that commands write."""
