// A Go guest as plugins are: a few packages of the standard library, and work before the first request.
package main

import (
	"encoding/json"
	"fmt"
	"net/url"
	"regexp"
	"time"

	"bench/abi"
)

// mark makes builds distinct: the bench writes a number over its end.
var mark = "sandpool bench guest 000000"

var (
	patterns []*regexp.Regexp
	table    = map[string]any{}
	document []byte
	started  time.Time
)

func init() {
	abi.Serve = serve
	started = time.Now()
	for i := range 20 {
		patterns = append(patterns, regexp.MustCompile(fmt.Sprintf(`^/(?P<kind>[a-z]+%d)/(?P<id>[0-9]{1,9})(/.*)?$`, i)))
	}
	for i := range 200 {
		address, _ := url.Parse(fmt.Sprintf("https://example.test/records/%d?page=%d&sort=name", i, i%7))
		table[fmt.Sprintf("record-%03d", i)] = map[string]any{"id": i, "url": address.String(), "weight": float64(i) / 3, "open": i%2 == 0}
	}
	document, _ = json.Marshal(table)
}

// main is never called.
func main() {}

func serve(request *abi.Request) []byte {
	switch request.Type {
	case "EncodeReq":
		bytes, err := json.Marshal(table)
		if err != nil {
			panic(err)
		}
		return bytes[:16]
	case "DecodeReq":
		var decoded map[string]any
		if err := json.Unmarshal(document, &decoded); err != nil {
			panic(err)
		}
		return fmt.Append(nil, len(decoded))
	case "MatchReq":
		found := 0
		for _, pattern := range patterns {
			if pattern.MatchString("/notes7/12345/edit") {
				found++
			}
		}
		return fmt.Append(nil, found, " ", started.Unix())
	case "MarkReq":
		return []byte(mark)
	}
	return abi.Echo(request)
}
