package variable_test

import (
	"strings"
	"testing"

	"penstock/internal/core/fault"
	"penstock/internal/core/variable"
)

func TestLimits(t *testing.T) {
	t.Parallel()
	of := func(n int) map[string]string {
		return map[string]string{"k1": strings.Repeat("x", n/2-2), "k2": strings.Repeat("x", n-n/2-2)}
	}
	for _, c := range []struct {
		name  string
		check func(map[string]string) error
		limit int
		code  string
		text  string
	}{
		{"outputs", variable.CheckOutputs, 122880, "OutputVariablesSizeExceededException",
			"The output variables take 122881 bytes which is more than the maximum size (122880)"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			if err := c.check(nil); err != nil {
				t.Errorf("nothing: %v", err)
			}
			if err := c.check(of(c.limit)); err != nil {
				t.Errorf("at the limit: %v", err)
			}
			err, _ := c.check(of(c.limit + 1)).(*fault.Error)
			if err == nil || err.Code != c.code || err.Message != c.text {
				t.Errorf("above the limit: %v", err)
			}
		})
	}
}
