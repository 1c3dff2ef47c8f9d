"""``python -m codex_cffi.cli``."""

import sys

from . import main

sys.exit(main())
