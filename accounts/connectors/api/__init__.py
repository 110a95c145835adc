"""Answers of JSON APIs as files: pages, items with their lines, and what is missing."""
