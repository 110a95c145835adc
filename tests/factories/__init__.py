"""Rows for tests, made directly; what a test is about goes through services or HTTP."""
