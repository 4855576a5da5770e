package fieldrule

import "net/netip"

// Bits of an address that are kept. Of a 6to4 address, which holds one of IPv4 behind 16
// bits (RFC 3056), as much as of that.
const (
	keptOf4    = 24
	keptOf6    = 48
	keptOf6to4 = 16 + keptOf4
)

var sixToFour = netip.MustParsePrefix("2002::/16")

// truncate returns the network of an address, by its first address: 203.0.113.0 of
// 203.0.113.77. One of IPv4 within IPv6 is one of IPv4. It fails for what is no address.
func truncate(text string) (string, bool) {
	address, err := netip.ParseAddr(text)
	if err != nil {
		return "", false
	}
	address = address.Unmap().WithZone("")
	bits := keptOf6
	switch {
	case address.Is4():
		bits = keptOf4
	case sixToFour.Contains(address):
		bits = keptOf6to4
	}
	return netip.PrefixFrom(address, bits).Masked().Addr().String(), true
}
