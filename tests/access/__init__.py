"""The table of access, and the world it is tried in."""
