"""Kubernetes RBAC: objects, rules, and what is dangerous about them."""
