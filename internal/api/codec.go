package api

import (
	"math"
	"slices"
	"strings"
	"time"

	"penstock/internal/core/fault"
)

// Shape is an input or output of an operation, or a part of one: every
// generated structure is, through its pointer.
type Shape interface {
	appendJSON(b []byte) []byte
	decode(d *decoder)
}

// shape is a Shape that is a pointer to T.
type shape[T any] interface {
	*T
	Shape
}

// Encode returns v as it goes over the wire.
func Encode(v Shape) []byte { return v.appendJSON(nil) }

// Decode reads a document that Encode or the service wrote. It checks types
// (SerializationException), no constraints, and ignores unknown members.
func Decode(data []byte, v Shape) error {
	var d decoder
	d.reset(string(data), false)
	if d.document(v); d.err != nil {
		return d.err
	}
	return nil
}

// Parse reads a document as a request is read, with all constraints of the
// model. Its errors are *fault.Error: SerializationException, or
// ValidationException with the answer's text.
func Parse(data []byte, v Shape) error {
	var d decoder
	d.reset(string(data), true)
	if d.document(v); d.err != nil {
		return d.err
	}
	return d.violations()
}

// members records which members of a structure the document held.
type members struct {
	set   uint64 // there and not null
	nulls uint64 // lists and maps of strings with a null inside
}

func (m *members) has(i int) bool { return m.set&(1<<i) != 0 }

func (m *members) put(i int) { m.set |= 1 << i }

func (m *members) drop(i int) {
	m.set &^= 1 << i
	m.nulls &^= 1 << i
}

// Texts of type errors.
const (
	listFound      = "Start of list found where not expected"
	structureFound = "Start of structure or map found where not expected."
	notString      = " cannot be converted to String"
	notInteger     = " can not be converted to an Integer"
	notBoolean     = " can not be converted to an Boolean"
	notTime        = " can not be converted to milliseconds since epoch"
)

// mismatch ends the walk with a type error, unless the document is not even
// JSON further on.
func (d *decoder) mismatch(message string) {
	if d.err == nil {
		d.err = &fault.Error{Code: codeSerialization}
		if wellFormed(d.src) {
			d.err.Message = message
		}
	}
	d.pos = len(d.src)
}

// wrongScalar reports the next value, which is not of the scalar type wanted.
func (d *decoder) wrongScalar(complaint string) {
	switch c := d.peek(); {
	case c == '[':
		d.mismatch(listFound)
	case c == '{':
		d.mismatch(structureFound)
	case c == '"':
		d.mismatch("STRING_VALUE" + complaint)
	case c == 't':
		d.mismatch("TRUE_VALUE" + complaint)
	case c == 'f':
		d.mismatch("FALSE_VALUE" + complaint)
	default:
		d.mismatch("NUMBER_VALUE" + complaint)
	}
}

// structure enters an object.
func (d *decoder) structure() bool {
	switch d.peek() {
	case '{':
		return d.open()
	case '[':
		d.mismatch(listFound)
	default:
		d.mismatch("Expected null")
	}
	return false
}

// list enters an array.
func (d *decoder) list() bool {
	switch d.peek() {
	case '[':
		return d.open()
	case '{':
		d.mismatch(structureFound)
	default:
		d.mismatch("Expected list or null")
	}
	return false
}

// mapping enters an object that is a map.
func (d *decoder) mapping() bool {
	switch d.peek() {
	case '{':
		return d.open()
	case '[':
		d.mismatch(listFound)
	default:
		d.mismatch("Expected map or null")
	}
	return false
}

// text reads a string member; null is absent.
func (d *decoder) text(p *string, m *members, i int) {
	m.drop(i)
	*p = ""
	if d.null() {
		return
	}
	*p = d.textValue()
	m.put(i)
}

func (d *decoder) textValue() string {
	if d.peek() != '"' {
		d.wrongScalar(notString)
		return ""
	}
	return d.str()
}

// number returns the text of the number that is next.
func (d *decoder) number(complaint string) string {
	if c := d.peek(); c != '-' && (c < '0' || c > '9') {
		d.wrongScalar(complaint)
		return "0"
	}
	return d.numberText()
}

// integer reads an integer: decimals are cut off, too large ones clamped to
// 32 bits.
func (d *decoder) integer(p *int, m *members, i int) {
	m.drop(i)
	*p = 0
	if d.null() {
		return
	}
	*p = int(min(max(scaled(d.number(notInteger), 0), math.MinInt32), math.MaxInt32))
	m.put(i)
}

func (d *decoder) optionalInteger(p **int, m *members, i int) {
	var n int
	*p = nil
	if d.integer(&n, m, i); m.has(i) {
		*p = new(n)
	}
}

// boolean reads true, false or one of the strings the service takes for them.
func (d *decoder) boolean(p *bool, m *members, i int) {
	m.drop(i)
	*p = false
	switch d.peek() {
	case 'n':
		d.literal("null")
		return
	case 't':
		d.literal("true")
		*p = true
	case 'f':
		d.literal("false")
	case '"':
		switch s := d.str(); s {
		case "true", "1", "yes":
			*p = true
		case "false", "0", "no":
		default:
			d.mismatch("'" + s + "'" + notBoolean)
		}
	default:
		d.wrongScalar(notBoolean)
	}
	m.put(i)
}

func (d *decoder) optionalBoolean(p **bool, m *members, i int) {
	var v bool
	*p = nil
	if d.boolean(&v, m, i); m.has(i) {
		*p = new(v)
	}
}

// The years that encoding/json writes, and so the store: 0 to 9999.
const (
	minMillis = -62167219200000
	maxMillis = 253402300799999
)

// time reads seconds since the epoch, down to milliseconds.
func (d *decoder) time(p *time.Time, m *members, i int) {
	m.drop(i)
	*p = time.Time{}
	if d.null() {
		return
	}
	*p = time.UnixMilli(min(max(scaled(d.number(notTime), 3), minMillis), maxMillis)).UTC()
	m.put(i)
}

// scaled returns the number times 10^places, cut off at the decimal point. What
// does not fit saturates.
func scaled(number string, places int) int64 {
	digits, negative := strings.CutPrefix(number, "-")
	exponent := 0
	if e := strings.IndexAny(digits, "eE"); e >= 0 {
		exponent = smallInteger(digits[e+1:])
		digits = digits[:e]
	}
	whole, fraction, _ := strings.Cut(digits, ".")
	var n int64
	for i := range len(whole) + exponent + places {
		var digit byte
		switch {
		case i < len(whole):
			digit = whole[i] - '0'
		case i-len(whole) < len(fraction):
			digit = fraction[i-len(whole)] - '0'
		case n == 0: // nothing but zeros: an exponent cannot change that
			return 0
		}
		if n >= math.MaxInt64/10 {
			break
		}
		n = n*10 + int64(digit)
	}
	if negative {
		return -n
	}
	return n
}

// smallInteger reads an exponent, clamped to what no document of ours exceeds.
func smallInteger(s string) int {
	const limit = 1 << 28
	digits := strings.TrimLeft(s, "+-")
	n := 0
	for _, c := range []byte(digits) {
		n = min(n*10+int(c-'0'), limit)
	}
	if s[0] == '-' {
		return -n
	}
	return n
}

// texts reads a list of strings.
func (d *decoder) texts(p *[]string, m *members, i int) {
	m.drop(i)
	*p = nil
	if d.null() || !d.list() {
		return
	}
	list := []string{}
	for d.nextElement() {
		if d.null() {
			m.nulls |= 1 << i
			list = append(list, "")
			continue
		}
		list = append(list, d.textValue())
	}
	*p = list
	m.put(i)
}

// textMap reads a map of strings; of equal keys the last wins.
func (d *decoder) textMap(p *map[string]string, m *members, i int) {
	m.drop(i)
	*p = nil
	if d.null() || !d.mapping() {
		return
	}
	texts := map[string]string{}
	var nulls []string
	for d.nextMember() {
		key := d.name
		if nulls != nil {
			nulls = slices.DeleteFunc(nulls, func(k string) bool { return k == key })
		}
		if d.null() {
			nulls = append(nulls, key)
			texts[key] = ""
			continue
		}
		texts[key] = d.textValue()
	}
	if len(nulls) > 0 {
		m.nulls |= 1 << i
	}
	*p = texts
	m.put(i)
}

// decodeStructs reads a list of structures and reports its size when that is
// out of bounds.
func decodeStructs[T any, P shape[T]](d *decoder, least, most int) []T {
	if !d.list() {
		return nil
	}
	list := []T{}
	n := 0
	d.push(step{kind: elementStep})
	for ; d.nextElement(); n++ {
		d.path[len(d.path)-1].index = n + 1
		if d.flooded { // the request is refused anyway: do not hold its elements
			clear(list)
			list = list[:0]
		}
		var zero T
		list = append(list, zero)
		if d.null() {
			d.reportNull()
			continue
		}
		P(&list[len(list)-1]).decode(d)
	}
	d.leave()
	if clause := sizeClause(n, least, most); clause != "" {
		d.report("Value", clause)
	}
	return list
}

// decodeStructMap reads a map of structures; of equal keys the last wins.
func decodeStructMap[T any, P shape[T]](d *decoder) map[string]T {
	if !d.mapping() {
		return nil
	}
	structs := map[string]T{}
	places := map[string]int{}
	for d.nextMember() {
		key := d.name
		place, again := places[key]
		if !again {
			place = len(places)
			places[key] = place
		}
		d.push(step{kind: keyStep, name: key, index: place})
		if again {
			d.forget()
		}
		value := new(T)
		if d.null() {
			d.reportNull()
		} else {
			P(value).decode(d)
		}
		structs[key] = *value
		d.leave()
	}
	return structs
}
