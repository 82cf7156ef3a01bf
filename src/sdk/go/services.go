package lina

import (
	"encoding/json"
	"fmt"
	"strconv"
)

// HostError is a host call that failed. Status: 1 not granted, 2 not found, 3 invalid request or business error, 4 internal.
type HostError struct {
	Status  uint32
	Payload string
}

func (e *HostError) Error() string {
	return fmt.Sprintf("host call error (status=%d): %s", e.Status, e.Payload)
}

// Code is a code for programs, such as HOST_CALL_CAPABILITY_DENIED.
func (e *HostError) Code() string { return e.told().ErrorCode }

// Message is a sentence in English.
func (e *HostError) Message() string { return e.told().Fallback }

func (e *HostError) told() (told struct{ ErrorCode, Fallback string }) {
	if json.Unmarshal([]byte(e.Payload), &told) != nil {
		told.Fallback = e.Payload
	}
	return told
}

// Call names a method of a service, and what the grant is checked against.
type Call struct {
	Service, Method, ResourceRef, Table string
	Payload                             []byte
	Owner, Version                      string
}

// Invoke asks any service; payload and reply are the service's own messages.
func Invoke(call Call) ([]byte, error) {
	out := Writer{}
	out.Trimmed(1, call.Service)
	out.Trimmed(2, call.Method)
	out.Trimmed(3, call.ResourceRef)
	out.Trimmed(4, call.Table)
	out.Blob(5, call.Payload)
	out.Trimmed(6, call.Owner)
	out.Trimmed(7, call.Version)
	return decodeReply(callHost(out.Bytes))
}

// InvokeJSON asks a method whose request and reply are JSON. A nil argument is none; a reply without value leaves result alone,
// and a nil result is not read.
func InvokeJSON(call Call, argument, result any) error {
	if argument != nil {
		text, err := json.Marshal(argument)
		if err != nil {
			return err
		}
		payload := Writer{}
		payload.Blob(1, text)
		call.Payload = payload.Bytes
	}
	reply, err := Invoke(call)
	if err != nil || result == nil {
		return err
	}
	var value []byte
	reader := NewReader(reply, "host service JSON response")
	for reader.Next() {
		switch reader.Field {
		case 1:
			value = reader.Blob("value")
		default:
			reader.Skip()
		}
	}
	if reader.Err != nil || len(value) == 0 {
		return reader.Err
	}
	return json.Unmarshal(value, result)
}

func decodeReply(bytes []byte) ([]byte, error) {
	var status uint32
	var payload []byte
	reader := NewReader(bytes, "host call response")
	for reader.Next() {
		switch reader.Field {
		case 1:
			status = uint32(reader.Uint("status"))
		case 2:
			payload = reader.Blob("payload")
		default:
			reader.Skip()
		}
	}
	if reader.Err != nil {
		return nil, reader.Err
	}
	if status != 0 {
		return nil, &HostError{status, string(payload)}
	}
	return payload, nil
}

// Log writes a line to the host's log. Levels: 1 debug, 2 info, 3 warning, 4 error.
func Log(level int, message string, fields map[string]string) error {
	payload := Writer{}
	payload.Int(1, int64(level))
	payload.Trimmed(2, message)
	payload.Texts(3, fields)
	_, err := Invoke(Call{Service: "runtime", Method: "log.write", Payload: payload.Bytes})
	return err
}

// StateGet gives a text that outlives the request; false when there is none.
func StateGet(key string) (string, bool, error) {
	return foundText(Invoke(Call{Service: "runtime", Method: "state.get", Payload: text(key)}))
}

func StateSet(key, value string) error {
	payload := Writer{}
	payload.Trimmed(1, key)
	payload.Text(2, value)
	_, err := Invoke(Call{Service: "runtime", Method: "state.set", Payload: payload.Bytes})
	return err
}

func StateDelete(key string) error {
	_, err := Invoke(Call{Service: "runtime", Method: "state.delete", Payload: text(key)})
	return err
}

// StateGetMany gives the texts of up to 100 keys; keys that are not there are left out.
func StateGetMany(keys []string) (map[string]string, error) {
	var reply struct{ Values map[string]string }
	err := InvokeJSON(Call{Service: "runtime", Method: "state.get_many"}, keysOf{keys}, &reply)
	return reply.Values, err
}

// StateSetMany sets all or none of the keys.
func StateSetMany(values map[string]string) error {
	argument := struct {
		Values map[string]string `json:"values"`
	}{values}
	return InvokeJSON(Call{Service: "runtime", Method: "state.set_many"}, argument, nil)
}

func StateDeleteMany(keys []string) error {
	return InvokeJSON(Call{Service: "runtime", Method: "state.delete_many"}, keysOf{keys}, nil)
}

type keysOf struct {
	Keys []string `json:"keys"`
}

type idsOf struct {
	IDs []string `json:"ids"`
}

type pathsOf struct {
	Paths []string `json:"paths"`
}

// Now gives milliseconds since 1970.
func Now() (int64, error) {
	value, err := info("info.now")
	if err != nil {
		return 0, err
	}
	return strconv.ParseInt(value, 10, 64)
}

// UUID gives a new id of 32 lower-case letters and digits.
func UUID() (string, error) { return info("info.uuid") }

// Node gives the name of the machine that runs the host.
func Node() (string, error) { return info("info.node") }

func info(method string) (string, error) {
	value, _, err := foundText(Invoke(Call{Service: "runtime", Method: method}))
	return value, err
}

func text(value string) []byte {
	payload := Writer{}
	payload.Trimmed(1, value)
	return payload.Bytes
}

// foundText reads {1: text, 2: found}.
func foundText(bytes []byte, err error) (string, bool, error) {
	value, found := "", false
	reader := NewReader(bytes, "host service response")
	for err == nil && reader.Next() {
		switch reader.Field {
		case 1:
			value = reader.Text("value")
		case 2:
			found = reader.Bool("found")
		default:
			reader.Skip()
		}
	}
	if err == nil {
		err = reader.Err
	}
	return value, found, err
}
