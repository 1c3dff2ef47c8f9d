"""Answers what the engine asks the host: calls of tools, calls to intercept, hooks, approvals and questions. It begins in ``server``."""
