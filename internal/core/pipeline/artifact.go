package pipeline

import (
	"maps"
	"slices"
)

// Lengths to which ArtifactKey cuts names. They keep the session policies of
// job workers short; the random part alone makes a key unique.
const (
	keyPipelineChars = 20
	keyArtifactChars = 10
)

// ArtifactKey returns the object key of a new artifact: three segments, the
// heads of both names and a random part that the caller makes of 7 letters or
// digits, with ".zip" appended for artifacts that source actions produce, but for
// those of connections.
func ArtifactKey(pipelineName, artifactName, random string, zip bool) string {
	key := ArtifactFolder(pipelineName) + head(artifactName, keyArtifactChars) + "/" + random
	if zip {
		key += ".zip"
	}
	return key
}

// ArtifactFolder is what the keys of a pipeline's artifacts begin with; pipelines
// with long names may share it.
func ArtifactFolder(pipelineName string) string { return head(pipelineName, keyPipelineChars) + "/" }

// head cuts a name, which is ASCII by its pattern, to n characters.
func head(name string, n int) string {
	return name[:min(n, len(name))]
}

// Stores are all artifact stores of a pipeline.
func Stores(d *Declaration) []ArtifactStore {
	if d.ArtifactStore != nil {
		return []ArtifactStore{*d.ArtifactStore}
	}
	return slices.Collect(maps.Values(d.ArtifactStores))
}

// StoreFor returns the artifact store that actions of a region use. A single
// artifactStore serves whatever region is asked for: Validate admits it only
// when all actions stand in the pipeline's own region.
func StoreFor(d *Declaration, region string) (ArtifactStore, bool) {
	if d.ArtifactStore != nil {
		return *d.ArtifactStore, true
	}
	store, ok := d.ArtifactStores[region]
	return store, ok
}
