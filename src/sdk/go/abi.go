// Package lina lets a Sandpool plugin be written in Go with nothing but the standard library. Build it with Go 1.24 or newer:
//
//	GOOS=wasip1 GOARCH=wasm go build -buildmode=c-shared -o build/plugin.wasm .
//
// Handlers are registered in init functions; main is never called.
package lina

import (
	"runtime"
	"unsafe"
)

//go:wasmimport lina_env host_call
func hostCall(opcode uint32, request unsafe.Pointer, length uint32) uint64

const opServiceInvoke = 1

// The host writes into these and reads from them; they are held here so that the collector leaves them alone.
var (
	requestBuffer  []byte
	responseBuffer []byte
	replyBuffer    []byte
)

//go:wasmexport lina_dynamic_route_alloc
func allocRequest(length uint32) uint32 {
	requestBuffer = make([]byte, length)
	return addressOf(requestBuffer)
}

//go:wasmexport lina_dynamic_route_execute
func execute(length uint32) uint64 {
	request, err := decodeRequest(requestBuffer[:length])
	if err != nil {
		responseBuffer = encodeResponse(BadRequest(err.Error()))
	} else {
		responseBuffer = encodeResponse(dispatch(request))
	}
	return uint64(addressOf(responseBuffer))<<32 | uint64(len(responseBuffer))
}

//go:wasmexport lina_host_call_alloc
func allocReply(length uint32) uint32 {
	replyBuffer = make([]byte, length)
	return addressOf(replyBuffer)
}

// callHost sends the bytes of a host-call request and returns those of the response.
func callHost(request []byte) []byte {
	packed := hostCall(opServiceInvoke, unsafe.Pointer(unsafe.SliceData(request)), uint32(len(request)))
	runtime.KeepAlive(request)
	length := uint32(packed)
	if length == 0 {
		return nil
	}
	return replyBuffer[:length]
}

// addressOf gives the address of a buffer; Go's collector does not move what it points to.
func addressOf(buffer []byte) uint32 {
	return uint32(uintptr(unsafe.Pointer(unsafe.SliceData(buffer))))
}
