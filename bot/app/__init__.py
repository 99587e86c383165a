"""The composition root: settings to edges to verbs to servers. The only room that knows everyone."""
