"""What can stand on a timeline, by the part of an incident it belongs to. A remediation's facts stand with it."""
