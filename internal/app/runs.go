package app

import "context"

// Runs reports whether the server itself runs actions of a type of AWS's.
func (a *App) Runs(category, provider string) bool {
	for _, w := range a.workers {
		if w.name == category+"/"+provider {
			return true
		}
	}
	return false
}

// LogEnd returns the end of what an action or a rule has printed, at most most
// bytes; "" when it has no log.
func (a *App) LogEnd(ctx context.Context, id string, most int) (string, error) {
	text, offset := "", int64(0)
	for {
		c, err := a.logs.Read(ctx, id, offset, 256<<10, 0)
		if err != nil {
			return text, err
		}
		text += string(c.Content)
		text = text[max(0, len(text)-most):]
		if len(c.Content) == 0 {
			return text, nil
		}
		offset = c.Next
	}
}
