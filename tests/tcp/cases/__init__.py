# SPDX-License-Identifier: GPL-2.0
"""The cases; to import them is to list them."""
import importlib
import pkgutil

for module in pkgutil.iter_modules(__path__):
    importlib.import_module(f"{__name__}.{module.name}")
