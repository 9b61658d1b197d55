package rule

import "time"

// Zones finds a time zone of the IANA database by its name.
type Zones func(name string) (*time.Location, error)

// Check says what is wrong with the value of a configuration key, as far as
// that can be said before the rule runs; nil is nothing. The value of MATCHES is
// not looked at: what Java's expressions can and Go's cannot say is no mistake
// of the declaration.
func Check(provider, key, value string, zone Zones) (err error) {
	switch provider + "." + key {
	case "VariableCheck.Operator":
		err = checkOperator(value)
	case "DeploymentWindow.Cron":
		_, err = ParseWindow(value)
	case "DeploymentWindow.TimeZone":
		_, err = location(value, zone)
	case "CloudWatchAlarm.AlarmStates":
		_, err = watchedStates(value)
	case "CloudWatchAlarm.WaitTime":
		_, err = watchTime(value)
	}
	return err
}
