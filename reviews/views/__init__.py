"""Screens, one file an aggregate."""
