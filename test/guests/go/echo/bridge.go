package main

import (
	"errors"
	"runtime"
	"unsafe"
)

//go:wasmimport lina_env host_call
func hostCall(opcode uint32, pointer unsafe.Pointer, length uint32) uint64

// Held so that the collector leaves them alone while the host reads and writes them.
var requestBuffer, responseBuffer, replyBuffer []byte

//go:wasmexport lina_dynamic_route_alloc
func allocRequest(length uint32) uint32 {
	requestBuffer = make([]byte, length)
	return addressOf(requestBuffer)
}

//go:wasmexport lina_dynamic_route_execute
func execute(length uint32) uint64 {
	responseBuffer = serve(requestBuffer[:length])
	return uint64(addressOf(responseBuffer))<<32 | uint64(len(responseBuffer))
}

//go:wasmexport lina_host_call_alloc
func allocReply(length uint32) uint32 {
	replyBuffer = make([]byte, length)
	return addressOf(replyBuffer)
}

func callHost(asked []byte) []byte {
	packed := hostCall(1, unsafe.Pointer(unsafe.SliceData(asked)), uint32(len(asked)))
	runtime.KeepAlive(asked)
	if uint32(packed) == 0 {
		return nil
	}
	return replyBuffer[:uint32(packed)]
}

func addressOf(buffer []byte) uint32 {
	return uint32(uintptr(unsafe.Pointer(unsafe.SliceData(buffer))))
}

type request struct {
	requestType string
	query       map[string]string
	body        []byte
}

var errDecode = errors.New("failed to decode bridge request")

// decode reads route.requestType (2.7), the first value of each query parameter (2.9) and request.body (3.13).
func decode(bytes []byte) (*request, error) {
	found := &request{query: map[string]string{}}
	ok := fields(bytes, func(field int, body []byte) bool {
		switch field {
		case 2:
			return fields(body, func(field int, body []byte) bool {
				if field == 7 {
					found.requestType = string(body)
				}
				return field != 9 || found.addQuery(body)
			})
		case 3:
			return fields(body, func(field int, body []byte) bool {
				if field == 13 {
					found.body = body
				}
				return true
			})
		}
		return true
	})
	if !ok {
		return nil, errDecode
	}
	return found, nil
}

func (request *request) addQuery(entry []byte) bool {
	var key string
	var values []string
	ok := fields(entry, func(field int, body []byte) bool {
		if field == 1 {
			key = string(body)
		} else {
			values = append(values, string(body))
		}
		return true
	})
	if len(values) > 0 {
		request.query[key] = values[0]
	}
	return ok
}

// fields gives every length-delimited field of a message and skips numbers, which only the identity has.
func fields(bytes []byte, visit func(field int, body []byte) bool) bool {
	for len(bytes) > 0 {
		tag, size := varint(bytes)
		length, lengthSize := varint(bytes[size:])
		if size == 0 || lengthSize == 0 {
			return false
		}
		bytes = bytes[size+lengthSize:]
		if tag&7 == 0 {
			continue
		}
		if tag&7 != 2 || length > uint64(len(bytes)) || !visit(int(tag>>3), bytes[:length]) {
			return false
		}
		bytes = bytes[length:]
	}
	return true
}

func varint(bytes []byte) (value uint64, size int) {
	for size < len(bytes) && size < 10 {
		value |= uint64(bytes[size]&0x7f) << (7 * size)
		size++
		if bytes[size-1] < 0x80 {
			return value, size
		}
	}
	return 0, 0
}

func answer(status uint64, body []byte) []byte {
	out := appendVarint([]byte{8}, status)
	out = lenField(out, 2, []byte("text/plain; charset=utf-8"))
	if len(body) > 0 {
		out = lenField(out, 4, body)
	}
	return out
}

func lenField(out []byte, field int, body []byte) []byte {
	out = appendVarint(out, uint64(field)<<3|2)
	return append(appendVarint(out, uint64(len(body))), body...)
}

func appendVarint(out []byte, value uint64) []byte {
	for value > 0x7f {
		out = append(out, byte(value)|0x80)
		value >>= 7
	}
	return append(out, byte(value))
}
