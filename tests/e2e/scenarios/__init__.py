# SPDX-License-Identifier: GPL-2.0
"""The scenarios, one file per promise or two; importing this package registers them all."""
import importlib
import pkgutil

for found in pkgutil.iter_modules(__path__):
    importlib.import_module(f"{__name__}.{found.name}")
