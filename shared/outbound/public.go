package outbound

import "net/netip"

// special are the ranges of the IANA's special-purpose address registries that are not
// globally reachable, or that lead to an IPv4 address by way of a translator or tunnel:
// what is behind one of those is not what was checked.
var special = func() (all []netip.Prefix) {
	for _, text := range []string{
		"0.0.0.0/8",        // this network (RFC 791)
		"10.0.0.0/8",       // private (RFC 1918)
		"100.64.0.0/10",    // carrier-grade NAT (RFC 6598); clouds keep metadata there too
		"127.0.0.0/8",      // loopback (RFC 1122)
		"169.254.0.0/16",   // link-local (RFC 3927), metadata of most clouds
		"172.16.0.0/12",    // private (RFC 1918)
		"192.0.0.0/24",     // protocol assignments (RFC 6890)
		"192.0.2.0/24",     // documentation (RFC 5737)
		"192.88.99.0/24",   // 6to4 relays (RFC 7526)
		"192.168.0.0/16",   // private (RFC 1918)
		"198.18.0.0/15",    // benchmarks (RFC 2544)
		"198.51.100.0/24",  // documentation (RFC 5737)
		"203.0.113.0/24",   // documentation (RFC 5737)
		"224.0.0.0/4",      // multicast (RFC 5771)
		"240.0.0.0/4",      // reserved, and broadcast (RFC 1112)
		"168.63.129.16/32", // a cloud's host agent, on a public address
	} {
		all = append(all, netip.MustParsePrefix(text))
	}
	return all
}()

// global is what of IPv6 the registries have given to the internet (RFC 4291).
var global = netip.MustParsePrefix("2000::/3")

// within are the parts of global that lead elsewhere.
var within = []netip.Prefix{
	netip.MustParsePrefix("2001::/23"),     // protocol assignments, Teredo and ORCHID among them (RFC 2928)
	netip.MustParsePrefix("2001:db8::/32"), // documentation (RFC 3849)
	netip.MustParsePrefix("2002::/16"),     // 6to4 (RFC 3056)
	netip.MustParsePrefix("3fff::/20"),     // documentation (RFC 9637)
}

// public reports whether an address is one of the public internet. Everything that is
// not known to be is not: NAT64, unique local and mapped addresses among them.
func public(a netip.Addr) bool {
	ranges := special
	if a.Is6() {
		if !global.Contains(a) {
			return false
		}
		ranges = within
	}
	for _, p := range ranges {
		if p.Contains(a) {
			return false
		}
	}
	return a.IsValid()
}
