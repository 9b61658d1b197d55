package auth

import (
	"bufio"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// LoadOrCreateCredentials returns the root access key in the file
// DATA/credentials. When there is none it makes one and writes it there in the
// format of AWS's shared credentials file, so that AWS_SHARED_CREDENTIALS_FILE
// can point to it; created tells that.
func LoadOrCreateCredentials(dataDir string) (id string, secret Secret, created bool, err error) {
	name := filepath.Join(dataDir, "credentials")
	text, err := os.ReadFile(name)
	if errors.Is(err, os.ErrNotExist) {
		id, secret = NewAccessKey()
		content := fmt.Sprintf("[default]\naws_access_key_id = %s\naws_secret_access_key = %s\n", id, string(secret))
		text, err = createFile(name, []byte(content))
		created = err == nil && string(text) == content
	}
	if err != nil {
		return "", "", false, fmt.Errorf("root credentials: %w", err)
	}
	id, secret = parseCredentials(string(text))
	if id == "" || secret == "" {
		return "", "", false, fmt.Errorf("%s: the profile [default] lacks aws_access_key_id or aws_secret_access_key", name)
	}
	return id, secret, created, nil
}

func parseCredentials(text string) (id string, secret Secret) {
	profile := ""
	for lines := bufio.NewScanner(strings.NewReader(text)); lines.Scan(); {
		line := strings.TrimSpace(lines.Text())
		if strings.HasPrefix(line, "[") {
			profile = strings.TrimSpace(strings.Trim(line, "[]"))
			continue
		}
		name, value, ok := strings.Cut(line, "=")
		if profile != "default" || !ok {
			continue
		}
		switch strings.TrimSpace(name) {
		case "aws_access_key_id":
			id = strings.TrimSpace(value)
		case "aws_secret_access_key":
			secret = Secret(strings.TrimSpace(value))
		}
	}
	return id, secret
}
