# SPDX-License-Identifier: GPL-2.0
#: make tool_install [DESTDIR=...] [PREFIX=/usr/local]   sip-ext, the administrator's command
#: make tool_uninstall

# It lies in a folder as in the source, and sbin has a link: it looks for its parts, and for
# what the counters mean, beside itself.
PREFIX ?= /usr/local
tool-folder = $(DESTDIR)$(PREFIX)/share/sip-ext
tool-link = $(DESTDIR)$(PREFIX)/sbin/sip-ext

.PHONY: tool_install tool_uninstall
tool_install:
	install -d $(tool-folder)/scripts/sip-ext.d $(tool-folder)/kernel $(dir $(tool-link))
	install -m 755 $(ROOT)/scripts/sip-ext $(tool-folder)/scripts/
	install -m 644 $(ROOT)/scripts/sip-ext.d/*.awk $(tool-folder)/scripts/sip-ext.d/
	install -m 644 $(ROOT)/kernel/reasons.h $(tool-folder)/kernel/
	install -m 644 $(ROOT)/dkms.conf $(tool-folder)/
	ln -sfn ../share/sip-ext/scripts/sip-ext $(tool-link)

tool_uninstall:
	rm -rf $(tool-folder) $(tool-link)
