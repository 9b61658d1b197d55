package config

import (
	"errors"
	"fmt"
	"net/url"

	"github.com/spf13/pflag"
)

// Git are the settings of connections to Git hosts.
type Git struct {
	// Bases are URLs below which connections may lie, beside the hosts that AWS
	// connects to. Any allows every one.
	Bases []string
	Any   bool
	Max   int // connections of an account in a region
}

func (g *Git) flags(f *pflag.FlagSet) {
	f.StringSliceVar(&g.Bases, "git-base", nil, "URL that connections to Git hosts may begin with, beside github.com, gitlab.com and bitbucket.org, such as https://git.example.com or file:///srv/git (default: any, while listening on a loopback address only; repeatable)")
	f.IntVar(&g.Max, "max-connections", 100, "connections of an account in a region")
}

func (g *Git) validate() error {
	var errs []error
	for _, b := range g.Bases {
		u, err := url.Parse(b)
		if err != nil || u.Scheme == "" || u.Host == "" && u.Scheme != "file" || u.RawQuery != "" {
			errs = append(errs, fmt.Errorf("--git-base must be a URL such as https://git.example.com or file:///srv/git, not %q", b))
		}
	}
	return errors.Join(errs...)
}
