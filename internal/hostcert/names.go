// Package hostcert makes the certificates with which a server answers under
// the host names of AWS, for clients that cannot be told an endpoint: a
// certificate authority of the user's own, valid for those names alone, and
// server certificates signed by it.
package hostcert

import (
	"fmt"
	"net"
	"regexp"
	"slices"
	"strings"
)

var (
	regionPattern = regexp.MustCompile(`^[a-z]{2}(-[a-z]+)+-[0-9]{1,2}$`)
	hostPattern   = regexp.MustCompile(`^(\*\.)?([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)*[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$`)
)

// suffix is the domain of the endpoints of a region.
func suffix(region string) string {
	if strings.HasPrefix(region, "cn-") {
		return "amazonaws.com.cn"
	}
	return "amazonaws.com"
}

// Services are the host names under which a client without an endpoint looks
// for the services that Penstock is in a region.
func Services(region string) []string {
	s := suffix(region)
	names := []string{
		"codepipeline." + region + "." + s,
		"events." + region + "." + s,
		"s3." + region + "." + s,
		"s3.dualstack." + region + "." + s,
		"sts." + region + "." + s,
	}
	if s == "amazonaws.com" { // where older clients look, whatever their region
		names = append(names, "s3."+s, "sts."+s)
	}
	return names
}

// Names are what a certificate for the regions and for hosts beside them must
// carry: services, and every bucket of S3. Hosts may be IP addresses.
func Names(regions, hosts []string) ([]string, error) {
	if len(regions)+len(hosts) == 0 {
		return nil, fmt.Errorf("name at least one region or host")
	}
	var names []string
	for _, region := range regions {
		if !regionPattern.MatchString(region) {
			return nil, fmt.Errorf("%q is not the name of a region, such as eu-west-1", region)
		}
		for _, name := range Services(region) {
			names = append(names, name)
			if strings.HasPrefix(name, "s3.") {
				names = append(names, "*."+name)
			}
		}
	}
	for _, host := range hosts {
		host = strings.ToLower(strings.TrimSuffix(host, "."))
		if net.ParseIP(host) == nil && (len(host) > 253 || !hostPattern.MatchString(host)) {
			return nil, fmt.Errorf("%q is not a host name or an IP address", host)
		}
		names = append(names, host)
	}
	slices.Sort(names)
	return slices.Compact(names), nil
}

// HostsLines are lines for a hosts file that send clients in the regions to
// the address: hosts files know no wildcards, so S3 is reached there by path
// style addressing, or by a line for each bucket.
func HostsLines(address string, regions, buckets []string) string {
	var b strings.Builder
	seen := map[string]bool{}
	line := func(name string) {
		if !seen[name] {
			seen[name] = true
			fmt.Fprintf(&b, "%s %s\n", address, name)
		}
	}
	for _, region := range regions {
		for _, name := range Services(region) {
			line(name)
		}
		for _, bucket := range buckets {
			line(bucket + ".s3." + region + "." + suffix(region))
		}
	}
	return b.String()
}
