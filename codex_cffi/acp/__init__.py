"""The agent for editors: Zed, JetBrains, Neovim, Emacs, toad and others that speak the Agent Client Protocol (https://agentclientprotocol.com).

``codex-cffi acp`` serves it on standard input and output; a program of its own does with :func:`serve`. What is in the process is in the editor: the project's
Python tools, interceptors and hooks. Needs the extra ``acp``.
"""

from ._agent import EditorAgent
from ._serving import serve

__all__ = ["EditorAgent", "serve"]
