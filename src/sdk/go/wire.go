package lina

import (
	"errors"
	"sort"
	"strings"
)

// Writer writes the wire format: fields in protobuf encoding. Empty values are left out.
type Writer struct{ Bytes []byte }

func (w *Writer) varint(value uint64) {
	for value > 0x7f {
		w.Bytes = append(w.Bytes, byte(value)|0x80)
		value >>= 7
	}
	w.Bytes = append(w.Bytes, byte(value))
}

// Int writes a number; a negative one takes ten bytes.
func (w *Writer) Int(field int, value int64) {
	if value != 0 {
		w.varint(uint64(field) << 3)
		w.varint(uint64(value))
	}
}

// Bool writes a truth value.
func (w *Writer) Bool(field int, value bool) {
	if value {
		w.Int(field, 1)
	}
}

// Trimmed writes a text without white space at its ends.
func (w *Writer) Trimmed(field int, text string) { w.Text(field, strings.TrimSpace(text)) }

// Text writes a text as it is.
func (w *Writer) Text(field int, text string) {
	if text != "" {
		w.Message(field, []byte(text))
	}
}

// Blob writes bytes.
func (w *Writer) Blob(field int, blob []byte) {
	if len(blob) > 0 {
		w.Message(field, blob)
	}
}

// Message writes a nested message, even an empty one.
func (w *Writer) Message(field int, body []byte) {
	w.varint(uint64(field)<<3 | 2)
	w.varint(uint64(len(body)))
	w.Bytes = append(w.Bytes, body...)
}

// Texts writes a map of texts, sorted by key.
func (w *Writer) Texts(field int, texts map[string]string) {
	lists := map[string][]string{}
	for key, value := range texts {
		lists[key] = []string{value}
	}
	w.Lists(field, lists)
}

// Lists writes a map of lists, sorted by key.
func (w *Writer) Lists(field int, lists map[string][]string) {
	for _, key := range sortedKeys(lists) {
		entry := Writer{}
		entry.Message(1, []byte(strings.TrimSpace(key)))
		for _, value := range lists[key] {
			entry.Message(2, []byte(strings.TrimSpace(value)))
		}
		w.Message(field, entry.Bytes)
	}
}

func sortedKeys[Value any](values map[string]Value) []string {
	keys := make([]string, 0, len(values))
	for key := range values {
		keys = append(keys, key)
	}
	sort.Strings(keys)
	return keys
}

// Reader reads the wire format. Fields are told apart by number; the wire type of a known field is not looked at.
type Reader struct {
	Err      error
	Field    int
	wireType int
	rest     []byte
	message  string
}

// NewReader reads bytes; message is the name that errors carry.
func NewReader(bytes []byte, message string) *Reader { return &Reader{rest: bytes, message: message} }

// Next moves to the next field; false at the end and after an error.
func (r *Reader) Next() bool {
	if r.Err != nil || len(r.rest) == 0 {
		return false
	}
	if !r.tag() {
		r.fail("failed to decode " + r.message + " tag")
		return false
	}
	return true
}

func (r *Reader) Blob(name string) []byte {
	if blob, ok := r.chunk(); ok {
		return blob
	}
	r.fail("failed to decode " + r.message + " " + name)
	return nil
}

func (r *Reader) Text(name string) string { return string(r.Blob(name)) }

func (r *Reader) Uint(name string) uint64 {
	value, ok := r.varint()
	if !ok {
		r.fail("failed to decode " + r.message + " " + name)
	}
	return value
}

func (r *Reader) Int32(name string) int32 { return int32(r.Uint(name)) }

func (r *Reader) Bool(name string) bool { return r.Uint(name) > 0 }

// Entry reads one entry of a map: its key and its values. An entry with a blank key is none.
func (r *Reader) Entry(name, message string) (string, []string, bool) {
	entry := NewReader(r.Blob(name), message)
	key, values := "", []string{}
	for entry.Next() {
		switch entry.Field {
		case 1:
			key = entry.Text("key")
		case 2:
			values = append(values, entry.Text("value"))
		default:
			entry.Skip()
		}
	}
	r.adopt(entry)
	return key, values, r.Err == nil && strings.TrimSpace(key) != ""
}

// Skip steps over a field that nobody knows.
func (r *Reader) Skip() {
	if !r.skip(r.wireType, r.Field, 0) {
		r.fail("failed to skip unknown " + r.message + " field")
	}
}

func (r *Reader) adopt(nested *Reader) {
	if r.Err == nil {
		r.Err = nested.Err
	}
}

func (r *Reader) fail(problem string) {
	if r.Err == nil {
		r.Err = errors.New(problem)
	}
	r.rest = nil
}

func (r *Reader) tag() bool {
	tag, ok := r.varint()
	if !ok || tag>>3 == 0 || tag>>3 > 0x1fffffff {
		return false
	}
	r.Field, r.wireType = int(tag>>3), int(tag&7)
	return true
}

func (r *Reader) varint() (uint64, bool) {
	var value uint64
	for i := 0; i < 10 && i < len(r.rest); i++ {
		b := r.rest[i]
		if i == 9 && b > 1 {
			break
		}
		value |= uint64(b&0x7f) << (7 * i)
		if b < 0x80 {
			r.rest = r.rest[i+1:]
			return value, true
		}
	}
	return 0, false
}

func (r *Reader) chunk() ([]byte, bool) {
	length, ok := r.varint()
	if !ok || length > uint64(len(r.rest)) {
		return nil, false
	}
	chunk := r.rest[:length:length]
	r.rest = r.rest[length:]
	return chunk, true
}

func (r *Reader) skip(wireType, field, depth int) bool {
	switch wireType {
	case 0:
		_, ok := r.varint()
		return ok
	case 1:
		return r.advance(8)
	case 2:
		_, ok := r.chunk()
		return ok
	case 3:
		return depth < 100 && r.skipGroup(field, depth+1)
	case 5:
		return r.advance(4)
	}
	return false
}

func (r *Reader) skipGroup(field, depth int) bool {
	for r.tag() {
		if r.wireType == 4 {
			return r.Field == field
		}
		if !r.skip(r.wireType, r.Field, depth) {
			return false
		}
	}
	return false
}

func (r *Reader) advance(size int) bool {
	if len(r.rest) < size {
		return false
	}
	r.rest = r.rest[size:]
	return true
}
