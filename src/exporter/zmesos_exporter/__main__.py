"""python3 -m zmesos_exporter."""

import sys

from .main import main

sys.exit(main())
