package variable

import "penstock/internal/core/fault"

// Limits of the service (CodePipeline quotas page), in bytes.
const (
	// MaxOutputBytes bounds the output variables of one action, names and
	// values together.
	MaxOutputBytes = 122_880
	// MaxResolvedBytes bounds the configuration of one action after its
	// references are replaced, keys and values together; here also its
	// commands and environment variables, these together.
	MaxResolvedBytes = 100 * 1024
)

// CheckOutputs refuses output variables that exceed MaxOutputBytes with
// OutputVariablesSizeExceededException (PutJobSuccessResult).
func CheckOutputs(variables map[string]string) error {
	if n := size(variables); n > MaxOutputBytes {
		return fault.New("OutputVariablesSizeExceededException",
			"The output variables take %d bytes which is more than the maximum size (%d)", n, MaxOutputBytes)
	}
	return nil
}

func size(m map[string]string) int {
	n := 0
	for k, v := range m {
		n += len(k) + len(v)
	}
	return n
}
