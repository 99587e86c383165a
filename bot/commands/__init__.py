"""The commands of the command line, by what they are for. Each adds its parser, and runs with what was read."""
