"""A second simulated fleet, written without looking at the first one or at the classifier.

The first fleet (`tests/incident/agents_at_work.py`) was there while the classifier grew, so it cannot say how the classifier does on
incidents that nobody had in mind. This one knows only the format of the sample scenarios, their noise and the definitions of the classes.
Everything here is synthetic.
"""
