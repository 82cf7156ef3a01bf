// The smallest Go guest: it answers the body, after `?calls=N` host calls.
package main

import "bench/abi"

// mark makes builds distinct: the bench writes a number over its end.
var mark = "sandpool bench guest 000000"

func init() { abi.Serve = serve }

// main is never called.
func main() {}

func serve(request *abi.Request) []byte {
	if request.Type == "MarkReq" {
		return []byte(mark)
	}
	return abi.Echo(request)
}
