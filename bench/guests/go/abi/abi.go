// Package abi speaks the bridge's bytes by hand, with nothing but the runtime, so that a guest stays as small as Go allows.
package abi

import (
	"runtime"
	"unsafe"
)

// Request is what the bench guests use of a request envelope.
type Request struct {
	Type string
	// Calls is the number of host calls that `?calls=N` asks for.
	Calls int
	Body  []byte
}

// Serve answers a request with a body; set by the guest's main package.
var Serve func(*Request) []byte

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
	responseBuffer = answer(Serve(decode(requestBuffer[:length])))
	return uint64(addressOf(responseBuffer))<<32 | uint64(len(responseBuffer))
}

//go:wasmexport lina_host_call_alloc
func allocReply(length uint32) uint32 {
	replyBuffer = make([]byte, length)
	return addressOf(replyBuffer)
}

// CallHost sends a host-call request and gives the response.
func CallHost(asked []byte) []byte {
	packed := hostCall(1, unsafe.Pointer(unsafe.SliceData(asked)), uint32(len(asked)))
	runtime.KeepAlive(asked)
	if uint32(packed) == 0 {
		return nil
	}
	return replyBuffer[:uint32(packed)]
}

// Echo answers the body after as many host calls of runtime info.uuid as the request asks for.
func Echo(request *Request) []byte {
	for range request.Calls {
		CallHost(lenField(lenField(nil, 1, []byte("runtime")), 2, []byte("info.uuid")))
	}
	return request.Body
}

func addressOf(buffer []byte) uint32 {
	return uint32(uintptr(unsafe.Pointer(unsafe.SliceData(buffer))))
}

// decode reads route.requestType (2.7), the query (2.9) and request.body (3.13).
func decode(bytes []byte) *Request {
	request := &Request{}
	fields(bytes, func(field int, body []byte) {
		switch field {
		case 2:
			fields(body, func(field int, body []byte) {
				if field == 7 {
					request.Type = string(body)
				} else if field == 9 {
					request.addQuery(body)
				}
			})
		case 3:
			fields(body, func(field int, body []byte) {
				if field == 13 {
					request.Body = body
				}
			})
		}
	})
	return request
}

func (request *Request) addQuery(entry []byte) {
	var key string
	fields(entry, func(field int, body []byte) {
		if field == 1 {
			key = string(body)
		} else if key == "calls" {
			request.Calls = 0
			for _, digit := range body {
				request.Calls = request.Calls*10 + int(digit-'0')
			}
		}
	})
}

// fields gives every length-delimited field of a message and skips numbers.
func fields(bytes []byte, visit func(field int, body []byte)) {
	for len(bytes) > 0 {
		tag, size := varint(bytes)
		length, lengthSize := varint(bytes[size:])
		bytes = bytes[size+lengthSize:]
		if tag&7 == 0 {
			continue
		}
		visit(int(tag>>3), bytes[:length])
		bytes = bytes[length:]
	}
}

func varint(bytes []byte) (value uint64, size int) {
	for size < len(bytes) && size < 10 {
		value |= uint64(bytes[size]&0x7f) << (7 * size)
		size++
		if bytes[size-1] < 0x80 {
			break
		}
	}
	return value, size
}

func answer(body []byte) []byte {
	out := append(make([]byte, 0, len(body)+64), 8, 200, 1)
	out = lenField(out, 2, []byte("application/octet-stream"))
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
