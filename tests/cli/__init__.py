"""The command as a person at a terminal meets it: a child process, its words and its exit code."""
