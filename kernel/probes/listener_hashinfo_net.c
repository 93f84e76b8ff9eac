// SPDX-License-Identifier: GPL-2.0
// Listening sockets are looked up in the table of a namespace.
#include <net/inet_hashtables.h>
#include <net/tcp.h>

struct sock *probe(struct net *net);
struct sock *probe(struct net *net)
{
	return __inet_lookup_listener(net, net->ipv4.tcp_death_row.hashinfo, NULL, 0, 0, 0, 0, 0, 0, 0);
}
