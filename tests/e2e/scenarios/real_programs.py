# SPDX-License-Identifier: GPL-2.0
"""The same promises with programs that others wrote: SIPp, Kamailio, baresip."""
