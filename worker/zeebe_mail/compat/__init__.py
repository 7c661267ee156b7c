"""Foreign faces: the task types of other connectors, on top of our operations. No second implementation of anything."""
