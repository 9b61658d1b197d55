package app

import (
	"net/http"

	"penstock/internal/connection"
	"penstock/internal/service"
	"penstock/internal/sourcehost"
	"penstock/internal/webhook"
)

// webhooks returns what the operations of webhooks need, and the receivers of
// deliveries.
func (a *App) webhooks(starter *connection.Starter) (service.WebhookOptions, http.Handler, error) {
	cfg := a.cfg.Webhook
	host, err := sourcehost.New(cfg.GitHubAPIURL, nil)
	if err != nil {
		return service.WebhookOptions{}, nil, err
	}
	proxies, err := cfg.Proxies()
	if err != nil {
		return service.WebhookOptions{}, nil, err
	}
	opt := service.WebhookOptions{BaseURL: a.publicURL, RevealSecrets: cfg.RevealSecret, Max: cfg.Max, Host: host}
	deliveries := webhook.Options{Store: a.store, Logger: a.log, TrustedProxies: proxies}
	receivers := http.NewServeMux()
	receivers.Handle("/", a.metrics.Deliveries("webhook", webhook.NewReceiver(deliveries)))
	receivers.Handle(webhook.ConnectionPath, a.metrics.Deliveries("connection", webhook.NewConnectionReceiver(deliveries, starter)))
	return opt, receivers, nil
}

// publicURL is where senders of webhooks reach the server, as far as it knows.
func (a *App) publicURL() string {
	if a.cfg.Webhook.PublicURL != "" {
		return a.cfg.Webhook.PublicURL
	}
	return a.URL()
}
