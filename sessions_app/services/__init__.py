"""The verbs of this app: taking recordings in, showing them, and the recorders they come from."""
