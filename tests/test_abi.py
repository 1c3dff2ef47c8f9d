"""What the header promises, held against the library by a C program (`c/abi.c`), one case per process."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from codex_cffi.testing import (
    ScriptedModel,
    apply_patch,
    function_call,
    shell,
    stall,
    text,
)

HERE = Path(__file__).parent
HEADER = HERE.parent / "csrc" / "codex_capi.h"
