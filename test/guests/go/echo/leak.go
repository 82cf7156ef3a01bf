package main

import (
	"bytes"
	"fmt"
	"sync"
	"unsafe"
)

// What remember leaves behind, wherever a Go program can.
var (
	secrets []string
	byKey   = map[string][]byte{}
	pool    sync.Pool
	waiting = make(chan []byte, 16)
)

// remember keeps the body in a list, a map, a pool, a channel, a goroutine that never ends, and on a deep stack.
func remember(request *request) []byte {
	secret := bytes.Clone(request.body)
	secrets = append(secrets, string(secret))
	byKey[string(secret)] = secret
	pool.Put(&secret)
	waiting <- secret
	go func() { <-make(chan int); fmt.Print(secret) }()
	deepen(secret, 200)
	return []byte(fmt.Sprint(len(secrets)))
}

func deepen(secret []byte, depth int) byte {
	var frame [64]byte
	copy(frame[:], secret)
	if depth == 0 {
		return frame[0]
	}
	return deepen(secret, depth-1) + frame[1]
}

// search counts the places in memory that hold what the body says, every bit of which is the other way round: the request itself
// must not be found. It looks as far as `?mib=N`.
func search(request *request) []byte {
	memory := unsafe.Slice((*byte)(unsafe.Pointer(uintptr(8))), request.number("mib")<<20-8)
	body := request.body
	found := 0
	for at := 0; at+len(body) <= len(memory); at++ {
		index := 0
		for index < len(body) && memory[at+index] == ^body[index] {
			index++
		}
		if index == len(body) {
			found++
		}
	}
	return []byte(fmt.Sprint(found, len(secrets), len(byKey), pool.Get(), len(waiting)))
}
