package pipeline

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
	key := head(pipelineName, keyPipelineChars) + "/" + head(artifactName, keyArtifactChars) + "/" + random
	if zip {
		key += ".zip"
	}
	return key
}

// head cuts a name, which is ASCII by its pattern, to n characters.
func head(name string, n int) string {
	return name[:min(n, len(name))]
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
