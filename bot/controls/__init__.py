"""Edge: mitigations out. One file per control plane."""
