"""Every test runs in a home of its own, sees no setting of the machine and no network beyond loopback."""

from __future__ import annotations

import os
import tempfile

for _name in [name for name in os.environ if name.startswith("CAIFENG_") and not name.startswith("CAIFENG_TEST_")]:
    if _name != "CAIFENG_DATA":
        del os.environ[_name]
_HOME = tempfile.TemporaryDirectory(prefix="caifeng-test-")
os.environ["CAIFENG_HOME"] = _HOME.name
