package s3deploy

import (
	"path"
	"strings"
)

// contentTypes are the types that objects get by the extension of their names:
// a table of our own, because the system's differs from machine to machine.
var contentTypes = map[string]string{
	"html": "text/html", "htm": "text/html", "shtml": "text/html",
	"css": "text/css", "txt": "text/plain", "log": "text/plain", "csv": "text/csv", "md": "text/markdown",
	"xml": "text/xml", "rss": "application/rss+xml", "atom": "application/atom+xml", "xhtml": "application/xhtml+xml",
	"js": "text/javascript", "mjs": "text/javascript", "json": "application/json", "map": "application/json",
	"jsonld": "application/ld+json", "webmanifest": "application/manifest+json", "wasm": "application/wasm",
	"yaml": "application/yaml", "yml": "application/yaml", "ics": "text/calendar", "vtt": "text/vtt",
	"gif": "image/gif", "jpg": "image/jpeg", "jpeg": "image/jpeg", "png": "image/png", "svg": "image/svg+xml",
	"svgz": "image/svg+xml", "webp": "image/webp", "avif": "image/avif", "ico": "image/x-icon", "bmp": "image/bmp",
	"tif": "image/tiff", "tiff": "image/tiff",
	"woff": "font/woff", "woff2": "font/woff2", "ttf": "font/ttf", "otf": "font/otf", "eot": "application/vnd.ms-fontobject",
	"mp3": "audio/mpeg", "ogg": "audio/ogg", "wav": "audio/wav", "m4a": "audio/mp4", "flac": "audio/flac",
	"mp4": "video/mp4", "webm": "video/webm", "mov": "video/quicktime", "mpeg": "video/mpeg", "avi": "video/x-msvideo",
	"pdf": "application/pdf", "rtf": "application/rtf", "zip": "application/zip", "gz": "application/gzip",
	"tgz": "application/gzip", "tar": "application/x-tar", "7z": "application/x-7z-compressed", "rar": "application/vnd.rar",
	"jar": "application/java-archive", "war": "application/java-archive", "rpm": "application/x-rpm",
	"doc": "application/msword", "xls": "application/vnd.ms-excel", "ppt": "application/vnd.ms-powerpoint",
	"docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
	"xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
	"pptx": "application/vnd.openxmlformats-officedocument.presentationml.presentation",
}

// contentType guesses by the file's name.
func contentType(name string) string {
	ext := strings.TrimPrefix(strings.ToLower(path.Ext(name)), ".")
	if t, ok := contentTypes[ext]; ok {
		return t
	}
	return "application/octet-stream"
}
