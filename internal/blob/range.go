package blob

// Range is a part of an object's bytes.
type Range struct {
	// Offset is the first byte; a negative Offset counts from the end, and
	// Length is then not used.
	Offset int64
	// Length is the number of bytes; negative means up to the end.
	Length int64
}

// Resolve returns the first byte and the number of bytes that r selects of
// size bytes. ok is false when r selects none: S3's InvalidRange.
func (r Range) Resolve(size int64) (offset, length int64, ok bool) {
	if r.Offset < 0 {
		offset = max(0, size+r.Offset)
		return offset, size - offset, size > 0
	}
	if r.Offset >= size || r.Length == 0 {
		return 0, 0, false
	}
	length = size - r.Offset
	if r.Length > 0 {
		length = min(length, r.Length)
	}
	return r.Offset, length, true
}

// Window applies the conditions to info and returns the bytes that a read
// with these options yields: those of Part, of Range, or all.
func (o *GetOptions) Window(info *Info) (offset, length int64, err error) {
	if err := o.If.ForRead(info); err != nil {
		return 0, 0, err
	}
	switch {
	case o.Part > 0:
		sizes := info.Parts
		if sizes == nil {
			sizes = []int64{info.Size}
		}
		if o.Part > len(sizes) {
			return 0, 0, Errorf(InvalidPartNumber, info.Bucket, info.Key, "The requested partnumber is not satisfiable")
		}
		for _, size := range sizes[:o.Part-1] {
			offset += size
		}
		return offset, sizes[o.Part-1], nil
	case o.Range != nil:
		offset, length, ok := o.Range.Resolve(info.Size)
		if !ok {
			return 0, 0, Errorf(InvalidRange, info.Bucket, info.Key, "The requested range is not satisfiable")
		}
		return offset, length, nil
	}
	return 0, info.Size, nil
}
