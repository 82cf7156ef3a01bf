// A guest written against the raw ABI with the standard library only. The request type chooses what it does; most answers are
// text. What the host must answer is said at each handler.
package main

import (
	"crypto/rand"
	"fmt"
	"net"
	"os"
	"strconv"
	"strings"
	"sync"
	"time"
)

// main is never called.
func main() {}

var handlers = map[string]func(*request) []byte{
	"EchoReq":  echo,
	"CallReq":  call,
	"SleepReq": sleep,
	"PrintReq": printOut,
	"PanicReq": func(*request) []byte { panic("the guest panics") },
	"NilReq":   func(*request) []byte { var nothing *request; return nothing.body },
	"ExitReq":  func(*request) []byte { os.Exit(3); return nil },
	"LoopReq": func(*request) []byte {
		for {
		}
	},
	"RecurseReq":   func(*request) []byte { return []byte(fmt.Sprint(recurse(1))) },
	"DeadlockReq":  func(*request) []byte { return <-make(chan []byte) },
	"FilesReq":     files,
	"EnvReq":       func(*request) []byte { return lines(fmt.Sprint(os.Args), fmt.Sprint(os.Environ())) },
	"SocketReq":    sockets,
	"StdinReq":     stdin,
	"TimeReq":      times,
	"RandomReq":    random,
	"AllocReq":     allocate,
	"GoroutineReq": goroutines,
	"StateReq":     state,
	"RememberReq":  remember,
	"SearchReq":    search,
}

// echo answers the body after `?calls=N` host calls of runtime info.uuid.
func echo(request *request) []byte {
	asked := lenField(nil, 1, []byte("runtime"))
	asked = lenField(asked, 2, []byte("info.uuid"))
	for range request.number("calls") {
		callHost(asked)
	}
	return request.body
}

// call passes the body on as a host-call request and answers the raw response: empty when the host returned 0.
func call(request *request) []byte { return callHost(request.body) }

// sleep sleeps `?ms=N` and answers the milliseconds that passed. Host: SBX_DEADLINE when that is too long.
func sleep(request *request) []byte {
	start := time.Now()
	time.Sleep(time.Duration(request.number("ms")) * time.Millisecond)
	return []byte(fmt.Sprint(time.Since(start).Milliseconds()))
}

// printOut prints the body, line by line to stdout and once to stderr. Host: log lines, or nothing; never its own terminal.
func printOut(request *request) []byte {
	fmt.Println("out: " + string(request.body))
	fmt.Fprint(os.Stderr, "err: "+string(request.body))
	return []byte("printed")
}

func recurse(depth int) int { return recurse(depth+1) + depth }

// files tries what a guest has no right to; each line is an error. Host: passes the answer on.
func files(*request) []byte {
	_, read := os.ReadFile("/etc/passwd")
	_, list := os.ReadDir("/")
	_, relative := os.Stat("package.json")
	write := os.WriteFile("/tmp/escaped", []byte("x"), 0o600)
	remove := os.Remove("/tmp/escaped")
	_, cwd := os.ReadDir(".")
	return lines(text(read), text(list), text(relative), text(write), text(remove), text(cwd))
}

// sockets tries to reach the network; both lines are errors.
func sockets(*request) []byte {
	_, dial := net.DialTimeout("tcp", "127.0.0.1:80", 100*time.Millisecond)
	_, lookup := net.LookupHost("localhost.localdomain.invalid")
	return lines(text(dial), text(lookup))
}

// stdin reads standard input; it is empty.
func stdin(*request) []byte {
	buffer := make([]byte, 16)
	count, err := os.Stdin.Read(buffer)
	return []byte(fmt.Sprint(count, " ", err))
}

// times answers the wall clock in ms and whether the monotonic clock goes forward.
func times(*request) []byte {
	start := time.Now()
	for time.Since(start) <= 0 {
	}
	return []byte(fmt.Sprint(start.UnixMilli()))
}

// random answers 16 random bytes in hexadecimal.
func random(*request) []byte {
	bytes := make([]byte, 16)
	rand.Read(bytes)
	return []byte(fmt.Sprintf("%x", bytes))
}

// allocate takes and touches `?mib=N` MiB. Host: SBX_EXIT or SBX_TRAP beyond the memory limit.
func allocate(request *request) []byte {
	var kept [][]byte
	for range request.number("mib") {
		block := make([]byte, 1<<20)
		for i := 0; i < len(block); i += 4096 {
			block[i] = 1
		}
		kept = append(kept, block)
	}
	return []byte(fmt.Sprint(len(kept)))
}

// goroutines adds 1 to 100 in a hundred goroutines: 5050.
func goroutines(*request) []byte {
	results := make(chan int)
	var group sync.WaitGroup
	for i := 1; i <= 100; i++ {
		group.Add(1)
		go func() { defer group.Done(); results <- i }()
	}
	go func() { group.Wait(); close(results) }()
	sum := 0
	for result := range results {
		sum += result
	}
	return []byte(fmt.Sprint(sum))
}

var count int

// state counts its own executions: always 1 unless the instance is warm.
func state(*request) []byte {
	count++
	return []byte(fmt.Sprint(count))
}

func serve(bytes []byte) []byte {
	request, err := decode(bytes)
	if err != nil {
		return answer(400, []byte(err.Error()))
	}
	handler := handlers[request.requestType]
	if handler == nil {
		return answer(404, []byte("Dynamic bridge route not found"))
	}
	return answer(200, handler(request))
}

func (request *request) number(name string) int {
	number, _ := strconv.Atoi(request.query[name])
	return number
}

func text(err error) string {
	if err == nil {
		return "allowed"
	}
	return err.Error()
}

func lines(texts ...string) []byte { return []byte(strings.Join(texts, "\n")) }
