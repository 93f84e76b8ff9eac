# SPDX-License-Identifier: GPL-2.0
"""The scenarios, one file per promise or two; importing this package registers them all."""
from . import (r01_registration, r02_address_pairs, r03_failures, r04_way_back,  # noqa: F401
               r05_hands_off, r09_many_phones, r15_media, r18_servers, r21_repeats, r25_routed,
               real_programs)
