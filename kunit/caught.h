/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Faults on purpose: see caught.c.
 */
#ifndef SIP_EXT_KUNIT_CAUGHT_H
#define SIP_EXT_KUNIT_CAUGHT_H

#ifdef __cplusplus
extern "C" {
#endif

/* A byte of another's memory: place is outside of what room points to. */
unsigned char sipx_caught_cxx_read(const unsigned char *room, unsigned int place);
void sipx_caught_cxx_write(unsigned char *room, unsigned int place);
unsigned char sipx_caught_cxx_stack(unsigned int place);
unsigned char sipx_caught_cxx_global(unsigned int place);
unsigned int sipx_caught_cxx_index(unsigned int place);
unsigned int sipx_caught_cxx_shift(unsigned int by);

#ifdef __cplusplus
}
#endif
#endif
