/* host.c - what this machine is called and where it can be reached */

#include "signaling/host.h"

#include <arpa/inet.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <string.h>
#include <unistd.h>

static void add(struct host *h, int family, const void *address)
{
	char *text = h->texts[h->len];

	if (h->len < HOST_ADDRESSES &&
	    inet_ntop(family, address, text, sizeof(h->texts[0])))
		h->addresses[h->len++] = text;
}

static bool is_up(const struct ifaddrs *i)
{
	return i->ifa_addr && (i->ifa_flags & IFF_UP) &&
	       !(i->ifa_flags & IFF_LOOPBACK);
}

static void add_v4(struct host *h, const struct ifaddrs *i)
{
	struct sockaddr_in a;

	if (!is_up(i) || i->ifa_addr->sa_family != AF_INET)
		return;
	memcpy(&a, i->ifa_addr, sizeof(a));
	/* 169.254.0.0/16, RFC 3927 */
	if (ntohl(a.sin_addr.s_addr) >> 16 != 0xa9fe)
		add(h, AF_INET, &a.sin_addr);
}

static void add_v6(struct host *h, const struct ifaddrs *i)
{
	struct sockaddr_in6 a;

	if (!is_up(i) || i->ifa_addr->sa_family != AF_INET6)
		return;
	memcpy(&a, i->ifa_addr, sizeof(a));
	if (!IN6_IS_ADDR_LINKLOCAL(&a.sin6_addr))
		add(h, AF_INET6, &a.sin6_addr);
}

void host_read(struct host *h)
{
	struct ifaddrs *list = NULL;

	*h = (struct host){ .len = 0 };
	if (gethostname(h->name, sizeof(h->name) - 1))
		h->name[0] = '\0';
	if (getifaddrs(&list))
		return;
	for (const struct ifaddrs *i = list; i; i = i->ifa_next)
		add_v4(h, i);
	for (const struct ifaddrs *i = list; i; i = i->ifa_next)
		add_v6(h, i);
	freeifaddrs(list);
}
