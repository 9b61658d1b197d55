package app

// Runs reports whether the server itself runs actions of a type of AWS's.
func (a *App) Runs(category, provider string) bool {
	for _, w := range a.workers {
		if w.name == category+"/"+provider {
			return true
		}
	}
	return false
}
