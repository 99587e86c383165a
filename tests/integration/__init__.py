"""The sources against the real servers. `make test-integration` installs them and runs this."""
