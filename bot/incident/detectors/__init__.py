"""What can be seen in one trace, or in the order of many."""
