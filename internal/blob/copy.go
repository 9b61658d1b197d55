package blob

// Apply returns the attributes of a copy from those of its source.
func (o *CopyOptions) Apply(source Attributes) Attributes {
	result := source
	if o.Replace != nil {
		result = *o.Replace
		result.Tags = source.Tags
	}
	if o.Encryption.Algorithm != "" {
		result.Encryption = o.Encryption
	}
	if o.Tags != nil {
		result.Tags = *o.Tags
	}
	return result
}
